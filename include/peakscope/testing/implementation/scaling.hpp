// SPDX-License-Identifier: MIT
// The bodies of testing/scaling.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/scaling.hpp>

#include <boost/math/distributions/students_t.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

constexpr double strong_evidence = 6;

[[nodiscard]] double at(const linear_fit& of, double count) noexcept { return of.fixed + of.per_item * count; }
[[nodiscard]] double at(const power_fit& of, double count) noexcept { return of.factor * std::pow(count, of.exponent); }

template <class Predict>
void judge(fit& of, const std::vector<scaling_point>& points, std::size_t used, double level, Predict predict) {
    of.parameters = used;
    const auto n = static_cast<double>(points.size());
    double mean = 0;
    for (const scaling_point& each : points)
        mean += std::log(each.value) / n;
    double around_mean = 0;
    of.sum_of_squares = 0;
    for (const scaling_point& each : points) {
        const double off = std::log(each.value) - std::log(predict(static_cast<double>(each.count)));
        of.sum_of_squares += off * off;
        around_mean += (std::log(each.value) - mean) * (std::log(each.value) - mean);
    }
    of.r_squared = around_mean > 0 ? 1 - of.sum_of_squares / around_mean : 1;
    constexpr double rounding = 1e-9; // nothing is told from smaller residuals
    of.bic = n * std::log(std::max(of.sum_of_squares / n, rounding * rounding)) +
             static_cast<double>(of.parameters) * std::log(n);
    const double freedom = n - static_cast<double>(of.parameters);
    of.student = boost::math::quantile(boost::math::students_t{freedom}, (1 + level) / 2);
    of.deviation = std::sqrt(of.sum_of_squares / freedom);
}

// Weighted least squares with the weights 1 / fitted^2. Where a part would be below 0, the other does it alone.
void solve(linear_fit& to, const std::vector<scaling_point>& points, const std::vector<double>& fitted) {
    double w = 0;
    double wx = 0;
    double wxx = 0;
    double wy = 0;
    double wxy = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double weight = 1 / (fitted[i] * fitted[i]);
        const auto x = static_cast<double>(points[i].count);
        w += weight;
        wx += weight * x;
        wxx += weight * x * x;
        wy += weight * points[i].value;
        wxy += weight * x * points[i].value;
    }
    const double determinant = w * wxx - wx * wx;
    to.fixed = (wxx * wy - wx * wxy) / determinant;
    to.per_item = (w * wxy - wx * wy) / determinant;
    to.variance_fixed = wxx / determinant;
    to.covariance = -wx / determinant;
    to.variance_per_item = w / determinant;
    if (to.fixed < 0) {
        to.fixed = to.variance_fixed = to.covariance = 0;
        to.per_item = wxy / wxx;
        to.variance_per_item = 1 / wxx;
    } else if (to.per_item < 0) {
        to.per_item = to.covariance = to.variance_per_item = 0;
        to.fixed = wy / w;
        to.variance_fixed = 1 / w;
    }
}

[[nodiscard]] linear_fit linear_fit_of(const std::vector<scaling_point>& points, double level) {
    linear_fit made;
    std::vector<double> fitted;
    fitted.reserve(points.size());
    for (const scaling_point& each : points)
        fitted.push_back(each.value);
    for (int iteration = 0; iteration < 50; ++iteration) {
        solve(made, points, fitted);
        for (std::size_t i = 0; i < points.size(); ++i)
            fitted[i] = at(made, static_cast<double>(points[i].count));
    }
    judge(made, points, made.fixed > 0 && made.per_item > 0 ? 2 : 1, level,
          [&](double count) { return at(made, count); });
    return made;
}

[[nodiscard]] estimated slope_of(const linear_fit& of) {
    const double reach = of.student * of.deviation * std::sqrt(of.variance_per_item);
    return {of.per_item, of.per_item - reach, of.per_item + reach};
}

[[nodiscard]] estimated predict(const linear_fit& of, double count) {
    const double value = at(of, count);
    const double of_fit = of.variance_fixed + 2 * count * of.covariance + count * count * of.variance_per_item;
    const double reach = of.student * of.deviation * std::sqrt(of_fit + value * value);
    return {value, std::max(0.0, value - reach), value + reach};
}

[[nodiscard]] power_fit power_fit_of(const std::vector<scaling_point>& points, double level) {
    power_fit made;
    made.points = static_cast<double>(points.size());
    double mean_value = 0;
    for (const scaling_point& each : points) {
        made.mean_log += std::log(static_cast<double>(each.count)) / made.points;
        mean_value += std::log(each.value) / made.points;
    }
    double products = 0;
    for (const scaling_point& each : points) {
        const double x = std::log(static_cast<double>(each.count)) - made.mean_log;
        made.log_squares += x * x;
        products += x * (std::log(each.value) - mean_value);
    }
    made.exponent = products / made.log_squares;
    made.factor = std::exp(mean_value - made.exponent * made.mean_log);
    judge(made, points, 2, level, [&](double count) { return at(made, count); });
    return made;
}

[[nodiscard]] estimated slope_of(const power_fit& of) {
    const double reach = of.student * of.deviation / std::sqrt(of.log_squares);
    return {of.exponent, of.exponent - reach, of.exponent + reach};
}

