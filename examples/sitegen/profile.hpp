// SPDX-License-Identifier: MIT
// `--profile-memory`: runs a build under the profiler.
#pragma once

#include "build.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sitegen {

struct profile_options {
    std::string backend;                         ///< one of `profile_backends()`
    std::optional<std::filesystem::path> output; ///< standard output without one
};

/// Names of the report backends, without a certain order.
const std::vector<std::string>& profile_backends();

/// Builds the site inside a measurement and writes the report. Throws what the build throws, and peakscope's errors.
site build_site_profiled(const build_options& options, const profile_options& profile);

} // namespace sitegen
