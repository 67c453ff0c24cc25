// SPDX-License-Identifier: MIT
// What a plugin can do to a build.
#pragma once

#include "site.hpp"

#include <kainjow/mustache.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sitegen {

class plugin {
  public:
    explicit plugin(std::string_view name) : label_("plugin:" + std::string{name}) {}
    virtual ~plugin() = default;
    plugin(const plugin&) = delete;
    plugin& operator=(const plugin&) = delete;

    /// What its memory is attributed to: "plugin:" and its name.
    [[nodiscard]] const std::string& label() const noexcept { return label_; }

    /// Called once, when all pages are known and before the first template. Their Markdown may not be rendered yet.
    virtual void prepare(const site& built) { static_cast<void>(built); }

    /// Adds to what the page's template sees. Called for several pages at once with `--jobs`.
    virtual void add_to_page(const page& shown, kainjow::mustache::data& seen) const {
        static_cast<void>(shown), static_cast<void>(seen);
    }

    /// Called once, at the end. May write files below `output`.
    virtual void finish(const std::filesystem::path& output) { static_cast<void>(output); }

  private:
    std::string label_;
};

std::unique_ptr<plugin> make_toc();
std::unique_ptr<plugin> make_related();
std::unique_ptr<plugin> make_gallery();

/// "toc", "related", "gallery".
const std::vector<std::string>& plugin_names();

/// Throws `fatal_error` for a name that no plugin has.
std::unique_ptr<plugin> make_plugin(const std::string& name);

} // namespace sitegen
