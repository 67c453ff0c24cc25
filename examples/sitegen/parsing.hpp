// SPDX-License-Identifier: MIT
// Discovery and parsing: from a folder of Markdown files to pages.
#pragma once

#include "site.hpp"

#include <filesystem>
#include <vector>

namespace sitegen {

/// Reads `site.yaml`, where there is one. Throws `fatal_error` with file and line when it is broken.
site_config load_config(const std::filesystem::path& site_folder);

/// The Markdown files below a folder, sorted, relative to it. `skipped` and all below it is left out.
std::vector<std::filesystem::path> find_pages(const std::filesystem::path& content_root,
                                              const std::filesystem::path& skipped);

/// Reads the files into `built.pages`; one that cannot be used becomes a problem instead.
void parse_pages(site& built, const std::vector<std::filesystem::path>& files, bool with_drafts);

} // namespace sitegen
