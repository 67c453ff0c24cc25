// SPDX-License-Identifier: MIT
// `--profile-memory`: runs a build under the profiler.
#pragma once

#include "build.hpp"

#include <filesystem>
#include <functional>
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
    std::function<void()> write_report; ///< hands the report to its backend; throws `peakscope::write_error`
};

/// Builds the site inside a measurement. Throws what the build throws, and peakscope's errors.
profiled_build build_site_profiled(const build_options& options, const profile_options& profile);

/// For a run that is not going to be measured: blocks are not even counted.
void switch_profiling_off();

} // namespace sitegen
