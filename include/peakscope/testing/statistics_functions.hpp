// SPDX-License-Identifier: MIT
// The declarations of statistics.hpp. The other headers of this folder include this one, so that the bodies come when
// everything is declared.
#pragma once

#include <peakscope/testing/statistics_body.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace peakscope::testing {

/// A confidence interval, its ends included.
struct interval {
    double low = 0;
    double high = 0;

    [[nodiscard]] bool contains(double value) const noexcept { return low <= value && value <= high; }
};

/// A figure over several repetitions.
struct summary {
    std::size_t count = 0;
    double median = 0;
    double minimum = 0;
    double maximum = 0;
    double mad = 0;        ///< median absolute deviation from the median
    double spread = 0;     ///< half the distance between the extremes, as a part of their middle: 0.03 for ±3 %
    interval confidence{}; ///< of the median
    double level = 0.95;   ///< of the interval
};

/// Throws `usage_error` without a value.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] double median_of(std::vector<double> values);

/// Percentile bootstrap of the median (Efron, 1979): `resamples` samples with replacement from a generator with `seed`.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] interval bootstrap_median(const std::vector<double>& values,
                                                                            double level = 0.95,
                                                                            std::size_t resamples = 2'000,
                                                                            std::uint64_t seed = 1);

/// Throws `usage_error` without a value.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] summary summarise(std::vector<double> values, double level = 0.95);

/// A slope and its confidence interval.
struct slope {
    double per_step = 0;
    interval confidence{};
};

/// Theil and Sen's slope of values at 0, 1, 2, ...: the median of the slopes between all pairs, which 29 % of outliers
/// do not move. The interval is Sen's (1968), from the normal approximation to Kendall's statistic, without ties.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] slope theil_sen(const std::vector<double>& values, double level);

/// The sign test: how likely it is to see at least so many of `count` values above 0 where one is as likely above as
/// below.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] double sign_test(std::size_t above, std::size_t count);

} // namespace peakscope::testing
