// SPDX-License-Identifier: MIT
// `--profile-memory`: runs a build under the profiler.
#pragma once

#include "build.hpp"

#include <peakscope/core/report.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sitegen {

struct profile_options {
    std::string backend;                         ///< one of `profile_backends()`
    std::optional<std::filesystem::path> output; ///< standard output without one
};

/// Names of the report backends.
const std::vector<std::string>& profile_backends();

struct profiled_build {
    site built;
    std::optional<peakscope::memory_report> report; ///< nothing for the backend that shows none
};

/// Builds the site inside a measurement. Throws what the build throws, and peakscope's errors.
profiled_build build_site_profiled(const build_options& options, const profile_options& profile);

/// Hands the report to the backend. Throws `peakscope::write_error`.
void write_report(const peakscope::memory_report& report, const profile_options& profile);

} // namespace sitegen
