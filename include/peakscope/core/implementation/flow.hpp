// SPDX-License-Identifier: MIT
// Figures from what was read at both ends of a window.
#pragma once

#include <peakscope/core/flow.hpp>
#include <peakscope/core/report.hpp>

#include <cstdint>
#include <optional>

namespace peakscope {

// Of the heap or of RSS.
template <class Figures>
void set_totals(Figures& figures, bytes start, bytes end, const precision& known) noexcept {
    figures.totals_precision = known;
    figures.start = start;
    figures.end = end;
    figures.delta = end - start;
}
template <class Figures>
void set_peak(Figures& figures, bytes peak, bytes start, const precision& known) noexcept {
    figures.peak_precision = known;
    figures.peak = peak;
    figures.peak_delta = peak - start;
}

// More than 2^63 bytes are no figure.
[[nodiscard]] inline std::optional<bytes> as_figure(std::uint64_t sum_bytes) noexcept {
    return sum_bytes > std::uint64_t{INT64_MAX} ? std::nullopt : std::optional{bytes::of(sum_bytes)};
}

heap_figures figures_between(const flow& start, const flow& end) noexcept {
    const flow inside = end - start;
    heap_figures figures;
    set_totals(figures, bytes{start.live_bytes()}, bytes{end.live_bytes()}, exact);
    figures.allocated = as_figure(inside.allocated_bytes);
    figures.freed = as_figure(inside.freed_bytes);
    figures.allocations = inside.allocations;
    figures.deallocations = inside.deallocations;
    figures.blocks_start = static_cast<std::uint64_t>(start.live_blocks());
    figures.blocks_end = static_cast<std::uint64_t>(end.live_blocks());
    return figures;
}

} // namespace peakscope