[[nodiscard]] estimated predict(const power_fit& of, double count) {
    const double x = std::log(count) - of.mean_log;
    const double reach = of.student * of.deviation * std::sqrt(1 + 1 / of.points + x * x / of.log_squares);
    return {at(of, count), at(of, count) * std::exp(-reach), at(of, count) * std::exp(reach)};
}

[[nodiscard]] scaling_law law_of(const linear_fit& linear, const power_fit& power, bool by_power) {
    if (!by_power) return slope_of(linear).low > 0 ? scaling_law::linear : scaling_law::constant;
    const estimated b = slope_of(power);
    return b.low > 1 ? scaling_law::super_linear : b.high < 1 ? scaling_law::sub_linear : scaling_law::linear;
}

[[nodiscard]] std::string size_text(double value) { return format_bytes({std::llround(value)}); }

scaling_report scaling_of(const std::vector<std::uint64_t>& counts,
                          const std::function<memory_report(std::uint64_t)>& work, const scaling_options& options) {
    std::vector<scaling_point> points;
    std::string item = "item";
    for (std::size_t repetition = 0; repetition < options.repetitions; ++repetition)
        for (const std::uint64_t count : counts) {
            const memory_report report = work(count);
            const std::optional<double> value = options.wanted(report);
            if (!value) throw usage_error("scaling: the figure is not available in the report '" + report.title + "'");
            if (report.items) item = report.items->name;
            points.push_back({count, *value});
        }
    return {std::move(points), std::move(item), options.level};
}

} // namespace detail

scaling_report::scaling_report(std::vector<scaling_point> points, std::string item, double level)
    : points_(std::move(points)), item_(std::move(item)), level_(level) {
    std::set<std::uint64_t> counts;
    for (const scaling_point& each : points_) {
        if (each.count == 0 || !(each.value > 0))
            throw usage_error("scaling: a figure of " + format_fixed(each.value, 0) + " for " +
                              std::to_string(each.count) + " items tells nothing of growth; both must be above 0");
        counts.insert(each.count);
    }
    if (counts.size() < 3)
        throw usage_error("scaling: two models cannot be told apart by " + std::to_string(counts.size()) +
                          " different numbers of items; take three or more, far apart");
    linear_ = detail::linear_fit_of(points_, level_);
    power_ = detail::power_fit_of(points_, level_);
    by_power_ = linear_.bic - power_.bic > detail::strong_evidence;
    law_ = detail::law_of(linear_, power_, by_power_);
}

estimated scaling_report::per_item() const { return detail::slope_of(linear_); }
estimated scaling_report::exponent() const { return detail::slope_of(power_); }

estimated scaling_report::predict(std::uint64_t count) const {
    const auto n = static_cast<double>(count);
    return by_power_ ? detail::predict(power_, n) : detail::predict(linear_, n);
}

std::optional<std::uint64_t> scaling_report::items_within(double limit) const {
    double count = 0;
    if (by_power_) {
        if (power_.exponent <= 0) return std::nullopt;
        count = std::pow(limit / power_.factor, 1 / power_.exponent);
    } else {
        if (linear_.per_item <= 0) return std::nullopt;
        count = (limit - linear_.fixed) / linear_.per_item;
    }
    if (count >= 1e18) return std::nullopt;
    return static_cast<std::uint64_t>(std::max(count * (1 + 1e-12), 0.0)); // what rounding took
}

std::string scaling_report::projection(std::uint64_t count) const {
    const estimated at = predict(count);
    return format_count(count) + " " + item_ + "s in " + detail::size_text(at.value) + " ± " +
           detail::size_text(std::max(at.high - at.value, at.value - at.low));
}

std::string scaling_report::text() const {
    std::string lines;
    for (const scaling_point& each : points_)
        lines += "  " + format_count(each.count) + " " + item_ + "s  " + detail::size_text(each.value) + "\n";
    const std::string r = ", R² " + format_fixed(r_squared(), 4) + "\n";
    if (by_power_) {
        const estimated b = exponent();
        lines += "  " + std::string{name(law_)} + ": n^" + format_fixed(b.value, 2) + " [" + format_fixed(b.low, 2) +
                 ", " + format_fixed(b.high, 2) + "]" + r;
    } else {
        const estimated each = per_item();
        lines += "  " + std::string{name(law_)} + ": " + detail::size_text(linear_.fixed) + " fixed, and " +
                 detail::size_text(each.value) + " [" + detail::size_text(each.low) + ", " +
                 detail::size_text(each.high) + "] per " + item_ + r;
    }
    std::uint64_t largest = 0;
    for (const scaling_point& each : points_)
        largest = std::max(largest, each.count);
    return lines + "  " + projection(10 * largest);
}

const char* scaling_report::name(scaling_law law) noexcept {
    switch (law) {
    case scaling_law::constant:
        return "constant";
    case scaling_law::sub_linear:
        return "sub-linear";
    case scaling_law::linear:
        return "linear";
    case scaling_law::super_linear:
        break;
    }
    return "worse than linear";
}

} // namespace peakscope::testing
