// SPDX-License-Identifier: MIT
// Makes a site to build.
#pragma once

#include <cstddef>
#include <filesystem>

namespace sitegen {

/// Writes a site of exactly `pages` Markdown files in `sections` folders. The same numbers make the same site, to the
/// byte. Throws `fatal_error` when the folder exists and is not empty.
void make_new_site(const std::filesystem::path& folder, std::size_t pages, std::size_t sections);

} // namespace sitegen
