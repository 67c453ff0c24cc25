// SPDX-License-Identifier: MIT
// Scaling: how memory grows with the number of items, and what it will be for numbers that were not measured.
//
//     const auto grows = peakscope::testing::scaling({25, 50, 100, 200, 400, 800}, [](std::uint64_t pages) {
//         const site fixture = made_up_site(pages);                    // not measured
//         Memory memory{"build"};
//         build(fixture);
//         return memory.finish({"page", pages});
//     });
//     CHECK_MESSAGE(grows.at_most_linear(), grows.text());
//     CHECK(grows.predict(10'000).high < 256 << 20);
//
// The law is fixed + a x n^b, with fixed, a and b at least 0, fitted to the figure, by default the heap's peak: a line
// is b = 1, a power without a fixed part is fixed = 0. A figure's noise grows with the figure, so that the fit is one
// by relative error: of a generalised linear model with a constant coefficient of variation (McCullagh and Nelder,
// 1989, chapter 8), for each b, and b where the deviance is least. Its interval holds every b whose deviance an F test
// does not tell from that.
//
// The verdict is what the whole interval says, at the rate of `false_alarms`: an exponent above 1, below it, or so near
// to 1 that n log n is told apart. Where the interval allows for more than one of them the law is `cannot_tell`: take
// more repetitions, or numbers that are further apart. An exponent within `margin` of 1 is linear, whatever the
// interval. Figures that are the same in each run need no repetitions, but five or six numbers of items.
//
// Where each number was measured several times, lack of fit is tested: whether the law is further from the means than
// they differ by noise. Then the numbers of items are what counts, and no longer how often each was measured.
//
// Predictions of a line are Student's intervals. Of other laws they are around the intervals of all laws that the
// points allow for: the powers, and fixed + a x n log n and fixed + a x (n + k x n^2), which are alike where they were
// measured and not beyond.
#pragma once

#include <peakscope/testing/figures.hpp>
#include <peakscope/testing/statistics_body.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

enum class scaling_law {
    constant,     ///< all that the points allow for is growth by less than a quarter between the first and the last
    sub_linear,   ///< an exponent below 1
    linear,       ///< a fixed part and a part for each item
    super_linear, ///< an exponent above 1
    cannot_tell   ///< the points allow for several of these
};

struct scaling_point {
    std::uint64_t count = 0; ///< items
    double value = 0;        ///< of the figure
};

/// A value and the interval around it.
struct estimated {
    double value = 0;
    double low = 0;
    double high = 0; ///< infinite where the points say nothing
};

/// How sure a verdict is to be.
struct scaling_confidence {
    double level = 0.95;         ///< of the intervals
    double margin = 0.05;        ///< an exponent so near to 1 is linear
    double false_alarms = 0.001; ///< the largest probability that noise alone makes a wrong law
};

namespace detail {

// How the part grows that does. n + parameter x n^2 with n in units of the largest number of items.
enum class growing : unsigned char { power, log_n, n_log_n, line_and_square };

// fixed + factor x shape(n), for one shape.
struct scaling_fit {
    growing shape = growing::power;
    double parameter = 1; // the exponent, or what the square weighs
    double largest = 1;   // number of items
    double fixed = 0;
    double factor = 0;
    // Of the two estimates, in units of the dispersion.
    double variance_fixed = 0;
    double covariance = 0;
    double variance_factor = 0;
    double deviance = 0;
    double dispersion = 0; // the square of a value's deviation from its fit, as a part of it
    double freedom = 0;    // of the dispersion
};

// All laws that points allow for.
struct scaling_fits {
    scaling_fit line{};                 // fixed + per-item x n
    scaling_fit best{};                 // of all
    std::vector<scaling_fit> allowed{}; // at the level of the intervals
    estimated exponent{};               // at the level of the intervals
    estimated told{};                   // at the rate of false alarms
    bool line_is_allowed = false;       // at the level of the intervals
    bool power_is_allowed = false;      // any
    double most_growth = 0; // that is allowed, between the first and the last number, as a part of the first
};

} // namespace detail

