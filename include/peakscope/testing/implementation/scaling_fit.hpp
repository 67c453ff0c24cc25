// SPDX-License-Identifier: MIT
// The laws of testing/scaling.hpp, and which of them points allow for.
#pragma once

#include <peakscope/testing/scaling.hpp>

#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/log1p.hpp>
#include <boost/math/tools/minima.hpp>
#include <boost/math/tools/roots.hpp>
#include <range/v3/algorithm/max.hpp>
#include <range/v3/algorithm/min.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

namespace peakscope::testing::detail {

constexpr double rounding = 1e-10; // of a value: nothing is told from what is nearer
constexpr double largest_exponent = 6;

[[nodiscard]] inline double shape_at(const scaling_fit& of, double count) noexcept {
    const double x = count / of.largest;
    switch (of.shape) {
    case growing::power:
        return std::pow(x, of.parameter);
    case growing::log_n:
        return std::log(count);
    case growing::n_log_n:
        return x * std::log(count);
    case growing::line_and_square:
        break;
    }
    return x + of.parameter * x * x;
}
[[nodiscard]] inline double at(const scaling_fit& of, double count) noexcept {
    return of.fixed + of.factor * shape_at(of, count);
}

// Weighted least squares with the weights 1 / fitted^2. Where a part would be below 0, the other does it alone.
inline void solve(scaling_fit& to, const std::vector<scaling_point>& points, const std::vector<double>& shape,
                  const std::vector<double>& fitted) {
    double w = 0;
    double wx = 0;
    double wxx = 0;
    double wy = 0;
    double wxy = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const double weight = 1 / (fitted[i] * fitted[i]);
        w += weight;
        wx += weight * shape[i];
        wxx += weight * shape[i] * shape[i];
        wy += weight * points[i].value;
        wxy += weight * shape[i] * points[i].value;
    }
    const double determinant = w * wxx - wx * wx;
    const bool same = !(determinant > 1e-14 * w * wxx); // the shape is as good as constant
    to.fixed = (wxx * wy - wx * wxy) / determinant;
    to.factor = (w * wxy - wx * wy) / determinant;
    to.variance_fixed = wxx / determinant;
    to.covariance = -wx / determinant;
    to.variance_factor = w / determinant;
    if (same || to.factor < 0) {
        to.factor = to.covariance = to.variance_factor = 0;
        to.fixed = wy / w;
        to.variance_fixed = 1 / w;
    } else if (to.fixed < 0) {
        to.fixed = to.variance_fixed = to.covariance = 0;
        to.factor = wxy / wxx;
        to.variance_factor = 1 / wxx;
    }
}

[[nodiscard]] inline scaling_fit fit_of(const std::vector<scaling_point>& points, growing shape, double parameter) {
    scaling_fit made;
    made.shape = shape;
    made.parameter = parameter;
    made.largest = static_cast<double>(ranges::max(points, ranges::less{}, &scaling_point::count).count);
    std::vector<double> shapes;
    std::vector<double> fitted;
    for (const scaling_point& each : points) {
        shapes.push_back(shape_at(made, static_cast<double>(each.count)));
        fitted.push_back(each.value);
    }
    double change = 1;
    for (int iteration = 0; iteration < 50 && change > 1e-14; ++iteration) {
        solve(made, points, shapes, fitted);
        change = 0;
        for (std::size_t i = 0; i < points.size(); ++i) {
            const double now = made.fixed + made.factor * shapes[i];
            change = std::max(change, std::abs(now / fitted[i] - 1));
            fitted[i] = now;
        }
    }
    for (std::size_t i = 0; i < points.size(); ++i)
        made.deviance -= 2 * boost::math::log1pmx(points[i].value / fitted[i] - 1);
    made.deviance = std::max(made.deviance, rounding * rounding * static_cast<double>(points.size()));
    return made;
}

// Sets what a fit with so many parameters says of noise.
[[nodiscard]] inline scaling_fit with_noise(scaling_fit of, std::size_t points, int parameters) {
    of.freedom = static_cast<double>(points) - parameters;
    of.dispersion = of.freedom > 0 ? of.deviance / of.freedom : std::numeric_limits<double>::infinity();
    return of;
}

[[nodiscard]] inline double student(const scaling_fit& of, double level) {
    return of.freedom > 0 ? boost::math::quantile(boost::math::students_t{of.freedom}, (1 + level) / 2)
                          : std::numeric_limits<double>::infinity();
}

[[nodiscard]] inline estimated predicted(const scaling_fit& of, double count, double level) {
    const double value = at(of, count);
    const double x = shape_at(of, count);
    const double of_fit = of.variance_fixed + 2 * x * of.covariance + x * x * of.variance_factor;
    const double reach = student(of, level) * std::sqrt(of.dispersion * (of_fit + value * value));
    return {value, std::max(0.0, value - reach), value + reach};
}

// Of a law: the fixed part counts where there is one.
[[nodiscard]] inline int parameters_of(const scaling_fit& of) noexcept { return of.fixed > 0 ? 3 : 2; }

