// SPDX-License-Identifier: MIT
// What came of repeating a measurement (repeat.hpp), as data.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/testing/figures.hpp>
#include <peakscope/testing/statistics_functions.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace peakscope::testing {

/// A repetition without a report.
struct failed_repetition {
    std::size_t number = 0; ///< from 1
    std::string reason{};
};

/// What came of all repetitions.
struct repetitions {
    std::vector<memory_report> reports{};
    std::vector<failed_repetition> failures{};

    /// The figure over all reports. Throws `usage_error` where a report does not have it, or there is none.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] summary of(const figure& wanted, double level = 0.95) const;

    /// A table for a person: each figure of the measurement that all reports have, and the failures.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::string text() const;
};

} // namespace peakscope::testing

#ifdef PEAKSCOPE_IMPLEMENTATION
#include <peakscope/testing/implementation/with_boost_math.hpp>
#endif
