// SPDX-License-Identifier: MIT
#include "../plugin.hpp"

namespace sitegen {

const std::vector<std::string>& plugin_names() {
    static const std::vector<std::string> names{"toc", "related", "gallery"};
    return names;
}

std::unique_ptr<plugin> make_plugin(const std::string& name) {
    if (name == "toc") return make_toc();
    if (name == "related") return make_related();
    if (name == "gallery") return make_gallery();
    std::string known;
    for (const std::string& each : plugin_names())
        known += (known.empty() ? "" : ", ") + each;
    throw fatal_error("there is no plugin '" + name + "'; there are " + known);
}

} // namespace sitegen
