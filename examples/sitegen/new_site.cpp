// SPDX-License-Identifier: MIT
#include "new_site.hpp"

#include "site.hpp"
#include "text.hpp"

#include <array>
#include <chrono>
#include <random>
#include <string>
#include <string_view>

namespace sitegen {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 40> words{
    "arena",  "baseline", "block",  "branch", "cache",  "commit", "content", "counter", "delta",  "draft",
    "figure", "folder",   "frame",  "header", "heap",   "index",  "label",   "layer",   "line",   "list",
    "memory", "page",     "parser", "path",   "phase",  "plugin", "reader",  "record",  "render", "report",
    "sample", "section",  "site",   "source", "string", "table",  "theme",   "thread",  "window", "writer"};
constexpr std::array<std::string_view, 12> tag_names{"allocator", "build",  "cache", "C++",    "design",  "release",
                                                     "heap",      "how-to", "linux", "memory", "profile", "testing"};
constexpr std::array<std::string_view, 4> section_names{"guides", "notes", "recipes", "reference"};

// The standard fixes the numbers of this generator, and `%` is the same everywhere; the distributions are not.
using generator = std::mt19937;

std::size_t below(generator& random, std::size_t limit) { return random() % limit; }

std::string_view word(generator& random) { return words[below(random, words.size())]; }

std::string phrase(generator& random, std::size_t count) {
    std::string made;
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) made += ' ';
        made += word(random);
    }
    made.front() = static_cast<char>(made.front() - 'a' + 'A');
    return made;
}

std::string paragraph(generator& random) {
    std::string made;
    const std::size_t sentences = 3 + below(random, 5);
    for (std::size_t i = 0; i < sentences; ++i) {
        std::string sentence = phrase(random, 8 + below(random, 10));
        if (below(random, 3) == 0)
            sentence += " **" + std::string{word(random)} + "** and `" + std::string{word(random)} + "`";
        made += sentence + (i + 1 == sentences ? ".\n\n" : ". ");
    }
    return made;
}

std::string body(generator& random) {
    std::string made;
    const std::size_t parts = 4 + below(random, 6);
    for (std::size_t i = 0; i < parts; ++i) {
        made += (i % 3 == 2 ? "### " : "## ") + phrase(random, 3) + "\n\n";
        for (std::size_t k = 1 + below(random, 4); k > 0; --k)
            made += paragraph(random);
        switch (below(random, 4)) {
        case 0:
            for (std::size_t k = 3 + below(random, 4); k > 0; --k)
                made += "- " + phrase(random, 6) + "\n";
            made += "\n";
            break;
        case 1:
            made += "```cpp\nauto phase = Memory::phase<\"" + std::string{word(random)} + "\">();\n```\n\n";
            break;
        case 2:
            made += "> " + phrase(random, 14) + ".\n\n";
            break;
        default:
            break;
        }
    }
    return made;
}

std::string date_of(std::size_t number) {
    using namespace std::chrono;
    const year_month_day day{sys_days{year{2024} / January / 1} + days{static_cast<long>(number % 700)}};
    const auto two = [](unsigned value) { return (value < 10 ? "0" : "") + std::to_string(value); };
    return std::to_string(static_cast<int>(day.year())) + "-" + two(static_cast<unsigned>(day.month())) + "-" +
           two(static_cast<unsigned>(day.day()));
}

std::string page_text(std::size_t number) {
    generator random{static_cast<generator::result_type>(number + 1)};
    std::string made = "---\ntitle: \"" + phrase(random, 4) + "\"\ndate: " + date_of(number) + "\ntags: [";
    const std::size_t first_tag = below(random, tag_names.size());
    const std::size_t tags = 1 + below(random, 3);
    for (std::size_t i = 0; i < tags; ++i)
        made += (i > 0 ? ", \"" : "\"") + std::string{tag_names[(first_tag + i * 5) % tag_names.size()]} + "\"";
    made += "]\ndescription: \"" + phrase(random, 10) + ".\"\n---\n\n";
    return made + body(random);
}

} // namespace

void make_new_site(const fs::path& folder, std::size_t pages, std::size_t sections) {
    std::error_code failed;
    if (fs::exists(folder, failed) && !fs::is_empty(folder, failed))
        throw fatal_error("'" + folder.string() + "' is there already and not empty: name a new folder");
    if (pages > 0 && sections == 0) throw fatal_error("a site with pages needs at least one section");
    write_file(folder / "site.yaml", "title: A site of " + std::to_string(pages) +
                                         " pages\ndescription: Made by sitegen new.\nbase_url: https://example.org/\n");
    fs::create_directories(folder / "content", failed);
    if (failed)
        throw fatal_error("cannot make the folder '" + (folder / "content").string() + "': " + failed.message());
    for (std::size_t number = 0; number < pages; ++number) {
        const std::size_t section = number % sections;
        const std::string name = section < section_names.size() ? std::string{section_names[section]}
                                                                : "section-" + std::to_string(section + 1);
        write_file(folder / "content" / name / ("page-" + std::to_string(number + 1) + ".md"), page_text(number));
    }
}

} // namespace sitegen
