// SPDX-License-Identifier: MIT
// The templates, and the data that they see.
#pragma once

#include "plugin.hpp"
#include "site.hpp"

#include <kainjow/mustache.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sitegen {

/// A group of pages that gets a page of its own: a section, a tag, or the whole site.
struct listing {
    std::string title;
    std::string url;
    std::vector<const page*> pages; ///< in the order to show
};

/// The texts of the theme's files.
struct theme_files {
    std::filesystem::path folder;
    std::string page, list, sitemap, feed, head, foot, style;
};

/// Throws `fatal_error` where a file is missing.
theme_files load_theme(const std::filesystem::path& folder);

/// A theme that renders. Not for two threads at once: each has one of its own.
class theme {
  public:
    /// Throws `fatal_error` with the file where a template is broken.
    theme(const theme_files& files, const site& of, const std::vector<listing>& sections);

    std::string render_page(const page& shown, const std::vector<plugin*>& plugins);
    std::string render_list(const listing& shown);
    std::string render_sitemap(const std::vector<std::string>& urls);
    std::string render_feed(const std::vector<const page*>& newest_first);

  private:
    using data = kainjow::mustache::data;
    using mustache = kainjow::mustache::mustache;

    mustache compile(const std::string& name, const std::string& text) const;
    data base(std::string_view url, const std::string& title) const;
    data entry(const page& shown, std::string_view from_url) const;
    std::string rendered(mustache& compiled, const data& seen) const;

    const theme_files& files_;
    const site& site_;
    std::vector<std::pair<std::string, std::string>> sections_; // title, url
    mustache page_, list_, sitemap_, feed_;
};

/// "../../": from a page back to the site's root, so that a site works in any folder and from disk.
std::string way_to_root(std::string_view url);

/// Where a tag's page lies. Different tags have different pages.
std::string tag_url(const std::string& tag);

} // namespace sitegen
