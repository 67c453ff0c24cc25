// SPDX-License-Identifier: MIT
// report::console: the report for a person. UTF-8; plain text where the output is no terminal or NO_COLOR is set.
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

namespace peakscope::report {

/// How much of the long tables is shown. The JSON report has all of it.
struct console_limits {
    std::size_t sites = 10;         ///< of the measurement
    std::size_t sites_by_phase = 3; ///< of each phase
    std::size_t labels = 20;
};

/// Writes the report as text. Throws `write_error`.
class console {
  public:
    static constexpr const char* name = "console";

    /// To standard output.
    console() = default;
    PEAKSCOPE_BODY_ELSEWHERE explicit console(destination where, console_limits limits = {});

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static std::string text(const memory_report& report, bool colour = false,
                                                                   const console_limits& limits = {});

    PEAKSCOPE_BODY_ELSEWHERE void operator()(const memory_report& report) const;

  private:
    destination where_;
    console_limits limits_;
};

} // namespace peakscope::report
