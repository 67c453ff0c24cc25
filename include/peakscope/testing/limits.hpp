// SPDX-License-Identifier: MIT
// Limits and budgets as data, which is all that a test needs to set one. <peakscope/testing/budget.hpp> checks reports
// against them; this header does not know the report, so that the adapters for test frameworks cost next to nothing.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/byte_count.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace peakscope {
struct memory_report;
} // namespace peakscope

namespace peakscope::testing {

/// Limits for a window, a label or an item. A member without a value is no limit; a figure may be as large as its
/// limit, and no larger.
struct limits {
    std::optional<bytes> heap_delta{};      ///< live at the end less live at the start
    std::optional<bytes> heap_peak{};       ///< above the measurement's start, as the console shows it
    std::optional<bytes> heap_peak_delta{}; ///< above the window's own start; the same for the measurement
    std::optional<bytes> rss_delta{};
    std::optional<bytes> rss_peak{};
    std::optional<bytes> rss_peak_delta{};
    std::optional<bytes> allocated{}; ///< all that was allocated, freed or not
    std::optional<std::uint64_t> allocations{};
    std::optional<std::uint64_t> leaked_blocks{}; ///< allocations less deallocations
};

/// All limits for a report. Phases are named by path or by a name that only one has; of a label, the report knows
/// heap_delta, heap_peak, allocated and allocations.
struct budget {
    limits whole{};
    std::map<std::string, limits> phases{};
    std::map<std::string, limits> labels{};
    limits per_item{}; ///< the measurement's figures divided by its items
};

namespace detail {

// The messages of the violations, for the assertions of the test frameworks.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<std::string> broken_limits(const memory_report& report,
                                                                              const budget& all);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string title_of(const memory_report& report);

} // namespace detail

} // namespace peakscope::testing
