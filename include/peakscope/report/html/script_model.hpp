// SPDX-License-Identifier: MIT
// Made by embed.py of model.js: change that, and run it again.
// clang-format off
#pragma once

#include <string_view>

namespace peakscope::report::detail {

inline constexpr std::string_view script_model = R"page(// The report, as the parts of the page ask for it. A window is the measurement (null) or the number of a phase.

const METRICS = {
  peak: { name: "Alive at the peak", bytes: "at_peak_bytes", blocks: "at_peak_blocks", error: "at_peak_error_bytes" },
  end: { name: "Kept at the end", bytes: "delta_bytes", blocks: "delta_blocks", error: "delta_error_bytes", signed: true },
  allocated: { name: "Allocated", bytes: "allocated_bytes", blocks: "allocations", error: "allocated_error_bytes" },
  // Freed before the entry of the phase ended that they were allocated in; where that was watched, and of the measurement.
  short: { name: "Short-lived", bytes: "short_lived_bytes", blocks: "short_lived" },
};

async function unpacked(base64) {
  const letters = atob(base64);
  const packed = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; ++at) packed[at] = letters.charCodeAt(at);
  const text = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(text).text());
}

// What a phase has of a site is a row in the JSON.
const ROW = ["site", "delta_bytes", "delta_blocks", "at_peak_bytes", "at_peak_blocks", "at_peak_born_inside_bytes", "allocated_bytes", "allocations",
  "delta_error_bytes", "at_peak_error_bytes", "allocated_error_bytes"];

function siteOfRow(row) {
  return Object.fromEntries(row.map((value, at) => [ROW[at], value]));
}

class Report {
  constructor(json) {
    this.json = json;
    for (const phase of json.phases) phase.sites = phase.sites.map(siteOfRow);
    this.phases = json.phases;
    this.numbers = new Map(json.phases.map((phase, number) => [phase.path, number]));
    this.userStacks = new Map();
    for (const [window, at] of json.timeline?.peaks ?? []) this.part(window).heap.peak_at_ns = at;
    this.watchesLifetimes = json.sites.some((site) => site.lifetimes);
    for (const site of json.sites) {
      if (!site.lifetimes) continue;
      site.short_lived = site.lifetimes.short_lived;
      site.short_lived_bytes = site.lifetimes.short_lived_bytes;
    }
  }

  part(window) {
    return window === null ? this.json : this.phases[window];
  }
  windowName(window) {
    return window === null ? "the whole measurement" : this.phases[window].path;
  }

  // The innermost phase whose window held the measurement's peak; null when it lay outside of all.
  highWaterPhase() {
    const { heap } = this.json;
    let found = null;
    if (heap.peak === null) return found;
    this.phases.forEach((phase, number) => {
      if (phase.heap.peak === heap.peak && (found === null || phase.path.startsWith(`${this.phases[found].path}/`))) found = number;
    });
    return found;
  }

  // What each site did in a window: sites and their amounts.
  amounts(window) {
    if (window === null) return this.json.sites.map((site) => ({ site, of: site }));
    return this.phases[window].sites.map((each) => ({ site: this.json.sites[each.site], of: each }));
  }

  // How exact a metric of the sites is in a window.
  precision(window, metric) {
    if (metric === "peak") return weaker(this.json.sites_precision, this.part(window).heap.peak_precision);
    return this.json.sites_precision;
  }

  // The innermost first. What has no name has its address.
  framesOf(stack) {
    const own = this.json.stack_addresses?.[stack] ?? [];
    const numbers = this.json.stacks[stack] ?? [];
    let call = -1;
    return numbers.map((number, at) => {
      const frame = this.json.frames[number];
      if (own.length === numbers.length || at === 0 || !this.json.frames[numbers[at - 1]].inlined) ++call;
      return frame.function ? frame : { ...frame, address: this.json.addresses?.[own[call]]?.[0] };
    });
  }

  // The frames of a site's stack, the outermost first. Without the library's frames it ends with the site's own.
  stack(site, withLibrary) {
    const frames = this.framesOf(site.stack);
    if (frames.length === 0) return [{ function: site.function, file: site.file, line: site.line, inlined: false }];
    const own = frames.findIndex((frame) => frame.function === site.function && frame.line === site.line && frame.file.endsWith(site.file));
    return (withLibrary || own < 0 ? frames : frames.slice(own)).reverse();
  }
}

