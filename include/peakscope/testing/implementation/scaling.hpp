// SPDX-License-Identifier: MIT
// The bodies of testing/scaling.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/implementation/scaling_fit.hpp>
#include <peakscope/testing/scaling.hpp>

#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/special_functions/log1p.hpp>
#include <boost/math/statistics/univariate_statistics.hpp>
#include <range/v3/algorithm/max.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

// The mean of the values of each number of items, and the deviance of the values around it: pure error.
struct repeated_points {
    std::vector<scaling_point> means{};
    double deviance = 0;
};

[[nodiscard]] repeated_points repeated(const std::vector<scaling_point>& points) {
    std::map<std::uint64_t, std::vector<double>> by_count;
    for (const scaling_point& each : points)
        by_count[each.count].push_back(each.value);
    repeated_points made;
    for (const auto& [count, values] : by_count) {
        const double mean = boost::math::statistics::mean(values);
        made.means.push_back({count, mean});
        for (const double value : values)
            made.deviance -= 2 * boost::math::log1pmx(value / mean - 1);
    }
    return made;
}

// How far the best law is from the means at most, if an F test says that it is not noise.
[[nodiscard]] std::optional<double> lack_of_fit(const scaling_fits& fits, const std::vector<scaling_point>& points,
                                                const repeated_points& of, double false_alarms) {
    const double of_law = static_cast<double>(of.means.size()) - 3;
    const auto of_noise = static_cast<double>(points.size() - of.means.size());
    if (of_law < 1 || of_noise < 1) return std::nullopt;
    const double exact = rounding * rounding * static_cast<double>(points.size());
    const double law = (fits.best.deviance - std::max(of.deviance, exact)) / of_law;
    const double noise = std::max(of.deviance, exact) / of_noise;
    if (law / noise <= quantile(complement(boost::math::fisher_f{of_law, of_noise}, false_alarms))) return std::nullopt;
    double most = 0;
    for (const scaling_point& each : of.means)
        most = std::max(most, std::abs(at(fits.best, static_cast<double>(each.count)) / each.value - 1));
    return most;
}

[[nodiscard]] scaling_law law_of(const scaling_fits& fits, const scaling_confidence& how_sure) {
    constexpr double little = 0.25;
    using enum scaling_law;
    const estimated& b = fits.told;
    const double margin = how_sure.margin;
    if (b.low <= 0 && fits.most_growth < little) return constant;
    if (b.low >= 1 - margin && b.high <= 1 + margin) return linear;
    const bool one_is_out = !fits.power_is_allowed; // another shape fits, and no power
    if (b.value > 1 + margin && (b.low > 1 || one_is_out)) return super_linear;
    if (b.value < 1 - margin && (b.high < 1 || one_is_out)) return sub_linear;
    // n log n grows by an exponent that is at least so much above 1, up to the largest number.
    const double near = std::min(0.2, 1 / std::log(fits.line.largest));
    const bool is_near = std::abs(b.value - 1) <= margin && b.low >= 1 - 2 * margin && b.high <= 1 + near;
    return is_near ? linear : cannot_tell;
}

[[nodiscard]] double r_squared(const scaling_fit& of, const std::vector<scaling_point>& points) {
    const auto logs = [&](auto value_of) {
        return points | ranges::views::transform([&](const scaling_point& each) { return std::log(value_of(each)); }) |
               ranges::to<std::vector>();
    };
    const double around_mean = boost::math::statistics::variance(logs([](const auto& each) { return each.value; }));
    double off = 0;
    for (const double each :
         logs([&](const auto& point) { return point.value / at(of, static_cast<double>(point.count)); }))
        off += each * each / static_cast<double>(points.size());
    return around_mean > 0 ? 1 - off / around_mean : 1;
}

[[nodiscard]] std::string size_text(double value) {
    return value < 9e18 ? format_bytes(rounded_bytes(value)) : "any size";
}
[[nodiscard]] std::string interval_text(const estimated& of, int decimals) {
    return format_fixed(of.value, decimals) + " [" + format_fixed(of.low, decimals) + ", " +
           (of.high < largest_exponent ? format_fixed(of.high, decimals) : "any") + "]";
}

scaling_report scaling_of(const std::vector<std::uint64_t>& counts, const counted_work& work,
                          const scaling_options& options) {
    std::vector<scaling_point> points;
    std::string item = "item";
    for (std::size_t repetition = 0; repetition < options.repetitions; ++repetition)
        for (const std::uint64_t count : counts) {
            const memory_report report = work.measure(work.of, count);
            const std::optional<double> value = options.wanted(report);
            if (!value) throw usage_error("scaling: the figure is not available in the report '" + report.title + "'");
            if (report.items) item = report.items->name;
            points.push_back({count, *value});
        }
    return {std::move(points), std::move(item), options.how_sure};
}

} // namespace detail

