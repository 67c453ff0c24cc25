// SPDX-License-Identifier: MIT
#include "made_up.hpp"

#include <peakscope/report/json.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace peakscope;
using nlohmann::json;

TEST_CASE("the contract: every member by its name, in its unit") {
    memory_report report = tests::made_up_report();
    report.sites.push_back(
        {"Renderer::page", "renderer.cpp", 145, {{12}, 3, {31}, 4, {30}, {99}, 5}, {{"f", "a.cpp", 7, true, 4'096}}});
    report.labels.push_back({"plugin:gallery", {10}, 2, {4}, {8}, {7}});
    const json parsed = json::parse(report::json::text(report));
    CHECK(parsed["schema"] == "peakscope.report/1");
    CHECK(parsed["title"] == "100-page build");
    CHECK(parsed["items"] == json{{"name", "page"}, {"count", 100}});
    const json& heap = parsed["heap"];
    CHECK(heap["source"] == "counting");
    CHECK(heap["unit"] == "requested");
    CHECK(heap["precision"] == json{{"kind", "exact"}, {"bound_bytes", 0}});
    CHECK(heap["start"] == 1'048'576);
    CHECK(heap["end"] == 49 * 1'048'576);
    CHECK(heap["delta"] == 48 * 1'048'576);
    CHECK(heap["peak"] == 93 * 1'048'576);
    CHECK(heap["peak_delta"] == 92 * 1'048'576);
    CHECK(heap["allocated"] == 48 * 1'048'576 + 1'000);
    CHECK(heap["freed"] == 1'000);
    CHECK(heap["allocations"] == 12);
    CHECK(heap["deallocations"] == 5);
    CHECK(heap["blocks_start"] == 3);
    CHECK(heap["blocks_end"] == 10);
    const json& rss = parsed["rss"];
    CHECK(rss["source"] == "procfs");
    CHECK(rss["precision"] == json{{"kind", "bounded"}, {"bound_bytes", 786'432}});
    CHECK(rss["peak_delta"] == 171 * 1'048'576);
    CHECK(parsed["duration_ns"] == 1'250'000'000);
    REQUIRE(parsed["phases"].size() == 5);
    CHECK(parsed["phases"][2]["path"] == "rendering/markdown");
    CHECK(parsed["phases"][2]["entries"] == 100);
    CHECK(parsed["phases"][2]["duration_ns"] == 500'000'000);
    CHECK(parsed["phases"][2]["heap"]["source"] == "counting");
    CHECK(parsed["phases"][2]["rss"]["delta"] == 30 * 1'048'576);
    const json& site = parsed["sites"][0];
    CHECK(site == json{{"function", "Renderer::page"},
                       {"file", "renderer.cpp"},
                       {"line", 145},
                       {"delta_bytes", 12},
                       {"delta_blocks", 3},
                       {"at_peak_bytes", 31},
                       {"at_peak_blocks", 4},
                       {"at_peak_born_inside_bytes", 30},
                       {"allocated_bytes", 99},
                       {"allocations", 5},
                       {"stack",
                        {{{"function", "f"}, {"file", "a.cpp"}, {"line", 7}, {"inlined", true}, {"address", 4'096}}}}});
    CHECK(parsed["labels"][0] == json{{"name", "plugin:gallery"},
                                      {"allocated_bytes", 10},
                                      {"allocations", 2},
                                      {"delta_bytes", 4},
                                      {"peak_bytes", 8},
                                      {"at_peak_bytes", 7}});
    CHECK(parsed["profiler_bytes"] == 65'536);
    CHECK(parsed["notes"] == json::array());
}

TEST_CASE("what is not known is null") {
    memory_report report = tests::made_up_report();
    report.items.reset();
    report.profiler_bytes.reset();
    report.heap.peak.reset();
    report.heap.peak_precision = unavailable;
    const json parsed = json::parse(report::json::text(report));
    CHECK(parsed["items"].is_null());
    CHECK(parsed["profiler_bytes"].is_null());
    CHECK(parsed["heap"]["peak"].is_null());
    CHECK(parsed["heap"]["precision"]["kind"] == "unavailable"); // the weaker of the two stands for all
    CHECK(parsed["heap"]["totals_precision"]["kind"] == "exact");
    CHECK(parsed["heap"]["peak_precision"] == json{{"kind", "unavailable"}, {"bound_bytes", nullptr}});
    CHECK(parsed["phases"][4]["heap"]["delta"].is_null()); // never entered
    CHECK(parsed["phases"][4]["entries"] == 0);
}

TEST_CASE("large figures stay integers, and text that is not UTF-8 does not lose the report") {
    memory_report report = tests::made_up_report();
    report.heap.peak = bytes{9'007'199'254'740'993}; // 2^53 + 1
    report.title = "broken \xff title \"quoted\"\n";
    const json parsed = json::parse(report::json::text(report));
    CHECK(parsed["heap"]["peak"] == 9'007'199'254'740'993);
    CHECK(parsed["title"] == "broken \xef\xbf\xbd title \"quoted\"\n");
}

TEST_CASE("members come in the order of the contract") {
    const std::string text = report::json::text(tests::made_up_report());
    std::size_t at = 0;
    for (const char* member : {"\"schema\"", "\"title\"", "\"items\"", "\"heap\"", "\"rss\"", "\"duration_ns\"",
                               "\"phases\"", "\"sites\"", "\"labels\"", "\"profiler_bytes\""}) {
        const std::size_t found = text.find(member, at);
        CHECK(found != std::string::npos);
        at = found;
    }
}
