// SPDX-License-Identifier: MIT
#include "made_up.hpp"

#include <peakscope/report/json.hpp>
#include <peakscope/report/json_reader.hpp>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace json_reader_tests {

using namespace peakscope;
using nlohmann::json;

namespace {

memory_report full_report() {
    memory_report report = tests::made_up_report();
    report.sites_precision = sampled(bytes{512 * 1'024});
    report.sites.push_back({"Renderer::page",
                            "renderer.cpp",
                            145,
                            {{-12}, -3, {31}, 4, {30}, {99}, 5, bytes{1}, bytes{2}, std::nullopt},
                            {{"f", "a.cpp", 7, true, 4'096, 1}, {"main", "b.cpp", 9, false, 8'192}}});
    report.sites[0].lifetimes = lifetime_figures{{0, 1, 4}, 2, 3, {40}, {50}};
    report.modules = {{"/bin/program", "0123abcd", 0}, {"/lib/library.so", "", 4'096}};
    report.naming = naming_figures{2, 1, std::chrono::nanoseconds{88}, bytes{99}};
    report.phases[1].sites.push_back({0, report.sites[0].amounts});
    report.outside_sites.push_back({0, {.delta_bytes = {17}, .allocated_bytes = {18}}});
    report.labels.push_back({"plugin:\"gallery\" \u00e9", {10}, 2, {-4}, {8}, {7}});
    report.births = {"before the measurement", "outside phases", "discovery"};
    report.measurement_births = birth_report{{{1}, {2}, {3}}, {{4}, {5}, {6}}, {7}, {{8}, {9}, {10}}};
    report.phases[0].births = report.measurement_births;
    report.phases[0].work = work_figures{2, std::chrono::nanoseconds{77}, {10}, {20}, 3, 4};
    report.allocator = "jemalloc";
    report.heap.allocator = allocator_state{bytes{1}, bytes{2}, bytes{3}, std::nullopt};
    report.rss.at_end = resident_state{.anonymous = bytes{5}, .pss = bytes{6}};
    report.phases[2].rss.touched = touched_memory{{7}, {8}, {9}};
    report.rss.peak_precision = sampled(std::chrono::microseconds{500});
    report.phases[1].heap.peak_precision = bounded({4'096});
    report.peak_at = std::chrono::nanoseconds{4};
    report.timeline = {{{std::chrono::nanoseconds{3}, bytes{1}, bytes{2}}, {std::chrono::nanoseconds{4}, bytes{5}, {}}},
                       {{4, std::chrono::nanoseconds{1}, std::chrono::nanoseconds{2}}},
                       6};
    report.notes = {"a note"};
    return report;
}

std::string why(const std::string& text) {
    try {
        static_cast<void>(report::read_json(text, "x.json"));
    } catch (const report::read_error& refused) {
        return refused.what();
    }
    return "";
}

std::string changed(const char* pointer, const json& value) {
    json document = json::parse(report::json::text(full_report()));
    document[json::json_pointer{pointer}] = value;
    return document.dump();
}

} // namespace

TEST_CASE("what was written is read, all of it") {
    CHECK(report::read_json(report::json::text(full_report())) == full_report());
    CHECK(report::read_json(report::json::text(tests::made_up_report())) == tests::made_up_report());
    CHECK(report::read_json(report::json::text(memory_report{})) == memory_report{});
}

TEST_CASE("each frame of a stack has its address again, however they are shared") {
    memory_report report;
    report.modules = {{"/bin/program", "0123abcd", 0}, {"/lib/library.so", "", 4'096}};
    const auto add = [&](std::vector<stack_frame> stack) { report.sites.emplace_back().stack = std::move(stack); };
    const stack_frame inlined{"f", "a.cpp", 7, true, 4'096, 1};
    const stack_frame around{"g", "a.cpp", 9, false, 4'096, 1};
    const stack_frame main{"main", "b.cpp", 9, false, 8'192, 0};
    add({inlined, around, main});
    add({inlined, inlined, around, around, main});
    add({around, main});
    add({{"f", "a.cpp", 7, true, 4'100, 1}, {"g", "a.cpp", 9, false, 4'100, 1}, main}); // another call on the same line
    add({{"f", "a.cpp", 7, true, 4'100, 0}, around, main});                             // as no program has it
    add({main, inlined});                                                               // and cut off in a call
    add({{"?", "", 0, false, 0, {}}});
    add({});
    const json written = json::parse(report::json::text(report));
    CHECK(written["frames"].size() == 4);
    CHECK(written["addresses"].size() == 5);
    CHECK(written["stack_addresses"] == json::parse("[[0, 1], [0, 0, 1], [0, 1], [2, 1], [3, 0, 1], [1, 0], [4], []]"));
    CHECK(report::read_json(written.dump()) == report);
}

TEST_CASE("documents from before addresses had tables, and sites of phases were rows") {
    json document = json::parse(report::json::text(full_report()));
    document.erase("stack_addresses");
    document.erase("addresses");
    document["frames"][0].update({{"address", 4'096}, {"module", 1}});
    document["frames"][1].update({{"address", 8'192}});
    document["outside_phases"]["sites"] = {{{"site", 0}, {"delta_bytes", 17}, {"allocated_bytes", 18}}};
    CHECK(report::read_json(document.dump()) == full_report());
    document["outside_phases"]["sites"][0]["site"] = 1;
    CHECK(why(document.dump()) == "cannot read x.json: /outside_phases/sites/0/site is not the number of a site");
}

TEST_CASE("a report by the contract alone is read, and members that nobody knows are passed over") {
    const memory_report read = report::read_json(R"({
        "schema": "peakscope.report/1", "title": "t", "items": null, "future": [1, {"x": 2}],
        "heap": {"source": "counting", "unit": "requested", "precision": {"kind": "bounded", "bound_bytes": 7},
                 "start": 0, "end": 0, "delta": -5, "peak": 9, "peak_delta": 9, "allocated": 0, "freed": 0,
                 "allocations": 0, "deallocations": 0, "blocks_start": 0, "blocks_end": 0},
        "rss": {"source": "none", "precision": {"kind": "unavailable", "bound_bytes": null},
                "start": null, "end": null, "delta": null, "peak": null, "peak_delta": null},
        "duration_ns": 1, "phases": [],
        "sites": [{"function": "f", "file": "a.cpp", "line": 7, "delta_bytes": 1, "delta_blocks": 1, "at_peak_bytes": 2,
                   "at_peak_blocks": 2, "allocated_bytes": 3, "allocations": 3,
                   "stack": [{"function": "f", "file": "/src/a.cpp", "line": 7, "inlined": false}]}],
        "labels": [], "profiler_bytes": null})");
    REQUIRE(read.sites.size() == 1);
    CHECK(read.sites[0].stack == std::vector<stack_frame>{{"f", "/src/a.cpp", 7, false, 0}}); // as /1 had it
    CHECK(read.heap.delta == bytes{-5});
    CHECK(read.heap.peak_precision == bounded({7}));
    CHECK_FALSE(read.rss.delta);
}

TEST_CASE("what is no report is refused, with the place and the reason") {
    CHECK(why("") == "cannot read x.json: it is not JSON, or not all of it: it is empty");
    CHECK(why("[1, 2]") == "cannot read x.json: the document is no report of peakscope's: it has no member 'schema'");
    CHECK(why("{\"schema\": \"pprof/1\"}") ==
          "cannot read x.json: /schema is 'pprof/1', which is no report of peakscope's");
    CHECK(why("{\"schema\": \"peakscope.report/3\"}").find("this peakscope reads 'peakscope.report/1' and '/2'") !=
          std::string::npos);
    CHECK(why(changed("/heap/delta", "much")) == "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/delta", 1.5)) == "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/delta", 1e300)) == "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/delta", 18'446'744'073'709'551'615U)) ==
          "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/allocations", -1)) == "cannot read x.json: /heap/allocations is not an integer from 0 on");
    CHECK(why(changed("/frames/0/module", 2)) == "cannot read x.json: /frames/0/module is not the number of a module");
    CHECK(why(changed("/addresses/0/1", 2)) == "cannot read x.json: /addresses/0/1 is not the number of a module");
    CHECK(why(changed("/stack_addresses/0/0", 2)) ==
          "cannot read x.json: /stack_addresses/0/0 is not the number of an address");
    CHECK(why(changed("/stack_addresses/0", json::array({0, 0, 0}))) ==
          "cannot read x.json: /stack_addresses/0 has not one number for each address of its stack");
    CHECK(why(changed("/stack_addresses", json::array())) ==
          "cannot read x.json: /stack_addresses has not one row for each stack");
    CHECK(why(changed("/sites/0/lifetimes/sizes/1", -1)) ==
          "cannot read x.json: /sites/0/lifetimes/sizes/1 is not an integer from 0 on");
    CHECK(why(changed("/phases/1/sites/0/0", 1)) ==
          "cannot read x.json: /phases/1/sites/0/0 is not the number of a site");
    CHECK(why(changed("/outside_phases/sites/0/0", 1)) ==
          "cannot read x.json: /outside_phases/sites/0/0 is not the number of a site");
    CHECK(why(changed("/outside_phases/sites/0", json::array({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}))) ==
          "cannot read x.json: /outside_phases/sites/0/11 is one more than a row has");
    CHECK(why(changed("/items/count", 0)) == "cannot read x.json: /items/count is 0, and figures are divided by it");
    CHECK(why(changed("/frames/0/line", 4'294'967'296)) == "cannot read x.json: /frames/0/line is no line number");
    CHECK(why(changed("/stacks/0/1", 2)) == "cannot read x.json: /stacks/0/1 is not the number of a frame");
    CHECK(why(changed("/sites/0/stack", 1)) == "cannot read x.json: /sites/0/stack is not the number of a stack");
    CHECK(why(changed("/timeline/entries/0/0", 5)) ==
          "cannot read x.json: /timeline/entries/0/0 is not the number of a phase");
    CHECK(why(changed("/timeline/points/0", json::array({1, 2}))) ==
          "cannot read x.json: /timeline/points/0 has no element 2");
    CHECK(why(changed("/heap/precision/kind", "sort of")) ==
          "cannot read x.json: /heap/precision/kind is 'sort of', which is no precision");
    CHECK(why(changed("/heap/precision", {{"kind", "bounded"}, {"bound_bytes", -1}})) ==
          "cannot read x.json: /heap/precision/bound_bytes is below 0");
    CHECK(why(changed("/heap/precision", {{"kind", "sampled"}, {"rate_bytes", -1}})) ==
          "cannot read x.json: /heap/precision/rate_bytes is below 0");
    CHECK(why(changed("/heap/precision", {{"kind", "sampled"}, {"interval_ns", -1}})) ==
          "cannot read x.json: /heap/precision/interval_ns is below 0");
    CHECK(why(changed("/births/measurement/at_peak", json::array({1, 2}))) ==
          "cannot read x.json: /births/measurement/at_peak has 2 numbers, but born_in names 3 phases");
    CHECK(why(changed("/phases/0/births/freed_in/3", 4)) ==
          "cannot read x.json: /phases/0/births/freed_in has 4 numbers, but born_in names 3 phases");
    CHECK(why(changed("/births/born_in/3", "more")) ==
          "cannot read x.json: /births/measurement/at_peak has 3 numbers, but born_in names 4 phases");
    CHECK(why(changed("/phases/0/births/at_end", json::array())).empty());
    CHECK(why(changed("/phases", 3)) == "cannot read x.json: /phases is not an array");
    json without = json::parse(report::json::text(full_report()));
    without["heap"].erase("peak");
    CHECK(why(without.dump()) == "cannot read x.json: /heap has no member 'peak'");
    std::string twice = report::json::text(full_report());
    CHECK(why(twice).empty());
    twice.insert(twice.find("\"delta\""), "\"delta\": 5, ");
    CHECK(why(twice) == "cannot read x.json: the document has 'delta' twice in one object");
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK(why(deep).find("nests deeper") != std::string::npos);
}

TEST_CASE("cut off anywhere, and with any byte another one, it is a report or an error") {
    const std::string text = report::json::text(full_report());
    for (std::size_t length = 0; length + 2 < text.size(); length += 7)
        CHECK(why(text.substr(0, length)).starts_with("cannot read x.json: it is not JSON, or not all of it: "));
    std::minstd_rand random{5};
    int refused = 0;
    for (int i = 0; i < 2'000; ++i) {
        std::string damaged = text;
        damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
        refused += !why(damaged).empty();
    }
    CHECK(refused > 500);
}

namespace {

class scratch_file {
  public:
    ~scratch_file() { std::filesystem::remove(path_); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_ = (std::filesystem::temp_directory_path() / ("lines." + std::to_string(::getpid()))).string();
};

std::vector<memory_report> read_all(const std::string& path) {
    std::vector<memory_report> all;
    const std::size_t count =
        report::read_json_lines(path, [&](memory_report&& each) { all.push_back(std::move(each)); });
    CHECK(count == all.size());
    return all;
}

} // namespace

TEST_CASE("many reports in a file, a line each") {
    const scratch_file file;
    const report::json_lines append{report::append_to(file.path())};
    memory_report second = full_report();
    second.title = "two lines\n  and \"a quote\"";
    append(full_report());
    append(second);
    append(full_report());
    CHECK(read_all(file.path()) == std::vector{full_report(), second, full_report()});
    const std::string line = report::json_lines::text(second);
    CHECK(line.find('\n') == line.size() - 1);
    CHECK(json::parse(line) == json::parse(report::json::text(second)));

    SUBCASE("after a line that was not finished they go on in a line of their own") {
        std::ofstream{file.path(), std::ios::app} << "\n" << line.substr(0, 100);
        append(second);
        std::vector<memory_report> all;
        std::string what;
        try {
            report::read_json_lines(file.path(), [&](memory_report&& each) { all.push_back(std::move(each)); });
        } catch (const report::read_error& refused) {
            what = refused.what();
        }
        CHECK(all.size() == 3);
        CHECK(what.starts_with("cannot read '" + file.path() + "', line 5: it is not JSON, or not all of it: "));
        std::ifstream lines{file.path()};
        std::string last;
        for (std::string each; std::getline(lines, each);)
            last = each;
        CHECK(report::read_json(last) == second);
    }
    SUBCASE("by several processes") {
        memory_report large = full_report();
        large.sites.insert(large.sites.end(), 3'000, large.sites[0]); // a line of some megabytes
        for (int i = 0; i < 4; ++i)
            if (::fork() == 0) {
                for (int k = 0; k < 5; ++k)
                    append(k % 2 == 0 ? large : second);
                ::_exit(0);
            }
        for (int i = 0; i < 4; ++i)
            CHECK(::wait(nullptr) > 0);
        const std::vector<memory_report> all = read_all(file.path());
        CHECK(all.size() == 3 + 4 * 5);
        CHECK(std::ranges::count(all, large) == 4 * 3);
    }
}

TEST_CASE("where nothing can be appended, the place is named") {
    CHECK_THROWS_WITH_AS(report::json_lines{report::append_to("/nowhere/runs.jsonl")}(full_report()),
                         "cannot write the report to '/nowhere/runs.jsonl': No such file or directory", write_error);
    report::append_to_file<report::json_lines, "/dev/null">{}(full_report()); // a policy
}

TEST_CASE("files that are not there, or are no files, are told by name") {
    const auto why_not = [](const char* path) {
        try {
            static_cast<void>(report::read_json_file(path));
        } catch (const report::read_error& refused) {
            return std::string{refused.what()};
        }
        return std::string{};
    };
    CHECK(why_not("nowhere/report.json") == "cannot read 'nowhere/report.json': No such file or directory");
    CHECK(why_not("/") == "cannot read '/': it is a folder");
    const std::string long_name(300, 'x');
    CHECK(why_not(long_name.c_str()) == "cannot read '" + long_name + "': File name too long");
    std::filesystem::remove("loop.json");
    std::filesystem::create_symlink("loop.json", "loop.json");
    CHECK(why_not("loop.json") == "cannot read 'loop.json': Too many levels of symbolic links");
    std::filesystem::remove("loop.json");
    if (::geteuid() != 0) { // who may read everything
        std::filesystem::create_directory("unreadable");
        std::filesystem::permissions("unreadable", std::filesystem::perms::none);
        CHECK(why_not("unreadable/report.json") == "cannot read 'unreadable/report.json': Permission denied");
        std::filesystem::remove("unreadable");
    }
    report::json{std::filesystem::path{"read_back.json"}}(full_report());
    CHECK(report::read_json_file("read_back.json") == full_report());
    std::remove("read_back.json");
}

} // namespace json_reader_tests
