// SPDX-License-Identifier: MIT
// The whole build of a site.
#pragma once

#include "site.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace sitegen {

struct build_options {
    std::filesystem::path folder; ///< with content/ in it, or any folder of Markdown
    std::filesystem::path output;
    std::filesystem::path theme;
    std::size_t jobs = 1;
    bool pipeline = false; ///< each page is rendered and written at once, not all pages step by step
    std::vector<std::string> plugins;
    bool drafts = false;
};

/// Builds the site and returns what it was made of; pages that could not be used are in `problems`. Opens the phases of
/// memory.hpp on a measurement that is running. Throws `fatal_error`.
site build_site(const build_options& options);

} // namespace sitegen
