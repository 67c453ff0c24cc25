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

#include <peakscope/core/report.hpp>
#include <peakscope/testing/figures.hpp>
#include <peakscope/testing/statistics_body.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
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
};

struct linear_fit : fit {
    double fixed = 0;
    double per_item = 0;
    // Of the two estimates; in units of `deviation`^2.
    double variance_fixed = 0;
    double covariance = 0;
    double variance_per_item = 0;
};

struct power_fit : fit {
    double factor = 0;
    double exponent = 0;
    double mean_log = 0;    // of the counts
    double log_squares = 0; // around it
    double points = 0;
};

} // namespace detail

/// What was measured, the law that was chosen, and what follows from it.
class scaling_report {
  public:
    /// At least three different counts, all above 0, and values above 0; else `usage_error` is thrown.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE scaling_report(std::vector<scaling_point> points, std::string item,
                                                       double level = 0.95);

    [[nodiscard]] scaling_law law() const noexcept { return law_; }
    [[nodiscard]] bool at_most_linear() const noexcept { return law_ != scaling_law::super_linear; }
    [[nodiscard]] const std::vector<scaling_point>& points() const noexcept { return points_; }

    /// Of the model fixed + per-item x n, whichever was chosen.
    [[nodiscard]] double fixed() const noexcept { return linear_.fixed; }
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] estimated per_item() const;
    /// Of the model a x n^b, whichever was chosen.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] estimated exponent() const;
    /// Of the chosen model, in logarithms.
    [[nodiscard]] double r_squared() const noexcept { return by_power_ ? power_.r_squared : linear_.r_squared; }

    /// The figure for another number of items, with the interval for a single measurement.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] estimated predict(std::uint64_t count) const;
    /// How many items fit in a limit, by the chosen model; empty where any number does.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::optional<std::uint64_t> items_within(double limit) const;

    /// "10,000 pages in 212 MiB ± 9.00 MiB". The figure is one of bytes.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::string projection(std::uint64_t count) const;

    /// Several lines: the points, the law, and what it predicts for ten times the largest number.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::string text() const;

    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] static const char* name(scaling_law law) noexcept;

  private:
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

namespace detail {

PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] scaling_report
scaling_of(const std::vector<std::uint64_t>& counts, const std::function<memory_report(std::uint64_t)>& work,
           const scaling_options& options);

} // namespace detail

/// Measures `work(count)`, which returns its memory_report, for each number of items. Throws `usage_error` where a
/// report does not have the figure or the figures tell nothing, and what the work throws.
template <class Work>
[[nodiscard]] scaling_report scaling(const std::vector<std::uint64_t>& counts, Work work,
                                     const scaling_options& options = {}) {
    return detail::scaling_of(counts, [&work](std::uint64_t count) -> memory_report { return work(count); }, options);
}

} // namespace peakscope::testing

#ifdef PEAKSCOPE_IMPLEMENTATION
#include <peakscope/testing/implementation/with_boost_math.hpp>
#endif
