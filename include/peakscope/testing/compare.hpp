// SPDX-License-Identifier: MIT
// Comparison: what has changed from one report, or one set of repetitions, to another, and which sites explain it.
//
//     const auto changes = peakscope::testing::compare(baseline, current, {.tolerance = 0.02});
//     if (changes.worse()) std::cout << changes.markdown();
//
// A figure has changed when the difference of the medians is beyond the noise and beyond the tolerance. The noise is
// what the precision of both sides leaves open, and, where both have three repetitions or more, the bootstrap interval
// of the difference of the medians. The tolerance is the larger of a part of the baseline and a number of bytes.
#pragma once

#include <peakscope/core/byte_count.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/statistics_body.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peakscope::testing {

struct compare_options {
    double tolerance = 0.02;                    ///< of the baseline's figure
    bytes least_heap{1'024};                    ///< smaller changes of a heap figure in bytes are none
    bytes least_rss{std::int64_t{256} * 1'024}; ///< the same for the RSS, which the kernel counts in batches of pages
    double level = 0.99;                        ///< of the bootstrap interval
    std::size_t sites = 10;                     ///< that are shown
};

enum class change_kind {
    same,   ///< within noise or tolerance
    better, ///< less than before
    worse,  ///< more than before
    unknown ///< one side does not have the figure
};

/// One figure on both sides. Medians where there are several reports.
struct figure_change {
    std::string what{}; ///< "heap peak", "heap peak of rendering/markdown", "peak of label plugin:toc"
    bool in_bytes = true;
    std::optional<double> baseline{};
    std::optional<double> current{};
    double noise = 0; ///< differences up to this much mean nothing
    change_kind kind = change_kind::unknown;
};

/// What a site held at the measurement's peak, on both sides.
struct site_change {
    std::string place{};
    std::int64_t baseline_bytes = 0;
    std::int64_t current_bytes = 0;
};

/// The two sides are not of the same work, or not measured in the same way.
class compare_error : public error {
  public:
    using error::error;
};

struct comparison {
    std::string title{};
    std::size_t baseline_count = 0; ///< reports
    std::size_t current_count = 0;
    std::vector<figure_change> figures{};
    std::vector<site_change> sites{}; ///< the largest change first
    compare_options options{};

    [[nodiscard]] bool worse() const noexcept { return any(change_kind::worse); }
    [[nodiscard]] bool any(change_kind kind) const noexcept {
        for (const figure_change& each : figures)
            if (each.kind == kind) return true;
        return false;
    }

    /// For a pull request: the verdict, the figures that have changed, and the sites that explain it; the other figures
    /// folded away.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::string markdown() const;
};

/// Two sets of repetitions. Throws `compare_error` where a side is empty, or the reports are of different work: other
/// sources, another number of items.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] comparison compare(const std::vector<memory_report>& baseline,
                                                                     const std::vector<memory_report>& current,
                                                                     const compare_options& options = {});
/// Two reports.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] comparison
compare(const memory_report& baseline, const memory_report& current, const compare_options& options = {});

} // namespace peakscope::testing

#ifdef PEAKSCOPE_IMPLEMENTATION
#include <peakscope/testing/implementation/with_boost_math.hpp>
#endif
