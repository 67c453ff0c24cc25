// SPDX-License-Identifier: MIT
// Sites by line: several stacks may lead to one line of the program, which a reader wants to see once.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

/// What was allocated in one line of the program.
struct site_line {
    std::string place{}; ///< "rendering/renderer.cpp:145  Renderer::page"; no two lines of a report have the same
    site_amounts amounts{};
};

namespace detail {

// What `site_line::place` says of a site, as long as no other site has the same.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string place_of(const site_report& site);

PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<site_line>
largest_of(std::vector<site_line> all, const std::vector<std::int64_t>& weights, std::size_t count);

} // namespace detail

/// The lines of the measurement, and of a part of it: one of its phases, or `memory_report::outside_sites`.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<site_line> site_lines(const memory_report& report);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<site_line> site_lines(const memory_report& report,
                                                                         const std::vector<phase_site_report>& sites);
[[nodiscard]] inline std::vector<site_line> site_lines(const memory_report& report, const phase_report& phase) {
    return site_lines(report, phase.sites);
}

/// The `count` lines with the largest weight; those with a weight of 0 or less are left out. Of equal ones, the first
/// by name, so that two runs agree. `weight(amounts)` is an integer.
template <class Weight>
[[nodiscard]] std::vector<site_line> largest_lines(std::vector<site_line> all, std::size_t count, Weight weight) {
    std::vector<std::int64_t> weights;
    weights.reserve(all.size());
    for (const site_line& each : all)
        weights.push_back(weight(each.amounts));
    return detail::largest_of(std::move(all), weights, count);
}

} // namespace peakscope::report
