// SPDX-License-Identifier: MIT
// Writes pages and the JSON beside each, for check_html.py and browser.js: html_pages FOLDER.
#include "made_up.hpp"

#include <peakscope/report/html.hpp>
#include <peakscope/report/json.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <string>

namespace {

using namespace peakscope;
using std::chrono::nanoseconds;
constexpr std::int64_t mib = 1 << 20;

std::filesystem::path folder;

void write(const std::string& name, const std::string& text) { std::ofstream{folder / name, std::ios::binary} << text; }

void write(const std::string& name, const memory_report& report) {
    write(name + ".html", report::html::text(report));
    write(name + ".json", report::json::text(report));
}

stack_frame frame(std::string function, std::string file, std::uint32_t line) {
    return {std::move(function), std::move(file), line, false, 4'096 + line};
}

// Three sites of two functions, in two phases; names and a title that would be markup.
memory_report small_report() {
    memory_report report = tests::made_up_report();
    report.title = "<b>pages</b> & \"more\" </title><script>throw 1</script>";
    const stack_frame main = frame("main", "/home/me/main.cpp", 9);
    const stack_frame paint = frame("paint(std::vector<int>&)", "/home/me/paint.cpp", 38);
    const stack_frame hostile = frame("operator<</script><img src=x onerror=throw 2><script>", "/home/me/a.cpp", 5);
    const stack_frame allocate = frame("std::allocator<int>::allocate(unsigned long)", "/usr/include/new.h", 1);
    report.sites = {
        {paint.function,
         "paint.cpp",
         38,
         {{30 * mib}, 3, {60 * mib}, 6, {60 * mib}, {70 * mib}, 7},
         {allocate, paint, main}},
        {paint.function,
         "paint.cpp",
         38,
         {{2 * mib}, 1, {10 * mib}, 2, {10 * mib}, {20 * mib}, 4},
         {allocate, paint, hostile, main}},
        {hostile.function, "a.cpp", 5, {{-mib}, -1, {20 * mib}, 5, {20 * mib}, {200 * mib}, 50}, {hostile, main}},
    };
    report.sites_precision = exact;
    report.rss.touched = touched_memory{{40 * mib}, {52 * mib}, {166 * mib}};
    report.phases[0].rss.touched = touched_memory{{3 * mib}, {3 * mib}, {25 * mib}};
    report.phases[0].sites = {{2, {{-mib}, -1, {3 * mib}, 1, {}, {90 * mib}, 20}}};
    report.phases[3].sites = {{0, {{30 * mib}, 3, {60 * mib}, 6, {60 * mib}, {70 * mib}, 7}}};
    report.peak_at = nanoseconds{700'000'000};
    report.phases[0].peak_at = nanoseconds{9'000'000};
    report.phases[1].peak_at = report.phases[3].peak_at = report.peak_at;
    report.timeline.points = {{nanoseconds{0}, bytes{mib}, bytes{10 * mib}},
                              {nanoseconds{9'000'000}, bytes{14 * mib}, {}},
                              {nanoseconds{700'000'000}, bytes{93 * mib}, bytes{181 * mib}},
                              {nanoseconds{1'250'000'000}, bytes{49 * mib}, bytes{166 * mib}}};
    report.timeline.entries = {{0, nanoseconds{0}, nanoseconds{100'000'000}},
                               {3, nanoseconds{500'000'000}, nanoseconds{900'000'000}},
                               {1, nanoseconds{100'000'000}, nanoseconds{1'000'000'000}}};
    report.births = {"before the measurement", "outside phases", "discovery"};
    report.measurement_births = birth_report{{{mib}, {0}, {92 * mib}}, {{mib}, {0}, {48 * mib}}, {}, {}};
    report.phases[0].births = birth_report{{{mib}, {0}, {13 * mib}}, {{mib}, {0}, {12 * mib}}, {}, {}};
    report.phases[0].work = work_figures{4, std::chrono::milliseconds{12}, {5 * mib}, {4 * mib}, 30, 20};
    report.labels = {{"plugin:<i>gallery</i>", {9 * mib}, 2, {4}, {8 * mib}, {7 * mib}}};
    report.notes = {"A note with <em>markup</em>."};
    return report;
}

// The same of another day: a peak 5 MiB lower, a site grown, one gone.
memory_report other_report() {
    memory_report report = small_report();
    report.title = "the day before";
    report.heap.peak = bytes{88 * mib};
    report.heap.peak_delta = bytes{87 * mib};
    report.sites[0].amounts.at_peak_bytes = bytes{50 * mib};
    report.sites[2].function = "gone";
    report.sites[2].stack[0].function = "gone";
    return report;
}

memory_report sampled_report() {
    memory_report report = small_report();
    report.heap.totals_precision = report.heap.peak_precision = report.sites_precision = sampled(bytes{512 * 1'024});
    for (site_report& site : report.sites)
        site.amounts.at_peak_error = bytes{3 * mib};
    return report;
}

// Two sites of which blocks were freed in the phase that allocated them.
memory_report watched_report() {
    memory_report report = small_report();
    report.sites[0].lifetimes = lifetime_figures{{0, 0, 7}, 1, 4, {40 * mib}, {60 * mib}};
    report.sites[1].lifetimes = lifetime_figures{{0, 0, 4}, 0, 0, {}, {10 * mib}};
    report.sites[2].lifetimes = lifetime_figures{{0, 0, 50}, 0, 45, {180 * mib}, {21 * mib}};
    return report;
}

// 10,000 sites with stacks of 18 frames, 100,000 points, 20,000 entries of a phase.
memory_report large_report() {
    memory_report report = tests::made_up_report();
    std::mt19937 random{1};
    const auto below = [&](std::uint32_t most) { return static_cast<std::uint32_t>(random() % most); };
    const auto function = [](std::uint32_t number) {
        return "engine::module_" + std::to_string(number % 37) + "::worker<std::basic_string<char>>::step_" +
               std::to_string(number) + "(std::vector<int> const&, unsigned long)";
    };
    for (std::uint32_t number = 0; number < 10'000; ++number) {
        site_report site{function(number), "source/module_" + std::to_string(number % 37) + ".cpp", number};
        const std::int64_t held = 1 + below(200'000);
        site.amounts = {{held / 2}, 1 + below(9), {held}, 1 + below(9), {held}, {held * 7}, 10 + below(90)};
        site.stack = {frame(site.function, "/home/me/" + site.file, number)};
        for (std::uint32_t outer = number, depth = 0; depth < 17; ++depth, outer = outer * 3 / 5)
            site.stack.push_back(frame(function(outer), "/home/me/source/outer.cpp", outer % 500));
        report.phases[number % 4].sites.push_back({number, site.amounts});
        report.sites.push_back(std::move(site));
    }
    report.sites_precision = exact;
    std::int64_t live = 40 * mib;
    for (int at = 0; at < 100'000; ++at) {
        live = std::max<std::int64_t>(0, live + below(2'000'000) - 1'000'000);
        report.timeline.points.push_back({nanoseconds{at * 12'500LL + below(9'000)}, bytes{live}, {}});
        if (at % 10 == 0) report.timeline.points.back().rss = bytes{live + 20 * mib};
    }
    for (int at = 0; at < 20'000; ++at)
        report.timeline.entries.push_back({2, nanoseconds{at * 60'000LL}, nanoseconds{at * 60'000LL + 25'000}});
    return report;
}

// Texts and what they are deflated to: the smallest, the longest copies, and the farthest.
void write_deflated() {
    std::mt19937 random{2};
    const auto noise = [&](std::size_t length) {
        std::string text(length, 0);
        for (char& each : text)
            each = static_cast<char>(random() & 0xff);
        return text;
    };
    const std::string near = noise(32'768);
    const std::string far = noise(32'769);
    int number = 0;
    for (const std::string& text : {std::string{}, std::string{"a"}, std::string(259, 'a'), std::string(100'000, 'b'),
                                    near + near, far + far, noise(100'000)}) {
        write("text" + std::to_string(number), text);
        write("text" + std::to_string(number++) + ".deflated", report::deflated(text));
    }
    // Every length of a copy there is.
    std::string lengths;
    for (std::size_t length = 3; length < 300; ++length) {
        const std::string part = noise(length);
        lengths += part + static_cast<char>(length) + part + static_cast<char>(~length);
    }
    write("text" + std::to_string(number), lengths);
    write("text" + std::to_string(number) + ".deflated", report::deflated(lengths));
}

} // namespace

int main(int count, char** arguments) {
    if (count != 2) return 2;
    folder = arguments[1];
    std::filesystem::create_directories(folder);
    write_deflated();
    write("small", small_report());
    write("sampled", sampled_report());
    write("watched", watched_report());
    write("empty", memory_report{});
    write("difference.html", report::html::text(other_report(), small_report()));
    const memory_report large = large_report();
    const auto start = std::chrono::steady_clock::now();
    const std::string page = report::html::text(large);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << "the large page: " << page.size() << " bytes in " << took.count() << " ms\n";
    write("large", large);
}