// The deviance up to which a law is allowed for, beside the best one. Three points determine fixed, a and b whatever
// the noise; then a line is told alone, where it is exact.
[[nodiscard]] inline double most_deviance(const scaling_fit& best, const scaling_fit& line, std::size_t points,
                                          double level) {
    const double freedom = static_cast<double>(points) - parameters_of(best);
    if (freedom > 0)
        return best.deviance * (1 + boost::math::quantile(boost::math::fisher_f{1, freedom}, level) / freedom);
    const double exact = 2 * rounding * rounding * static_cast<double>(points);
    return line.deviance <= exact ? exact : std::numeric_limits<double>::infinity();
}

// The exponents around the best one that are allowed for: the deviance rises on both sides of it.
template <class Deviance>
[[nodiscard]] estimated exponents_within(double best, double most, Deviance deviance_at) {
    const auto end = [&](double step) {
        double inside = best;
        for (;;) {
            const double next = std::clamp(inside + step, 0.0, largest_exponent);
            if (deviance_at(next) > most) {
                const auto beyond = [&](double exponent) { return deviance_at(exponent) > most ? 1.0 : -1.0; };
                std::uintmax_t most_steps = 60;
                const boost::math::tools::eps_tolerance<double> near{30};
                const auto found = boost::math::tools::bisect(beyond, std::min(inside, next), std::max(inside, next),
                                                              near, most_steps);
                return std::midpoint(found.first, found.second);
            }
            if (next == inside) return inside;
            inside = next;
        }
    };
    return {best, end(-0.05), end(0.05)};
}

[[nodiscard]] inline scaling_fits fits_of(const std::vector<scaling_point>& points,
                                          const scaling_confidence& how_sure) {
    const auto power = [&](double exponent) { return fit_of(points, growing::power, exponent); };
    const auto deviance_at = [&](double exponent) { return power(exponent).deviance; };
    scaling_fits made;
    made.line = power(1);
    made.line = with_noise(made.line, points.size(), made.line.fixed > 0 && made.line.factor > 0 ? 2 : 1);

    // The least deviance: looked for around the best of a row, and at 1 itself.
    constexpr double step = 0.1;
    double best = 1;
    double least = made.line.deviance;
    // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter)
    for (double exponent = 0; exponent <= largest_exponent; exponent += step)
        if (const double now = deviance_at(exponent); now < least) {
            least = now;
            best = exponent;
        }
    const auto [finer, finest] = boost::math::tools::brent_find_minima(deviance_at, std::max(0.0, best - step),
                                                                       std::min(largest_exponent, best + step), 40);
    if (finest < least) {
        least = finest;
        best = finer;
    }
    made.best = power(best);
    const auto most_beside = [&](const scaling_fit& of, double level) {
        return most_deviance(of, made.line, points.size(), level) * (1 + 1e-6);
    };
    made.exponent = exponents_within(best, most_beside(made.best, how_sure.level), deviance_at);
    const double most_told = most_beside(made.best, 1 - how_sure.false_alarms);
    made.told = exponents_within(best, most_told, deviance_at);
    made.line_is_allowed = made.line.deviance <= most_beside(made.best, how_sure.level);

    std::vector<scaling_fit> all{made.best, power(made.exponent.low),          power(made.exponent.high),
                                 made.line, fit_of(points, growing::log_n, 0), fit_of(points, growing::n_log_n, 0)};
    const auto square = [&](double log_weight) {
        return fit_of(points, growing::line_and_square, std::exp(log_weight));
    };
    double best_weight = 0;
    // NOLINTNEXTLINE(clang-analyzer-security.FloatLoopCounter)
    for (double log_weight = -7; log_weight <= 7; log_weight += 0.25) {
        all.push_back(square(log_weight));
        if (all.back().deviance < square(best_weight).deviance) best_weight = log_weight;
    }
    all.push_back(
        square(boost::math::tools::brent_find_minima([&](double log_weight) { return square(log_weight).deviance; },
                                                     best_weight - 0.25, best_weight + 0.25, 40)
                   .first));
    made.best = ranges::min(all, ranges::less{}, &scaling_fit::deviance);
    const double most = most_beside(made.best, how_sure.level);
    for (scaling_fit& each : all) {
        each = with_noise(each, points.size(), parameters_of(each));
        if (each.deviance <= most) made.allowed.push_back(each);
    }
    made.best = with_noise(made.best, points.size(), parameters_of(made.best));
    made.power_is_allowed = least <= most_beside(made.best, 1 - how_sure.false_alarms);

    const auto first = static_cast<double>(ranges::min(points, ranges::less{}, &scaling_point::count).count);
    for (const double exponent : {made.told.low, made.told.value, made.told.high, 1.0}) {
        const scaling_fit of = with_noise(power(exponent), points.size(), 3);
        const double rises = 1 - shape_at(of, first);
        const double reach = student(of, 1 - 2 * how_sure.false_alarms) * std::sqrt(of.dispersion * of.variance_factor);
        made.most_growth = std::max(made.most_growth, (of.factor + reach) * rises / at(of, first));
    }
    return made;
}

} // namespace peakscope::testing::detail