/// What was measured, the law, and what follows from it.
class scaling_report {
  public:
    /// At least three different counts, all above 0, and values above 0; else `usage_error` is thrown.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE scaling_report(std::vector<scaling_point> points, std::string item,
                                                       const scaling_confidence& how_sure = {});
    scaling_report(std::vector<scaling_point> points, std::string item, double level)
        : scaling_report(std::move(points), std::move(item), scaling_confidence{.level = level}) {}

    [[nodiscard]] scaling_law law() const noexcept { return law_; }
    /// Shown to be. Where it cannot be told this is false, and so is worse_than_linear().
    [[nodiscard]] bool at_most_linear() const noexcept {
        return law_ == scaling_law::constant || law_ == scaling_law::sub_linear || law_ == scaling_law::linear ||
               (law_ == scaling_law::cannot_tell && fits_.told.high <= 1 + how_sure_.margin);
    }
    [[nodiscard]] bool worse_than_linear() const noexcept { return law_ == scaling_law::super_linear; }
    [[nodiscard]] const std::vector<scaling_point>& points() const noexcept { return points_; }

    /// Of the model fixed + per-item x n, whatever the law.
    [[nodiscard]] double fixed() const noexcept { return fits_.line.fixed; }
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] estimated per_item() const;
    /// b of fixed + a x n^b, between 0 and 6.
    [[nodiscard]] estimated exponent() const noexcept { return fits_.exponent; }
    /// How far the law is from the mean of the repetitions at most, as a part of the figure, where that is more than
    /// noise; empty where it is not, or without repetitions.
    [[nodiscard]] std::optional<double> lack_of_fit() const noexcept { return lack_of_fit_; }
    /// Of the law, in logarithms.
    [[nodiscard]] double r_squared() const noexcept { return r_squared_; }

    /// The figure for another number of items, with the interval for a single measurement.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] estimated predict(std::uint64_t count) const;
    /// How many items fit in a limit, by the law's values; empty where any number does.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::optional<std::uint64_t> items_within(double limit) const;

    /// "10,000 pages in 212 MiB ± 9.00 MiB", or "in 21.2 MiB to 900 MiB" where the law is open. The figure is one of
    /// bytes.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::string projection(std::uint64_t count) const;

    /// Several lines: the points, the law, and what it predicts for ten times the largest number.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::string text() const;

    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] static const char* name(scaling_law law) noexcept;

  private:
    std::vector<scaling_point> points_;
    std::string item_;
    scaling_confidence how_sure_;
    detail::scaling_fits fits_{};
    bool by_line_ = false;
    std::optional<double> lack_of_fit_{};
    double r_squared_ = 0;
    scaling_law law_ = scaling_law::linear;
};

struct scaling_options {
    figure wanted = figures::heap_peak;
    std::size_t repetitions = 1; ///< of each number
    scaling_confidence how_sure{};
};

namespace detail {

// The work without its type.
struct counted_work {
    void* of;
    memory_report (*measure)(void* of, std::uint64_t count);
};
template <class Work, class Report = memory_report> // which need not be known before there is work
Report measure(void* of, std::uint64_t count) {
    return (*static_cast<Work*>(of))(count);
}

PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] scaling_report
scaling_of(const std::vector<std::uint64_t>& counts, const counted_work& work, const scaling_options& options);

} // namespace detail

/// Measures `work(count)`, which returns its memory_report, for each number of items. Throws `usage_error` where a
/// report does not have the figure, or where the points do not determine a law, and what the work throws.
template <class Work>
[[nodiscard]] scaling_report scaling(const std::vector<std::uint64_t>& counts, Work work,
                                     const scaling_options& options = {}) {
    return detail::scaling_of(counts, {&work, detail::measure<Work>}, options);
}

} // namespace peakscope::testing

#ifdef PEAKSCOPE_IMPLEMENTATION
#include <peakscope/testing/implementation/with_boost_math.hpp>
#endif
