// SPDX-License-Identifier: MIT
// The bodies of testing/statistics.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/testing/statistics_functions.hpp>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/statistics/univariate_statistics.hpp>
#include <range/v3/algorithm/generate.hpp>
#include <range/v3/algorithm/minmax.hpp>
#include <range/v3/algorithm/sort.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace peakscope::testing {

double median_of(std::vector<double> values) {
    if (values.empty()) throw usage_error("there is no median of nothing: no repetition has the figure");
    return boost::math::statistics::median(values);
}

namespace detail {

// The median of a sample with replacement of the same size.
[[nodiscard]] inline double resampled_median(const std::vector<double>& from, std::mt19937_64& random) {
    std::uniform_int_distribution<std::size_t> any{0, from.size() - 1};
    std::vector<double> sample(from.size());
    ranges::generate(sample, [&] { return from[any(random)]; });
    return median_of(std::move(sample));
}

} // namespace detail

interval bootstrap_median(const std::vector<double>& values, double level, std::size_t resamples, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    std::vector<double> medians(resamples);
    ranges::generate(medians, [&] { return detail::resampled_median(values, random); });
    ranges::sort(medians);
    const auto at = [&](double part) {
        return medians[static_cast<std::size_t>(std::lround(part * static_cast<double>(medians.size() - 1)))];
    };
    return {at((1 - level) / 2), at((1 + level) / 2)};
}

summary summarise(std::vector<double> values, double level) {
    summary made;
    made.count = values.size();
    made.level = level;
    made.median = median_of(values);
    const auto [least, most] = ranges::minmax(values);
    made.minimum = least;
    made.maximum = most;
    made.spread = least == most ? 0 : (most - least) / std::abs(most + least);
    made.confidence = bootstrap_median(values, level);
    // Boost.Math 1.81 has median_absolute_deviation, but it takes the values in the middle without their center.
    for (double& each : values)
        each = std::abs(each - made.median);
    made.mad = median_of(std::move(values));
    return made;
}

slope theil_sen(const std::vector<double>& values, double level) {
    if (values.size() < 2) throw usage_error("a slope needs two values at least");
    std::vector<double> slopes;
    slopes.reserve(values.size() * (values.size() - 1) / 2);
    for (std::size_t i = 0; i < values.size(); ++i)
        for (std::size_t j = i + 1; j < values.size(); ++j)
            slopes.push_back((values[j] - values[i]) / static_cast<double>(j - i));
    ranges::sort(slopes);
    const auto n = static_cast<double>(values.size());
    const double z = boost::math::quantile(boost::math::normal{}, (1 + level) / 2);
    const double reach = z * std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
    const auto pairs = static_cast<double>(slopes.size());
    const auto at = [&](double rank) { // from 1
        return slopes[static_cast<std::size_t>(std::clamp(rank, 1.0, pairs)) - 1];
    };
    return {median_of(slopes), {at(std::floor((pairs - reach) / 2)), at(std::ceil((pairs + reach) / 2) + 1)}};
}

double sign_test(std::size_t above, std::size_t count) {
    if (above == 0) return 1;
    const boost::math::binomial even{static_cast<double>(count), 0.5};
    return boost::math::cdf(boost::math::complement(even, static_cast<double>(above) - 1));
}

} // namespace peakscope::testing
