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
    std::string place{}; ///< "rendering/renderer.cpp:145  Renderer::page"
    site_amounts amounts{};
};

namespace detail {

struct weighed_line {
    std::int64_t weight = 0;
    site_line line{};
};

// What `site_line::place` says of a site.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string place_of(const site_report& site);

PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<site_line> largest_of(std::vector<weighed_line> all,
                                                                         std::size_t count);

} // namespace detail

/// The lines of the measurement, and of one of its phases.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<site_line> site_lines(const memory_report& report);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<site_line> site_lines(const memory_report& report,
                                                                         const phase_report& phase);

/// The `count` lines with the largest weight; those with a weight of 0 or less are left out. Of equal ones, the first
/// by name, so that two runs agree. `weight(amounts)` is an integer.
template <class Weight>
[[nodiscard]] std::vector<site_line> largest_lines(std::vector<site_line> all, std::size_t count, Weight weight) {
    std::vector<detail::weighed_line> weighed;
    weighed.reserve(all.size());
    for (site_line& each : all)
        weighed.push_back({weight(each.amounts), std::move(each)});
    return detail::largest_of(std::move(weighed), count);
}

} // namespace peakscope::report
