// SPDX-License-Identifier: MIT
// Made by embed.py of page.css: change that, and run it again.
// clang-format off
#pragma once

#include <string_view>

namespace peakscope::report::detail {

inline constexpr std::string_view page_css = R"page(:root {
  color-scheme: light;
  --page: #fbfaf8;
  --card: #ffffff;
  --text: #1d2126;
  --faint: #59616b;
  --line: #d9d6d0;
  --accent: #b3261e;
  --heap: #0b57a4;
  --rss: #8a5a00;
  --band: 84%;
  --band-text: #1d2126;
  --heat: 0%;
  --own-0: #ffcf8f;
  --own-1: #ffc07a;
  --own-2: #ffd9a6;
  --own-3: #f7b98a;
  --library: #e3e1dc;
  --more: #f0806d;
  --less: #6ba9ea;
  --found: #b58cf0;
}

@media screen and (prefers-color-scheme: dark) {
  :root {
    color-scheme: dark;
    --page: #14171b;
    --card: #1c2026;
    --text: #e8e6e1;
    --faint: #a3abb5;
    --line: #363c45;
    --accent: #ff8a7a;
    --heap: #6cb2ff;
    --rss: #e3b04b;
    --band: 27%;
    --band-text: #f2f0ec;
    --own-0: #7a4a12;
    --own-1: #8a4f10;
    --own-2: #6b4316;
    --own-3: #87451f;
    --library: #353b44;
    --more: #a33a2b;
    --less: #22609e;
    --found: #6d47ad;
  }
}

* {
  box-sizing: border-box;
}

body {
  margin: 0 auto;
  max-width: 90rem;
  padding: 1rem clamp(0.75rem, 3vw, 2.5rem) 4rem;
  background: var(--page);
  color: var(--text);
  font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}

h1 {
  margin: 0.1rem 0 0.8rem;
  font-size: clamp(1.25rem, 2.6vw, 1.9rem);
  line-height: 1.25;
  overflow-wrap: anywhere;
}

h2 {
  margin: 2rem 0 0.4rem;
  font-size: 1.15rem;
}

#report-title {
  margin: 0;
  color: var(--faint);
}

#facts {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr));
  gap: 0.6rem;
  margin: 0;
}

#facts > div {
  padding: 0.5rem 0.8rem;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 8px;
}

#facts dt {
  color: var(--faint);
  font-size: 0.85rem;
}

#facts dd {
  margin: 0;
  font-size: 1.15rem;
  font-weight: 600;
}

#facts dd small {
  display: block;
  color: var(--faint);
  font-size: 0.78rem;
  font-weight: 400;
}

figure {
  margin: 0;
}

figcaption,
.legend {
  margin: 0.2rem 0;
  color: var(--faint);
  font-size: 0.87rem;
}

.legend {
  min-height: 1.7rem;
}

.legend > * {
  margin-right: 0.8rem;
}

.said {
  color: var(--text);
  overflow-wrap: anywhere;
}

.key::before {
  content: "";
  display: inline-block;
  width: 1.2em;
  margin-right: 0.35em;
  vertical-align: middle;
  border-top: 2.5px solid var(--heap);
}

.key.rss::before {
  border-top: 2.5px dashed var(--rss);
}

.hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
}

:focus-visible {
  outline: 3px solid var(--heap);
  outline-offset: 1px;
}

#timeline svg {
  display: block;
  width: 100%;
  background: var(--card);
  border: 1px solid var(--line);
  border-radius: 8px;
  touch-action: pan-y;
}

#timeline text {
  fill: var(--text);
  font-size: 12px;
}

#timeline .tick {
  fill: var(--faint);
}

#timeline .grid {
  stroke: var(--line);
}

#timeline .area {
  fill: var(--heap);
  fill-opacity: 0.13;
  pointer-events: none;
}

#timeline .curve {
  fill: none;
  stroke: var(--heap);
  stroke-width: 1.8;
  stroke-linejoin: round;
  pointer-events: none;
}

#timeline .curve.rss {
  stroke: var(--rss);
  stroke-dasharray: 5 3;
}

#timeline .shade {
  fill: hsl(var(--hue) 60% var(--band));
  fill-opacity: 0.22;
  cursor: pointer;
}

#timeline .shade.selected {
  fill-opacity: 0.6;
}

#timeline .band {
  fill: hsl(var(--hue) 60% var(--band));
  stroke: hsl(var(--hue) 45% 50%);
  stroke-width: 0.7;
  cursor: pointer;
}

#timeline .band.selected {
  stroke: var(--text);
  stroke-width: 2;
}

#timeline .band-name {
  fill: var(--band-text);
  pointer-events: none;
}

#timeline .peak {
  fill: var(--accent);
  stroke: var(--card);
  stroke-width: 2;
  pointer-events: none;
}

#timeline .peak-text {
  fill: var(--accent);
  font-weight: 600;
  paint-order: stroke;
  stroke: var(--card);
  stroke-width: 4px;
  pointer-events: none;
}

#timeline .pointer {
  pointer-events: none;
}

#timeline .pointer line {
  stroke: var(--faint);
  stroke-dasharray: 2 3;
}

#timeline .dot {
  fill: var(--heap);
}

#timeline .dot.rss {
  fill: var(--rss);
}

#controls {
  position: sticky;
  top: 0;
  z-index: 2;
  display: flex;
  flex-wrap: wrap;
  gap: 0.4rem 1rem;
  align-items: center;
  margin-top: 1.5rem;
  padding: 0.5rem 0;
  background: var(--page);
  border-bottom: 1px solid var(--line);
}
)page";

} // namespace peakscope::report::detail
