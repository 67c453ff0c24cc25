// SPDX-License-Identifier: MIT
// What a site is made of while it is built.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace sitegen {

/// The build cannot go on. `what()` names the file and the reason.
class fatal_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// A page that was skipped, and why. Lines count from 1; 0 stands for the file as a whole.
struct problem {
    std::filesystem::path file;
    std::size_t line = 0;
    std::string message;
};

struct site_config {
    std::string title = "A site";
    std::string description;
    std::string author = "sitegen";
    std::string base_url = "https://example.org/"; ///< ends in '/'
    std::string language = "en";
};

struct heading {
    int level = 1;
    std::string text;
    std::string id;
};

struct page {
    std::filesystem::path source; ///< relative to the content folder
    std::string url;              ///< relative to the site's root, as a path: "guides/first steps.html"
    std::string section;          ///< first folder of the path, empty at the root

    // From the front matter.
    std::string title;
    std::string date; ///< "YYYY-MM-DD" or empty
    std::string description;
    std::vector<std::string> tags; ///< in their order, each once
    bool draft = false;

    std::string markdown;

    // From rendering.
    std::string html;
    std::string text; ///< without markup, for the search index
    std::vector<heading> headings;
};

struct site {
    std::filesystem::path content_root;
    site_config config;
    std::vector<page> pages; ///< by source path
    std::vector<problem> problems;
};

} // namespace sitegen
