// SPDX-License-Identifier: MIT
// The report backends that `--profile-memory` offers, chosen when the program runs.
#pragma once

#include "profile.hpp"

#include <peakscope/core/report.hpp>

#include <string>
#include <vector>

namespace sitegen {

/// Names of the backends; the last one shows nothing.
const std::vector<std::string>& report_backends();

/// Throws `peakscope::write_error`.
void write_report(const peakscope::memory_report& report, const profile_options& profile);

} // namespace sitegen
