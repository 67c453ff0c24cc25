// SPDX-License-Identifier: MIT
// Made by embed.py of page.html: change that, and run it again.
// clang-format off
#pragma once

#include <string_view>

namespace peakscope::report::detail {

inline constexpr std::string_view page_html = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>Memory: {{title}}</title>
<style>
{{style}}</style>
</head>
<body>
<header>
<p id="report-title">{{title}}</p>
<h1 id="headline">Reading the report…</h1>
<dl id="facts"></dl>
<noscript>This page draws the report with JavaScript, which is switched off here.</noscript>
</header>
<main hidden>
<section aria-labelledby="timeline-head">
<h2 id="timeline-head">Over time</h2>
<p class="legend"><span class="key heap">heap</span> <span class="key rss">RSS</span> <span id="timeline-said" class="said" role="status"></span></p>
<figure>
<div id="timeline"></div>
<figcaption id="timeline-text"></figcaption>
</figure>
<div id="phases" class="wide"></div>
</section>

<div id="controls" role="group" aria-label="What is shown">
<label>Window <select id="window"></select></label>
<fieldset id="metrics"><legend class="hidden">Amounts</legend></fieldset>
<label>In <select id="unit"><option value="bytes">bytes</option><option value="blocks">blocks</option></select></label>
<label class="search">Search <input id="search" type="search" placeholder="function or file" autocomplete="off" spellcheck="false"></label>
</div>

<section aria-labelledby="flame-head">
<h2 id="flame-head">Who allocated it</h2>
<p class="legend"><label class="check"><input type="checkbox" id="library"> library frames</label>
<button type="button" id="unzoom" hidden>Zoom out</button> <span id="flame-found"></span> <span id="flame-said" class="said" role="status"></span></p>
<figure>
<div id="flame" role="group" aria-label="Flame graph" aria-describedby="flame-text"></div>
<figcaption id="flame-text"></figcaption>
</figure>
</section>

<section aria-labelledby="sites-head">
<h2 id="sites-head">Sites</h2>
<p class="legend" id="sites-count" role="status"></p>
<div class="wide"><table id="sites"></table></div>
<button type="button" id="more">Show more</button>
</section>

<section id="births" aria-labelledby="births-head">
<h2 id="births-head">Born in, alive in</h2>
<p class="legend"><label>Show <select id="births-of"><option value="at_peak">alive at the peak</option><option value="at_end">alive at the end</option><option value="freed_in">where it was freed</option></select></label></p>
<figure>
<div id="births-map" class="wide"></div>
<figcaption id="births-text"></figcaption>
</figure>
</section>

<section id="labels" aria-labelledby="labels-head">
<h2 id="labels-head">Labels</h2>
<div class="wide"></div>
</section>

<section id="work" aria-labelledby="work-head">
<h2 id="work-head">What threads did</h2>
<div class="wide"></div>
</section>

<section aria-labelledby="notes-head">
<h2 id="notes-head">Precision and notes</h2>
<ul id="notes"></ul>
</section>
</main>
<script type="application/octet-stream" id="report">{{report}}</script>
<script type="application/octet-stream" id="before">{{before}}</script>
<script type="module">
{{script}}</script>
</body>
</html>
)page";

} // namespace peakscope::report::detail