scaling_report::scaling_report(std::vector<scaling_point> points, std::string item, const scaling_confidence& how_sure)
    : points_(std::move(points)), item_(std::move(item)), how_sure_(how_sure) {
    for (const scaling_point& each : points_)
        if (each.count == 0 || !(each.value > 0))
            throw usage_error("scaling: a figure of " + format_fixed(each.value, 0) + " for " +
                              std::to_string(each.count) + " items tells nothing of growth; both must be above 0");
    const detail::repeated_points repeated = detail::repeated(points_);
    if (repeated.means.size() < 3)
        throw usage_error("scaling: laws cannot be told apart by " + std::to_string(repeated.means.size()) +
                          " different numbers of items; take three or more, far apart");
    fits_ = detail::fits_of(points_, how_sure_);
    lack_of_fit_ = detail::lack_of_fit(fits_, points_, repeated, how_sure_.false_alarms);
    if (lack_of_fit_) fits_ = detail::fits_of(repeated.means, how_sure_);
    law_ = detail::law_of(fits_, how_sure_);
    by_line_ = (law_ == scaling_law::linear || law_ == scaling_law::constant) && fits_.line_is_allowed;
    r_squared_ = detail::r_squared(by_line_ ? fits_.line : fits_.best, points_);
}

estimated scaling_report::per_item() const {
    const detail::scaling_fit& of = fits_.line;
    const double reach = detail::student(of, how_sure_.level) * std::sqrt(of.dispersion * of.variance_factor);
    return {of.factor / of.largest, (of.factor - reach) / of.largest, (of.factor + reach) / of.largest};
}

estimated scaling_report::predict(std::uint64_t count) const {
    const auto n = static_cast<double>(count);
    if (by_line_) return detail::predicted(fits_.line, n, how_sure_.level);
    estimated all = detail::predicted(fits_.best, n, how_sure_.level);
    const auto allow_for = [&](const detail::scaling_fit& each) {
        const estimated by = detail::predicted(each, n, how_sure_.level);
        all.low = std::min(all.low, by.low);
        all.high = std::max(all.high, by.high);
    };
    for (const detail::scaling_fit& each : fits_.allowed)
        allow_for(each);
    if (law_ == scaling_law::linear) allow_for(fits_.line);
    return all;
}

std::optional<std::uint64_t> scaling_report::items_within(double limit) const {
    const detail::scaling_fit& law = by_line_ ? fits_.line : fits_.best;
    constexpr std::uint64_t beyond_all = 1'000'000'000'000'000'000;
    const double most = limit * (1 + 1e-12); // what rounding took
    std::uint64_t fits = 0;
    std::uint64_t beyond = beyond_all;
    while (beyond - fits > 1) {
        const std::uint64_t middle = fits + (beyond - fits) / 2;
        (detail::at(law, static_cast<double>(middle)) <= most ? fits : beyond) = middle;
    }
    return beyond == beyond_all ? std::nullopt : std::optional{fits};
}

std::string scaling_report::projection(std::uint64_t count) const {
    const estimated at = predict(count);
    const std::string items = format_count(count) + " " + item_ + "s in ";
    if (!by_line_ && at.high > 2 * at.value)
        return items + detail::size_text(at.low) + " to " + detail::size_text(at.high);
    return items + detail::size_text(at.value) + " ± " +
           detail::size_text(std::max(at.high - at.value, at.value - at.low));
}

std::string scaling_report::text() const {
    std::string lines;
    for (const scaling_point& each : points_)
        lines += "  " + format_count(each.count) + " " + item_ + "s  " + detail::size_text(each.value) + "\n";
    lines += "  " + std::string{name(law_)} + ": ";
    if (by_line_) {
        const estimated each = per_item();
        lines += detail::size_text(fits_.line.fixed) + " fixed, and " + detail::size_text(each.value) + " [" +
                 detail::size_text(each.low) + ", " + detail::size_text(each.high) + "] per " + item_;
    } else {
        // Of what cannot be told, the interval that would have told it.
        lines += "n^" + detail::interval_text(law_ == scaling_law::cannot_tell ? fits_.told : fits_.exponent, 2);
        if (law_ == scaling_law::linear) lines += ", within " + format_fixed(how_sure_.margin, 2) + " of n";
        if (law_ == scaling_law::cannot_tell)
            lines += "; take more repetitions, or numbers of " + item_ + "s that are further apart";
    }
    lines += ", R² " + format_fixed(r_squared_, 4) + "\n";
    if (lack_of_fit_)
        lines += "  no law fits: the nearest is up to " + format_fixed(100 * *lack_of_fit_, 2) +
                 " % off, which is more than repetitions differ\n";
    return lines + "  " + projection(10 * ranges::max(points_, ranges::less{}, &scaling_point::count).count);
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
        return "worse than linear";
    case scaling_law::cannot_tell:
        break;
    }
    return "cannot tell";
}

} // namespace peakscope::testing