// One report, or what differs between two.
class Model {
  constructor(report, before) {
    this.report = report;
    this.before = before;
  }

  // What there is of a window, by its key.
  metrics(window) {
    const { short, ...always } = METRICS;
    return window === null && this.report.watchesLifetimes ? { ...always, short } : always;
  }

  // The window of the report before with the same name; undefined where there is none.
  windowBefore(window) {
    return window === null ? null : this.before.numbers.get(this.report.phases[window].path);
  }

  // The sites by line of code, and of two reports by function, because lines move: sums of their stacks, ordered as they come.
  lines(window) {
    const lines = new Map();
    const add = (report, of, side) => {
      if (of === undefined) return;
      for (const { site, of: amounts } of report.amounts(of)) {
        const key = `${site.function}\n${site.file}\n${this.before ? "" : site.line}`;
        let line = lines.get(key);
        if (!line) lines.set(key, (line = { key, site, after: {}, before: {}, sites: [] }));
        if (side === "after") line.sites.push({ site, of: amounts });
        const sums = line[side];
        for (const { bytes, blocks, error } of Object.values(METRICS)) {
          sums[bytes] = (sums[bytes] ?? 0) + (amounts[bytes] ?? 0);
          sums[blocks] = (sums[blocks] ?? 0) + (amounts[blocks] ?? 0);
          // Sites are estimated independently of each other, so their variances add up.
          if (amounts[error] !== undefined) sums[error] = Math.hypot(sums[error] ?? 0, amounts[error]);
        }
      }
    };
    add(this.report, window, "after");
    if (this.before) add(this.before, this.windowBefore(window), "before");
    return [...lines.values()];
  }

  precision(window, metric) {
    const own = this.report.precision(window, metric);
    const other = this.before && this.windowBefore(window);
    return this.before && other !== undefined ? weaker(own, this.before.precision(other, metric)) : own;
  }

  // Sentences first: what a person wants to know before anything else.
  headline() {
    const { heap, sites } = this.report.json;
    if (heap.peak_delta === null) {
      const { rss } = this.report.json;
      return rss.peak_delta === null
        ? "No peak was measured"
        : `RSS peak ${figure(rss.peak_delta, rss.peak_precision, { signed: true })}; the heap was not measured`;
    }
    const phase = this.report.highWaterPhase();
    const peak = figure(heap.peak_delta, heap.peak_precision, { signed: true });
    let sentence = `Peak ${peak} ${phase === null ? "outside the phases" : `in ${this.report.phases[phase].path}`}`;
    if (this.before) {
      const of = this.before.json.heap;
      const precision = weaker(heap.peak_precision, of.peak_precision);
      const difference = of.peak_delta === null ? "n/a" : figure(heap.peak_delta - of.peak_delta, precision, { signed: true });
      return `${sentence}; before it was ${figure(of.peak_delta, of.peak_precision, { signed: true })}: ${difference}`;
    }
    if (sites.length === 0) return sentence;
    const most = this.lines(null).reduce((best, each) => (each.after.at_peak_bytes > best.after.at_peak_bytes ? each : best));
    if (most.after.at_peak_bytes > 0) {
      const of = figure(most.after.at_peak_bytes, this.precision(null, "peak"), { error: most.after.at_peak_error_bytes ?? null });
      sentence += `; ${of} of it ${placeOf(most.site) || shortName(most.site.function)}`;
    }
    return sentence;
  }

  // Whether a figure of either report is not exact: then the mark "~" is explained, with the precisions that occur.
  inexact() {
    const found = new Set();
    const look = (precision) => {
      if (precision && precision.kind !== "exact" && precision.kind !== "unavailable") found.add(formatPrecision(precision));
    };
    for (const report of [this.report, this.before]) {
      if (!report) continue;
      look(report.json.sites_precision);
      for (const part of [report.json, ...report.phases])
        for (const of of [part.heap, part.rss]) [of.totals_precision, of.peak_precision].forEach(look);
    }
    return [...found];
  }
}
)page";

} // namespace peakscope::report::detail
