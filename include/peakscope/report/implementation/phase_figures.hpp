// SPDX-License-Identifier: MIT
// What a report says of its phases together: which one has the high-water mark, and what lies outside of them all.
#pragma once

#include <peakscope/core/report.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace peakscope::report::detail {

[[nodiscard]] inline std::optional<bytes> difference(const std::optional<bytes>& value,
                                                     const std::optional<bytes>& base) {
    return value && base ? std::optional{*value - *base} : std::nullopt;
}

[[nodiscard]] inline std::size_t depth_of(std::string_view path) {
    return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
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

// What the phases at the root leave of a figure of the measurement.
template <class Get>
[[nodiscard]] std::optional<bytes> outside_phases(const memory_report& report, Get figure) {
    std::optional<bytes> rest = figure(report);
    for (const phase_report& phase : report.phases)
        if (phase.entries > 0 && depth_of(phase.path) == 0) rest = difference(rest, figure(phase));
    return rest;
}

// The precision of that difference: the errors of all its parts may add up.
template <class Get>
[[nodiscard]] precision outside_phases_precision(const memory_report& report, Get precision_of) {
    precision sum = precision_of(report);
    for (const phase_report& phase : report.phases) {
        if (phase.entries == 0 || depth_of(phase.path) != 0) continue;
        const bytes both = sum.bound + precision_of(phase).bound;
        sum = weaker(sum, precision_of(phase));
        sum.bound = both;
    }
    return sum;
}

} // namespace peakscope::report::detail
