// SPDX-License-Identifier: MIT
// report::folded: a line for each call stack, "main;build;render 4096", the outermost function first, with bytes at the
// end: what flame graph tools read.
//
//     flamegraph.pl --countname=bytes build.folded > build.svg        # or inferno-flamegraph, or drop it on speedscope
//
// The bytes are what lived at the measurement's peak, and their sum is the report's peak; another figure or a phase is
// a matter of options. Stacks of the same functions are one line. Stacks with no bytes, or less than none, are left
// out. In a name, what would end it is replaced: a ';' by ':' and a line end by a space.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/stack_samples.hpp>

#include <string>

namespace peakscope::report {

struct folded_options {
    site_figure figure = site_figure::at_peak;
    std::string phase{}; ///< as `memory_report::phase` takes it; the measurement where it is empty
};

/// Writes the report as folded stacks. Throws `write_error`, and `usage_error` where there is no such phase.
class folded {
  public:
    static constexpr const char* name = "folded";

    /// To PEAKSCOPE_OUT or standard error.
    folded() = default;
    PEAKSCOPE_BODY_ELSEWHERE explicit folded(destination where, folded_options options = {});

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static std::string text(const memory_report& report,
                                                                   const folded_options& options = {});

    PEAKSCOPE_BODY_ELSEWHERE void operator()(const memory_report& report) const;

  private:
    destination where_{};
    folded_options options_{};
};

} // namespace peakscope::report
