// SPDX-License-Identifier: MIT
#include "build.hpp"

#include "markdown.hpp"
#include "memory.hpp"
#include "parallel.hpp"
#include "parsing.hpp"
#include "plugin.hpp"
#include "progress.hpp"
#include "text.hpp"
#include "theme.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace sitegen {

namespace fs = std::filesystem;

namespace {

// Newest first, pages without a date last, then by path: the order of every list.
bool comes_before(const page* a, const page* b) {
    if (a->date != b->date) return a->date > b->date;
    return a->source < b->source;
}

std::vector<listing> listings_of(const std::map<std::string, std::vector<const page*>>& groups, auto url_of) {
    std::vector<listing> made;
    for (const auto& [name, members] : groups) {
        listing group{name, url_of(name), members};
        std::sort(group.pages.begin(), group.pages.end(), comes_before);
        made.push_back(std::move(group));
    }
    return made;
}

std::vector<listing> sections_of(const site& built) {
    std::map<std::string, std::vector<const page*>> groups;
    for (const page& each : built.pages)
        if (!each.section.empty()) groups[each.section].push_back(&each);
    return listings_of(groups, [](const std::string& name) { return name + "/index.html"; });
}

std::vector<listing> tags_of(const site& built) {
    std::map<std::string, std::vector<const page*>> groups;
    for (const page& each : built.pages)
        for (const std::string& tag : each.tags)
            groups[tag].push_back(&each);
    std::vector<listing> made = listings_of(groups, [](const std::string& name) { return tag_url(name); });
    for (listing& tag : made)
        tag.title = "Tagged " + tag.title;
    return made;
}

listing home_of(const site& built) {
    listing home{built.config.title, "index.html", {}};
    for (const page& each : built.pages)
        home.pages.push_back(&each);
    std::sort(home.pages.begin(), home.pages.end(), comes_before);
    return home;
}

std::string search_index(const site& built) {
    nlohmann::json index = nlohmann::json::array();
    for (const page& each : built.pages)
        index.push_back({{"title", each.title},
                         {"url", url_path(each.url)},
                         {"tags", each.tags},
                         {"text", excerpt(each.text, 2000)}});
    return index.dump();
}

void copy_static_files(const fs::path& from, const fs::path& to) {
    std::error_code failed;
    if (!fs::is_directory(from, failed)) return;
    fs::create_directories(to, failed);
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing, failed);
    if (failed) throw fatal_error("cannot copy '" + from.string() + "' to '" + to.string() + "': " + failed.message());
}

class builder {
  public:
    explicit builder(const build_options& options) : options_(options), theme_files_(load_theme(options.theme)) {
        for (const std::string& name : options.plugins)
            plugins_.push_back(make_plugin(name));
        for (const auto& each : plugins_)
            plugin_list_.push_back(each.get());
    }

    site build() {
        discover();
        parse();
        render();
        postprocess();
        return std::move(site_);
    }

  private:
    void discover() {
        auto phase = Memory::phase<"discovery">();
        std::error_code failed;
        if (!fs::is_directory(options_.folder, failed))
            throw fatal_error("there is no folder '" + options_.folder.string() + "'");
        site_.config = load_config(options_.folder);
        const fs::path content = options_.folder / "content";
        site_.content_root = fs::is_directory(content, failed) ? content : options_.folder;
        files_ = find_pages(site_.content_root, options_.output);
    }

    void parse() {
        auto phase = Memory::phase<"parsing">();
        parse_pages(site_, files_, options_.drafts);
        sections_ = sections_of(site_);
        tags_ = tags_of(site_);
    }

    void render() {
        auto phase = Memory::phase<"rendering">();
        if (options_.pipeline)
            render_page_by_page();
        else
            render_step_by_step();
    }

    void render_step_by_step() {
        {
            auto markdown = Memory::phase<"markdown">();
            progress_.begin("rendering Markdown", site_.pages.size());
            for_each_index(site_.pages.size(), options_.jobs, [&](std::size_t index, std::size_t) {
                render_markdown(site_.pages[index]);
                progress_.step();
            });
        }
        auto templates = Memory::phase<"template">();
        prepare_plugins();
        themes own(std::max<std::size_t>(options_.jobs, 1));
        progress_.begin("writing pages", site_.pages.size());
        for_each_index(site_.pages.size(), options_.jobs, [&](std::size_t index, std::size_t worker) {
            write_page(site_.pages[index], own[worker]);
            progress_.step();
        });
    }

    // One thread renders Markdown while another fills in a template: neither step has a time of its own that a phase
    // could stand for, but each has its work.
    void render_page_by_page() {
        themes own;
        {
            auto templates = Memory::work<"template">();
            prepare_plugins();
            own.resize(std::max<std::size_t>(options_.jobs, 1));
        }
        progress_.begin("rendering pages", site_.pages.size());
        for_each_index(site_.pages.size(), options_.jobs, [&](std::size_t index, std::size_t worker) {
            {
                auto markdown = Memory::work<"markdown">();
                render_markdown(site_.pages[index]);
            }
            auto templates = Memory::work<"template">();
            write_page(site_.pages[index], own[worker]);
            progress_.step();
        });
        auto templates = Memory::work<"template">();
        themes{}.swap(own);
    }

    void prepare_plugins() {
        for (const auto& each : plugins_) {
            auto label = Memory::label(each->label());
            each->prepare(site_);
        }
    }

    // A theme renders for one thread at a time: each has its own, from its first page on.
    using themes = std::vector<std::unique_ptr<theme>>;

    void write_page(const page& written, std::unique_ptr<theme>& own) {
        if (!own) own = std::make_unique<theme>(theme_files_, site_, sections_);
        write_file(options_.output / written.url, own->render_page(written, plugin_list_));
    }

    void postprocess() {
        auto phase = Memory::phase<"postprocess">();
        theme lists{theme_files_, site_, sections_};
        std::set<std::string> urls;
        for (const page& each : site_.pages)
            urls.insert(each.url);
        // A page of the site's own stands before a list of the same place.
        const auto write_list = [&](const listing& list) {
            if (urls.insert(list.url).second) write_file(options_.output / list.url, lists.render_list(list));
        };
        const listing home = home_of(site_);
        write_list(home);
        for (const listing& section : sections_)
            write_list(section);
        for (const listing& tag : tags_)
            write_list(tag);
        write_file(options_.output / "sitemap.xml", lists.render_sitemap({urls.begin(), urls.end()}));
        std::vector<const page*> newest;
        for (const page* each : home.pages)
            if (!each->date.empty() && newest.size() < 20) newest.push_back(each);
        write_file(options_.output / "feed.xml", lists.render_feed(newest));
        write_file(options_.output / "search.json", search_index(site_));
        write_file(options_.output / "style.css", theme_files_.style);
        copy_static_files(options_.folder / "static", options_.output);
        for (const auto& each : plugins_) {
            auto label = Memory::label(each->label());
            each->finish(options_.output);
        }
    }

    const build_options& options_;
    progress progress_;
    theme_files theme_files_;
    std::vector<std::unique_ptr<plugin>> plugins_;
    std::vector<plugin*> plugin_list_;
    site site_;
    std::vector<fs::path> files_;
    std::vector<listing> sections_;
    std::vector<listing> tags_;
};

} // namespace

site build_site(const build_options& options) { return builder{options}.build(); }

} // namespace sitegen
