// SPDX-License-Identifier: MIT
#include "parsing.hpp"

#include "text.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sitegen {

namespace fs = std::filesystem;

namespace {

// A page that cannot be used. The line counts from 1 in the file.
struct page_error {
    std::size_t line;
    std::string message;
};

std::size_t yaml_line(const YAML::Mark& mark) { return mark.is_null() ? 1 : static_cast<std::size_t>(mark.line) + 1; }

// yaml-cpp's messages hold a position of their own, within the front matter; ours is within the file.
std::string message_of(const YAML::Exception& broken) { return broken.msg; }

std::string text_member(const YAML::Node& map, const char* key, std::size_t first_line) {
    const YAML::Node value = map[key];
    if (!value || value.IsNull()) return {};
    if (!value.IsScalar())
        throw page_error{first_line + yaml_line(value.Mark()) - 1, std::string{"'"} + key + "' must be a text"};
    return value.Scalar();
}

// "2024-05-31", perhaps with a time after it.
bool is_date(std::string_view text) {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    const auto number = [&](std::size_t first, std::size_t length, auto& into) {
        const char* const end = text.data() + first + length;
        const auto parsed = std::from_chars(text.data() + first, end, into);
        return parsed.ec == std::errc{} && parsed.ptr == end;
    };
    return text.size() >= 10 && number(0, 4, year) && text[4] == '-' && number(5, 2, month) && text[7] == '-' &&
           number(8, 2, day) &&
           std::chrono::year_month_day{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}}.ok();
}

void read_tags(page& into, const YAML::Node& value, std::size_t first_line) {
    const auto add = [&](const YAML::Node& tag) {
        if (!tag.IsScalar()) throw page_error{first_line + yaml_line(tag.Mark()) - 1, "a tag must be a text"};
        if (!tag.Scalar().empty() && std::find(into.tags.begin(), into.tags.end(), tag.Scalar()) == into.tags.end())
            into.tags.push_back(tag.Scalar());
    };
    if (!value || value.IsNull()) return;
    if (value.IsSequence())
        for (const YAML::Node& tag : value)
            add(tag);
    else
        add(value);
}

void read_front_matter(page& into, const std::string& yaml, std::size_t first_line) {
    YAML::Node root;
    try {
        root = YAML::Load(yaml);
    } catch (const YAML::Exception& broken) {
        throw page_error{first_line + yaml_line(broken.mark) - 1, "broken front matter: " + message_of(broken)};
    }
    if (root.IsNull()) return;
    if (!root.IsMap()) throw page_error{first_line, "broken front matter: it must be a list of 'name: value' lines"};
    into.title = text_member(root, "title", first_line);
    into.description = text_member(root, "description", first_line);
    into.date = text_member(root, "date", first_line);
    if (!into.date.empty()) {
        if (!is_date(into.date))
            throw page_error{first_line + yaml_line(root["date"].Mark()) - 1, "'date' must be a date like 2024-05-31"};
        into.date.resize(10);
    }
    read_tags(into, root["tags"], first_line);
    if (const YAML::Node draft = root["draft"]) {
        try {
            into.draft = draft.as<bool>();
        } catch (const YAML::Exception&) {
            throw page_error{first_line + yaml_line(draft.Mark()) - 1, "'draft' must be true or false"};
        }
    }
}

// Takes one line with its end off the front.
std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

// The title of a page that gives none: its first heading, else its file's name.
std::string fallback_title(const page& of) {
    std::string_view rest = of.markdown;
    while (!rest.empty()) {
        const std::string_view line = take_line(rest);
        if (!line.starts_with("# ")) continue;
        const std::size_t first = line.find_first_not_of(' ', 1);
        if (first != std::string_view::npos) return std::string{line.substr(first)};
    }
    return of.source.stem().string();
}

page parse_page(const fs::path& source, const std::string& content) {
    if (const auto invalid = find_invalid_utf8(content))
        throw page_error{line_of(content, *invalid), "not UTF-8: convert the file, for example with iconv"};
    page made;
    made.source = source;
    made.section = source.has_parent_path() ? source.begin()->string() : "";
    made.url = fs::path{source}.replace_extension(".html").generic_string();
    std::string_view rest = content;
    if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3); // a byte order mark
    std::string_view body = rest;
    if (take_line(rest) == "---") {
        std::string yaml;
        bool closed = false;
        while (!rest.empty() && !closed) {
            const std::string_view line = take_line(rest);
            closed = line == "---" || line == "...";
            if (!closed) yaml.append(line).append("\n");
        }
        if (!closed) throw page_error{1, "broken front matter: no line '---' ends it"};
        read_front_matter(made, yaml, 2);
        body = rest;
    }
    made.markdown = body;
    if (made.title.empty()) made.title = fallback_title(made);
    return made;
}

} // namespace

site_config load_config(const fs::path& site_folder) {
    const fs::path file = site_folder / "site.yaml";
    site_config config;
    if (!fs::exists(file)) return config;
    try {
        const YAML::Node root = YAML::Load(read_file(file));
        if (!root.IsNull() && !root.IsMap()) throw page_error{1, "it must be a list of 'name: value' lines"};
        const auto take = [&](const char* key, std::string& into) {
            if (const std::string given = text_member(root, key, 1); !given.empty()) into = given;
        };
        take("title", config.title);
        take("description", config.description);
        take("author", config.author);
        take("base_url", config.base_url);
        take("language", config.language);
    } catch (const YAML::Exception& broken) {
        throw fatal_error(file.string() + ":" + std::to_string(yaml_line(broken.mark)) + ": " + message_of(broken));
    } catch (const page_error& broken) {
        throw fatal_error(file.string() + ":" + std::to_string(broken.line) + ": " + broken.message);
    }
    if (!config.base_url.ends_with('/')) config.base_url += '/';
    return config;
}

std::vector<fs::path> find_pages(const fs::path& content_root, const fs::path& skipped) {
    std::error_code failed;
    const fs::path left_out = fs::weakly_canonical(skipped, failed);
    fs::recursive_directory_iterator walk{content_root, failed};
    if (failed) throw fatal_error("cannot read the folder '" + content_root.string() + "': " + failed.message());
    std::vector<fs::path> files;
    for (const fs::recursive_directory_iterator end; walk != end; walk.increment(failed)) {
        if (walk->is_directory(failed)) {
            if (fs::weakly_canonical(walk->path(), failed) == left_out) walk.disable_recursion_pending();
        } else if (const fs::path extension = walk->path().extension();
                   walk->is_regular_file(failed) && (extension == ".md" || extension == ".markdown")) {
            files.push_back(walk->path().lexically_relative(content_root));
        }
    }
    if (failed) throw fatal_error("cannot read the folder '" + content_root.string() + "': " + failed.message());
    std::sort(files.begin(), files.end());
    return files;
}

void parse_pages(site& built, const std::vector<fs::path>& files, bool with_drafts) {
    std::map<std::string, fs::path> taken; // which source a URL comes from
    for (const fs::path& file : files) {
        try {
            page parsed = parse_page(file, read_file(built.content_root / file));
            if (parsed.draft && !with_drafts) continue;
            if (const auto [other, added] = taken.emplace(parsed.url, file); !added)
                throw page_error{0, "it would be written to the same place as '" + other->second.string() + "'"};
            built.pages.push_back(std::move(parsed));
        } catch (const page_error& skipped) {
            built.problems.push_back({built.content_root / file, skipped.line, skipped.message});
        } catch (const fatal_error& unreadable) {
            built.problems.push_back({built.content_root / file, 0, unreadable.what()});
        }
    }
}

} // namespace sitegen
