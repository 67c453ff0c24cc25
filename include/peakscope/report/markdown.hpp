// SPDX-License-Identifier: MIT
// report::markdown: the report as it goes into an issue, a pull request or a job summary: a sentence, a table of
// phases, and the largest sites folded away.
//
//     sitegen build site --output out --profile-memory=markdown >> "$GITHUB_STEP_SUMMARY"
//
// Peaks and deltas are above the measurement's baseline, as on the console. A '~' stands before a figure that is not
// exact.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/fwd.hpp>

#include <cstddef>
#include <string>

namespace peakscope::report {

/// Writes the report as GitHub-flavoured Markdown. Throws `write_error`.
class markdown {
  public:
    static constexpr const char* name = "markdown";

    /// To PEAKSCOPE_OUT or standard error.
    markdown() = default;
    /// `sites`: how many of the largest are shown.
    PEAKSCOPE_BODY_ELSEWHERE explicit markdown(destination where, std::size_t sites = 10);

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static std::string text(const memory_report& report, std::size_t sites = 10);

    PEAKSCOPE_BODY_ELSEWHERE void operator()(const memory_report& report) const;

  private:
    destination where_{};
    std::size_t sites_ = 10;
};

} // namespace peakscope::report
