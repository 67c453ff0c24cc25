// SPDX-License-Identifier: MIT
// What a report says of its phases together: which one has the high-water mark, and what lies outside of them all.
#pragma once

#include <peakscope/core/report.hpp>

#include <range/v3/algorithm/count.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace peakscope::report::detail {

[[nodiscard]] inline std::optional<bytes> difference(const std::optional<bytes>& value,
                                                     const std::optional<bytes>& base) {
    return value && base ? std::optional{*value - *base} : std::nullopt;
}

// What one item has of it; not known where there are none.
[[nodiscard]] inline std::optional<bytes> share(const std::optional<bytes>& whole, std::uint64_t count) {
    if (!whole || count == 0) return std::nullopt;
    return *whole / bytes::of(count).count;
}

[[nodiscard]] inline std::size_t depth_of(std::string_view path) {
    return static_cast<std::size_t>(ranges::count(path, '/'));
}

// The innermost phase whose window held the measurement's peak; null when it lay outside of all.
[[nodiscard]] inline const phase_report* high_water_phase(const memory_report& report) {
    const phase_report* found = nullptr;
    if (!report.heap.peak) return found;
    for (const phase_report& phase : report.phases)
        if (phase.heap.peak == report.heap.peak && (found == nullptr || phase.path.starts_with(found->path + "/")))
            found = &phase;
    return found;
}

// What the phases at the root that were entered leave of the heap's delta: together they are the measurement.
struct heap_outside_phases {
    std::optional<bytes> delta;
    precision of_delta; // the errors of all its parts may add up

    explicit heap_outside_phases(const memory_report& report)
        : delta(report.heap.delta), of_delta(report.heap.totals_precision) {
        for (const phase_report& phase : report.phases) {
            if (phase.entries == 0 || depth_of(phase.path) > 0) continue;
            delta = difference(delta, phase.heap.delta);
            const bytes bound = of_delta.bound + phase.heap.totals_precision.bound;
            of_delta = weaker(of_delta, phase.heap.totals_precision);
            of_delta.bound = bound;
        }
    }
};

} // namespace peakscope::report::detail
