// SPDX-License-Identifier: MIT
// report::console: the report for a person. UTF-8; plain text where the output is no terminal or NO_COLOR is set.
// It fits the terminal: names are cut in the middle, and columns that say the least go.
//
// A peak is shown above the measurement's baseline, as are all deltas: what was there before is in none of the figures,
// and the baseline itself has a line of its own. A '~' stands before a figure that is not exact.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/fwd.hpp>

#include <cstddef>
#include <string>
#include <utility>

namespace peakscope::report {

/// How much is shown: 30 to 40 lines of most programs. What is left out is named at the end. The JSON report has all.
struct console_limits {
    std::size_t sites = 5;          ///< of the measurement, by what they hold
    std::size_t allocated = 2;      ///< more of them, by what they allocated, where they are not shown already
    std::size_t callers = 2;        ///< of a line that several functions called
    std::size_t sites_by_phase = 1; ///< of each phase
    std::size_t labels = 8;
    std::size_t births = 0; ///< rows of the tables of what was born where; in any case there is a line of the peak
    std::size_t width = 0;  ///< columns of a line; 0: those of the terminal, 100 where there is none

    [[nodiscard]] static constexpr console_limits all() noexcept {
        constexpr auto any = static_cast<std::size_t>(-1);
        return {any, any, any, any, any, any, 0};
    }
};

/// Writes the report as text. Throws `write_error`.
class console {
  public:
    static constexpr const char* name = "console";

    /// To PEAKSCOPE_OUT or standard error.
    console() = default;
    PEAKSCOPE_BODY_ELSEWHERE explicit console(destination where, console_limits limits = {});

    /// 100 columns wide where the limits say nothing.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static std::string text(const memory_report& report, bool colour = false,
                                                                   const console_limits& limits = {});

    PEAKSCOPE_BODY_ELSEWHERE void operator()(const memory_report& report) const;

  private:
    destination where_{};
    console_limits limits_{};
};

/// The same as a policy, with limits of its own:
///     profiler<Phases, Heap, Rss, report::console_with<report::console_limits{.sites = 20}>>
template <console_limits Limits>
class console_with : public console {
  public:
    console_with() : console(destination{}, Limits) {}
    explicit console_with(destination where) : console(std::move(where), Limits) {}
};

} // namespace peakscope::report
