// SPDX-License-Identifier: MIT
// A table of contents from the page's headings.
#include "../plugin.hpp"

namespace sitegen {

namespace {

class toc final : public plugin {
  public:
    toc() : plugin("toc") {}

    void add_to_page(const page& shown, kainjow::mustache::data& seen) const override {
        using kainjow::mustache::data;
        data entries{data::type::list};
        for (const heading& each : shown.headings) {
            if (each.level < 2 || each.level > 3) continue;
            data entry;
            entry.set("text", each.text);
            entry.set("id", each.id);
            entry.set("level", std::to_string(each.level));
            entries << entry;
        }
        if (entries.list_value().empty()) return;
        data contents;
        contents.set("entries", entries);
        seen.set("toc", contents);
    }
};

} // namespace

std::unique_ptr<plugin> make_toc() { return std::make_unique<toc>(); }

} // namespace sitegen
