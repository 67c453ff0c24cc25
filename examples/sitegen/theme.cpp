// SPDX-License-Identifier: MIT
#include "theme.hpp"

#include "memory.hpp"
#include "text.hpp"

#include <algorithm>

namespace sitegen {

namespace fs = std::filesystem;
namespace km = kainjow::mustache;

std::string way_to_root(std::string_view url) {
    std::string way;
    for (const char c : url)
        if (c == '/') way += "../";
    return way;
}

std::string tag_url(const std::string& tag) {
    // The name itself, encoded into a file name: "C++" and "C" stay apart, which they would not as slugs.
    std::string file;
    for (const char c : tag)
        file += c == '/' ? "%2F" : std::string(1, c);
    return "tags/" + file + ".html";
}

theme_files load_theme(const fs::path& folder) {
    const auto file = [&](const char* name) { return read_file(folder / name); };
    return {folder,           file("page.html"),  file("list.html"),  file("sitemap.xml"),
            file("feed.xml"), file("_head.html"), file("_foot.html"), file("style.css")};
}

theme::theme(const theme_files& files, const site& of, const std::vector<listing>& sections)
    : files_(files),
      site_(of),
      page_(compile("page.html", files.page)),
      list_(compile("list.html", files.list)),
      sitemap_(compile("sitemap.xml", files.sitemap)),
      feed_(compile("feed.xml", files.feed)) {
    for (const listing& section : sections)
        sections_.emplace_back(section.title, section.url);
}

theme::mustache theme::compile(const std::string& name, const std::string& text) const {
    mustache compiled{text};
    if (!compiled.is_valid())
        throw fatal_error("broken template '" + (files_.folder / name).string() + "': " + compiled.error_message());
    return compiled;
}

theme::data theme::base(std::string_view url, const std::string& title) const {
    const std::string root = way_to_root(url);
    data seen;
    seen.set("title", title);
    seen.set("root", root);
    seen.set("site_title", site_.config.title);
    seen.set("site_description", site_.config.description);
    seen.set("author", site_.config.author);
    seen.set("language", site_.config.language);
    seen.set("head", km::partial{[this] { return files_.head; }});
    seen.set("foot", km::partial{[this] { return files_.foot; }});
    data sections{data::type::list};
    for (const auto& [name, section_url] : sections_) {
        data section;
        section.set("name", name);
        section.set("href", root + url_path(section_url));
        sections << section;
    }
    seen.set("sections", sections);
    return seen;
}

theme::data theme::entry(const page& shown, std::string_view from_url) const {
    const std::string root = way_to_root(from_url);
    data seen;
    seen.set("title", shown.title);
    seen.set("href", root + url_path(shown.url));
    if (!shown.date.empty()) seen.set("date", shown.date);
    const std::string summary = shown.description.empty() ? std::string{excerpt(shown.text, 200)} : shown.description;
    seen.set("summary", summary);
    data tags{data::type::list};
    for (const std::string& tag : shown.tags) {
        data each;
        each.set("name", tag);
        each.set("href", root + url_path(tag_url(tag)));
        tags << each;
    }
    seen.set("tags", tags);
    return seen;
}

std::string theme::rendered(mustache& compiled, const data& seen) const {
    std::string text = compiled.render(seen);
    if (!compiled.is_valid())
        throw fatal_error("broken template in '" + files_.folder.string() + "': " + compiled.error_message());
    return text;
}

std::string theme::render_page(const page& shown, const std::vector<plugin*>& plugins) {
    data seen = base(shown.url, shown.title);
    seen.set("page", entry(shown, shown.url));
    seen.set("content", shown.html);
    for (const plugin* each : plugins) {
        auto label = Memory::label(each->label());
        each->add_to_page(shown, seen);
    }
    return rendered(page_, seen);
}

std::string theme::render_list(const listing& shown) {
    data seen = base(shown.url, shown.title);
    data pages{data::type::list};
    for (const page* each : shown.pages)
        pages << entry(*each, shown.url);
    seen.set("pages", pages);
    seen.set("count", std::to_string(shown.pages.size()));
    return rendered(list_, seen);
}

std::string theme::render_sitemap(const std::vector<std::string>& urls) {
    data seen;
    data list{data::type::list};
    for (const std::string& url : urls) {
        data each;
        each.set("location", site_.config.base_url + url_path(url));
        list << each;
    }
    seen.set("urls", list);
    return rendered(sitemap_, seen);
}

std::string theme::render_feed(const std::vector<const page*>& newest_first) {
    data seen = base("", site_.config.title);
    seen.set("base_url", site_.config.base_url);
    // RFC 4287 wants a date; a site without any has the epoch's.
    seen.set("updated", (newest_first.empty() ? "1970-01-01" : newest_first.front()->date) + "T00:00:00Z");
    data entries{data::type::list};
    for (const page* each : newest_first) {
        data item = entry(*each, "");
        item.set("location", site_.config.base_url + url_path(each->url));
        item.set("updated", each->date + "T00:00:00Z");
        entries << item;
    }
    seen.set("entries", entries);
    return rendered(feed_, seen);
}

} // namespace sitegen
