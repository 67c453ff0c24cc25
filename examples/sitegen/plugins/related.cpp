// SPDX-License-Identifier: MIT
// Pages that share the most tags with a page.
#include "../plugin.hpp"

#include "../text.hpp"
#include "../theme.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <utility>

namespace sitegen {

namespace {

class related final : public plugin {
  public:
    related() : plugin("related") {}

    void prepare(const site& built) override {
        for (const page& each : built.pages)
            for (const std::string& tag : each.tags)
                pages_by_tag_[tag].push_back(&each);
    }

    void add_to_page(const page& shown, kainjow::mustache::data& seen) const override {
        using kainjow::mustache::data;
        std::map<const page*, std::size_t> shared_tags;
        for (const std::string& tag : shown.tags)
            if (const auto found = pages_by_tag_.find(tag); found != pages_by_tag_.end())
                for (const page* other : found->second)
                    if (other != &shown) ++shared_tags[other];
        // The most shared tags first; pages lie in one vector, so that the order of addresses is the order of their
        // paths.
        std::vector<std::pair<const page*, std::size_t>> best{shared_tags.begin(), shared_tags.end()};
        std::sort(best.begin(), best.end(), [](const auto& a, const auto& b) {
            return a.second != b.second ? a.second > b.second : std::less<>{}(a.first, b.first);
        });
        if (best.empty()) return;
        best.resize(std::min<std::size_t>(best.size(), 5));
        data entries{data::type::list};
        for (const auto& [other, count] : best) {
            data entry;
            entry.set("title", other->title);
            entry.set("href", way_to_root(shown.url) + url_path(other->url));
            entries << entry;
        }
        data list;
        list.set("entries", entries);
        seen.set("related", list);
    }

  private:
    std::map<std::string, std::vector<const page*>> pages_by_tag_;
};

} // namespace

std::unique_ptr<plugin> make_related() { return std::make_unique<related>(); }

} // namespace sitegen
