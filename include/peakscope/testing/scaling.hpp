// SPDX-License-Identifier: MIT
// Scaling: how memory grows with the number of items, and what that means for numbers that were not measured.
//
//     const auto grows = peakscope::testing::scaling({50, 100, 200, 400, 800}, [](std::uint64_t pages) {
//         const site fixture = made_up_site(pages);                    // not measured
//         Memory memory{"build"};
//         build(fixture);
//         return memory.finish({"page", pages});
//     });
//     CHECK_MESSAGE(grows.at_most_linear(), grows.text());
//     CHECK(grows.predict(10'000).high < 256 << 20);
//
// Two models are fitted to the figure, by default the heap's peak: fixed + per-item x n, both at least 0, and a x n^b.
// Both are fitted by relative error, because a figure's noise grows with the figure: the first by least squares with
// weights of 1 / fit^2, iterated, the second as a line through the logarithms. The power is chosen where its Bayesian
// information criterion, with the residuals of the logarithms, is lower by more than 6, which Kass and Raftery (1995)
// call strong evidence; else the simpler law holds. Intervals are Student's.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/figures.hpp>
#include <peakscope/testing/statistics.hpp>

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

enum class scaling_law {
    constant,    ///< does not depend on the number of items, as far as can be told
    sub_linear,  ///< the power law holds, with an exponent below 1
    linear,      ///< a fixed part and a part for each item
    super_linear ///< the power law holds, with an exponent above 1
};

struct scaling_point {
    std::uint64_t count = 0; ///< items
    double value = 0;        ///< of the figure
};

/// A value and the interval around it.
struct estimated {
    double value = 0;
    double low = 0;
    double high = 0;
};

namespace detail {

// A fit by relative error: what both models have in common.
struct fit {
    double sum_of_squares = 0; // of the residuals of the logarithms
    double r_squared = 0;      // of the logarithms
    double bic = 0;
    std::size_t parameters = 0;
    double student = 0;   // the quantile for the intervals
    double deviation = 0; // of a value from its fit, as a part of it

    template <class Predict>
    void judge(const std::vector<scaling_point>& points, std::size_t used, double level, Predict predict) {
        parameters = used;
        const auto n = static_cast<double>(points.size());
        double mean = 0;
        for (const scaling_point& each : points)
            mean += std::log(each.value) / n;
        double around_mean = 0;
        sum_of_squares = 0;
        for (const scaling_point& each : points) {
            const double off = std::log(each.value) - std::log(predict(static_cast<double>(each.count)));
            sum_of_squares += off * off;
            around_mean += (std::log(each.value) - mean) * (std::log(each.value) - mean);
        }
        r_squared = around_mean > 0 ? 1 - sum_of_squares / around_mean : 1;
        constexpr double rounding = 1e-9; // nothing is told from smaller residuals
        bic = n * std::log(std::max(sum_of_squares / n, rounding * rounding)) +
              static_cast<double>(parameters) * std::log(n);
        const double freedom = n - static_cast<double>(parameters);
        student = boost::math::quantile(boost::math::students_t{freedom}, (1 + level) / 2);
        deviation = std::sqrt(sum_of_squares / freedom);
    }
};

struct linear_fit : fit {
    double fixed = 0;
    double per_item = 0;
    // Of the two estimates; in units of `deviation`^2.
    double variance_fixed = 0;
    double covariance = 0;
    double variance_per_item = 0;

    [[nodiscard]] double at(double count) const noexcept { return fixed + per_item * count; }

    [[nodiscard]] static linear_fit of(const std::vector<scaling_point>& points, double level) {
        linear_fit made;
        std::vector<double> fitted;
        fitted.reserve(points.size());
        for (const scaling_point& each : points)
            fitted.push_back(each.value);
        for (int iteration = 0; iteration < 50; ++iteration) {
            made.solve(points, fitted);
            for (std::size_t i = 0; i < points.size(); ++i)
                fitted[i] = made.at(static_cast<double>(points[i].count));
        }
        made.judge(points, made.fixed > 0 && made.per_item > 0 ? 2 : 1, level,
                   [&](double count) { return made.at(count); });
        return made;
    }

    [[nodiscard]] estimated slope() const {
        const double reach = student * deviation * std::sqrt(variance_per_item);
        return {per_item, per_item - reach, per_item + reach};
    }
    [[nodiscard]] estimated predict(double count) const {
        const double value = at(count);
        const double of_fit = variance_fixed + 2 * count * covariance + count * count * variance_per_item;
        const double reach = student * deviation * std::sqrt(of_fit + value * value);
        return {value, std::max(0.0, value - reach), value + reach};
    }

  private:
    // Weighted least squares with the weights 1 / fitted^2. Where a part would be below 0, the other does it alone.
    void solve(const std::vector<scaling_point>& points, const std::vector<double>& fitted) {
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
        fixed = (wxx * wy - wx * wxy) / determinant;
        per_item = (w * wxy - wx * wy) / determinant;
        variance_fixed = wxx / determinant;
        covariance = -wx / determinant;
        variance_per_item = w / determinant;
        if (fixed < 0) {
            fixed = variance_fixed = covariance = 0;
            per_item = wxy / wxx;
            variance_per_item = 1 / wxx;
        } else if (per_item < 0) {
            per_item = covariance = variance_per_item = 0;
            fixed = wy / w;
            variance_fixed = 1 / w;
        }
    }
};

struct power_fit : fit {
    double factor = 0;
    double exponent = 0;
    double mean_log = 0;    // of the counts
    double log_squares = 0; // around it
    double points = 0;

