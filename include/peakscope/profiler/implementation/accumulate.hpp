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

// RSS deltas of n entries may each be off by the bound, so their sum by n times as much: the bounds add up.
inline void accumulate(rss_figures& into, const rss_figures& entry) noexcept {
    const bytes summed_bound = into.totals_precision.bound + entry.totals_precision.bound;
    accumulate_common(into, entry);
    into.at_end = entry.at_end;
    if (into.totals_precision.kind == precision_kind::bounded) into.totals_precision.bound = summed_bound;
}

} // namespace peakscope::profiler_detail
