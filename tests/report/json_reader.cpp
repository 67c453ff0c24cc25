// SPDX-License-Identifier: MIT
#include "made_up.hpp"

#include <peakscope/report/json.hpp>
#include <peakscope/report/json_reader.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <random>
#include <string>

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
                            {{"f", "a.cpp", 7, true, 4'096}, {"main", "b.cpp", 9, false, 8'192}}});
    report.phases[1].sites.push_back({0, report.sites[0].amounts});
    report.labels.push_back({"plugin:\"gallery\" \u00e9", {10}, 2, {-4}, {8}, {7}});
    report.births = {"before the measurement", "outside phases", "discovery"};
    report.measurement_births = birth_report{{{1}, {2}, {3}}, {{4}, {5}, {6}}, {7}, {{8}, {9}, {10}}};
    report.phases[0].births = report.measurement_births;
    report.phases[0].work = work_figures{2, std::chrono::nanoseconds{77}, {10}, {20}, 3, 4};
    report.allocator = "jemalloc";
    report.heap.allocator = allocator_state{bytes{1}, bytes{2}, bytes{3}, std::nullopt};
    report.rss.at_end = resident_state{.anonymous = bytes{5}, .pss = bytes{6}};
    report.rss.peak_precision = sampled(std::chrono::microseconds{500});
    report.phases[1].heap.peak_precision = bounded({4'096});
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

TEST_CASE("a report by the contract alone is read, and members that nobody knows are passed over") {
    const memory_report read = report::read_json(R"({
        "schema": "peakscope.report/1", "title": "t", "items": null, "future": [1, {"x": 2}],
        "heap": {"source": "counting", "unit": "requested", "precision": {"kind": "bounded", "bound_bytes": 7},
                 "start": 0, "end": 0, "delta": -5, "peak": 9, "peak_delta": 9, "allocated": 0, "freed": 0,
                 "allocations": 0, "deallocations": 0, "blocks_start": 0, "blocks_end": 0},
        "rss": {"source": "none", "precision": {"kind": "unavailable", "bound_bytes": null},
                "start": null, "end": null, "delta": null, "peak": null, "peak_delta": null},
        "duration_ns": 1, "phases": [], "sites": [], "labels": [], "profiler_bytes": null})");
    CHECK(read.heap.delta == bytes{-5});
    CHECK(read.heap.peak_precision == bounded({7}));
    CHECK_FALSE(read.rss.delta);
}

TEST_CASE("what is no report is refused, with the place and the reason") {
    CHECK(why("") == "cannot read x.json: it is not JSON, or not all of it: it is empty");
    CHECK(why("[1, 2]") == "cannot read x.json: the document is no report of peakscope's: it has no member 'schema'");
    CHECK(why("{\"schema\": \"pprof/1\"}") ==
          "cannot read x.json: /schema is 'pprof/1', which is no report of peakscope's");
    CHECK(why("{\"schema\": \"peakscope.report/2\"}").find("this peakscope reads 'peakscope.report/1'") !=
          std::string::npos);
    CHECK(why(changed("/heap/delta", "much")) == "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/delta", 1.5)) == "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/delta", 1e300)) == "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/delta", 18'446'744'073'709'551'615U)) ==
          "cannot read x.json: /heap/delta is not an integer of 64 bits");
    CHECK(why(changed("/heap/allocations", -1)) == "cannot read x.json: /heap/allocations is not an integer from 0 on");
    CHECK(why(changed("/phases/1/sites/0/site", 1)) ==
          "cannot read x.json: /phases/1/sites/0/site is not the number of a site");
    CHECK(why(changed("/sites/0/stack/0/line", 4'294'967'296)) ==
          "cannot read x.json: /sites/0/stack/0/line is no line number");
    CHECK(why(changed("/heap/precision/kind", "sort of")) ==
          "cannot read x.json: /heap/precision/kind is 'sort of', which is no precision");
    CHECK(why(changed("/phases", 3)) == "cannot read x.json: /phases is not an array");
    json without = json::parse(report::json::text(full_report()));
    without["heap"].erase("peak");
    CHECK(why(without.dump()) == "cannot read x.json: /heap has no member 'peak'");
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
    report::json{std::filesystem::path{"read_back.json"}}(full_report());
    CHECK(report::read_json_file("read_back.json") == full_report());
    std::remove("read_back.json");
}
