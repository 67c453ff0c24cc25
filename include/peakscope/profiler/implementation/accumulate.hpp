// SPDX-License-Identifier: MIT
// Adding up the entries of a phase: sums of what flows, the largest of what peaks (their meaning:
// core/report.hpp).
#pragma once

#include <peakscope/core/report.hpp>

#include <algorithm>
#include <optional>

namespace peakscope::profiler_detail {

// What one entry does not know, the sum does not know either.
template <class Number>
void add(std::optional<Number>& into, const std::optional<Number>& entry) noexcept {
    if (into && entry)
        *into += *entry;
    else
        into.reset();
}

template <class Number>
void keep_largest(std::optional<Number>& into, const std::optional<Number>& entry) noexcept {
    if (into && entry)
        into = std::max(*into, *entry);
    else
        into.reset();
}

// The members that both kinds of figures have. Several entries have no one start and end.
template <class Figures>
void accumulate_common(Figures& into, const Figures& entry) noexcept {
    into.totals_precision = weaker(into.totals_precision, entry.totals_precision);
    into.peak_precision = weaker(into.peak_precision, entry.peak_precision);
    into.start.reset();
    into.end.reset();
    add(into.delta, entry.delta);
    keep_largest(into.peak, entry.peak);
    keep_largest(into.peak_delta, entry.peak_delta);
}

inline void accumulate(heap_figures& into, const heap_figures& entry) noexcept {
    accumulate_common(into, entry);
    add(into.allocated, entry.allocated);
    add(into.freed, entry.freed);
    add(into.allocations, entry.allocations);
    add(into.deallocations, entry.deallocations);
    into.blocks_start.reset();
    into.blocks_end.reset();
    into.allocator = entry.allocator;
}

inline void keep_largest(std::optional<touched_memory>& into, const std::optional<touched_memory>& entry) noexcept {
    if (!into || !entry) return into.reset();
    for (const auto each : {&touched_memory::at_least, &touched_memory::at_most, &touched_memory::resident})
        (*into).*each = std::max((*into).*each, (*entry).*each);
}

// RSS deltas of n entries may each be off, so their sum by the sum of that: the bounds add up. Where that is as much as
// the phase ever had, the sum says nothing.
inline void accumulate(rss_figures& into, const rss_figures& entry) noexcept {
    const auto of_delta = [](const rss_figures& of) { return of.delta_bound.value_or(of.totals_precision.bound); };
    const bytes summed_bound = of_delta(into) + of_delta(entry);
    accumulate_common(into, entry);
    into.delta_bound.reset();
    into.at_end = entry.at_end;
    into.profiler_bytes = entry.profiler_bytes;
    keep_largest(into.touched, entry.touched);
    const precision_kind kind = into.totals_precision.kind;
    if (kind != precision_kind::bounded && kind != precision_kind::exact) return;
    into.totals_precision = bounded(summed_bound);
    if (into.peak && summed_bound >= *into.peak) {
        into.delta.reset();
        into.totals_precision = unavailable;
    }
}

} // namespace peakscope::profiler_detail