    [[nodiscard]] double at(double count) const noexcept { return factor * std::pow(count, exponent); }

    [[nodiscard]] static power_fit of(const std::vector<scaling_point>& points, double level) {
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
        made.judge(points, 2, level, [&](double count) { return made.at(count); });
        return made;
    }

    [[nodiscard]] estimated slope() const {
        const double reach = student * deviation / std::sqrt(log_squares);
        return {exponent, exponent - reach, exponent + reach};
    }
    [[nodiscard]] estimated predict(double count) const {
        const double x = std::log(count) - mean_log;
        const double reach = student * deviation * std::sqrt(1 + 1 / points + x * x / log_squares);
        return {at(count), at(count) * std::exp(-reach), at(count) * std::exp(reach)};
    }
};

} // namespace detail

/// What was measured, the law that was chosen, and what follows from it.
class scaling_report {
  public:
    /// At least three different counts, all above 0, and values above 0; else `usage_error` is thrown.
    scaling_report(std::vector<scaling_point> points, std::string item, double level = 0.95)
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
        linear_ = detail::linear_fit::of(points_, level_);
        power_ = detail::power_fit::of(points_, level_);
        by_power_ = linear_.bic - power_.bic > strong_evidence;
        law_ = decided();
    }

    [[nodiscard]] scaling_law law() const noexcept { return law_; }
    [[nodiscard]] bool at_most_linear() const noexcept { return law_ != scaling_law::super_linear; }
    [[nodiscard]] const std::vector<scaling_point>& points() const noexcept { return points_; }

    /// Of the model fixed + per-item x n, whichever was chosen.
    [[nodiscard]] double fixed() const noexcept { return linear_.fixed; }
    [[nodiscard]] estimated per_item() const { return linear_.slope(); }
    /// Of the model a x n^b, whichever was chosen.
    [[nodiscard]] estimated exponent() const { return power_.slope(); }
    /// Of the chosen model, in logarithms.
    [[nodiscard]] double r_squared() const noexcept { return by_power_ ? power_.r_squared : linear_.r_squared; }

    /// The figure for another number of items, with the interval for a single measurement.
    [[nodiscard]] estimated predict(std::uint64_t count) const {
        const auto n = static_cast<double>(count);
        return by_power_ ? power_.predict(n) : linear_.predict(n);
    }
    /// How many items fit in a limit, by the chosen model; empty where any number does.
    [[nodiscard]] std::optional<std::uint64_t> items_within(double limit) const {
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

    /// "10,000 pages in 212 MiB ± 9.00 MiB". The figure is one of bytes.
    [[nodiscard]] std::string projection(std::uint64_t count) const {
        const estimated at = predict(count);
        return format_count(count) + " " + item_ + "s in " + size(at.value) + " ± " +
               size(std::max(at.high - at.value, at.value - at.low));
    }

    /// Several lines: the points, the law, and what it predicts for ten times the largest number.
    [[nodiscard]] std::string text() const {
        std::string lines;
        for (const scaling_point& each : points_)
            lines += "  " + format_count(each.count) + " " + item_ + "s  " + size(each.value) + "\n";
        const std::string r = ", R² " + format_fixed(r_squared(), 4) + "\n";
        if (by_power_) {
            const estimated b = exponent();
            lines += "  " + std::string{name(law_)} + ": n^" + format_fixed(b.value, 2) + " [" +
                     format_fixed(b.low, 2) + ", " + format_fixed(b.high, 2) + "]" + r;
        } else {
            const estimated each = per_item();
            lines += "  " + std::string{name(law_)} + ": " + size(linear_.fixed) + " fixed, and " + size(each.value) +
                     " [" + size(each.low) + ", " + size(each.high) + "] per " + item_ + r;
        }
        std::uint64_t largest = 0;
        for (const scaling_point& each : points_)
            largest = std::max(largest, each.count);
        return lines + "  " + projection(10 * largest);
    }

    [[nodiscard]] static const char* name(scaling_law law) noexcept {
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

  private:
    static constexpr double strong_evidence = 6;

    [[nodiscard]] scaling_law decided() const {
        if (!by_power_) return linear_.slope().low > 0 ? scaling_law::linear : scaling_law::constant;
        const estimated b = power_.slope();
        return b.low > 1 ? scaling_law::super_linear : b.high < 1 ? scaling_law::sub_linear : scaling_law::linear;
    }
    [[nodiscard]] static std::string size(double value) { return format_bytes({std::llround(value)}); }

    std::vector<scaling_point> points_;
    std::string item_;
    double level_;
    detail::linear_fit linear_;
    detail::power_fit power_;
    bool by_power_ = false;
    scaling_law law_ = scaling_law::linear;
};

struct scaling_options {
    figure wanted = figures::heap_peak;
    std::size_t repetitions = 1; ///< of each number
    double level = 0.95;         ///< of the intervals
};

/// Measures `work(count)`, which returns its memory_report, for each number of items. Throws `usage_error` where a
/// report does not have the figure or the figures tell nothing, and what the work throws.
template <class Work>
[[nodiscard]] scaling_report scaling(const std::vector<std::uint64_t>& counts, Work work,
                                     const scaling_options& options = {}) {
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

} // namespace peakscope::testing
