// SPDX-License-Identifier: MIT
#include "made_up.hpp"

#include <peakscope/report/json.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace json_tests {

using namespace peakscope;
using nlohmann::json;

TEST_CASE("the contract: every member by its name, in its unit") {
    memory_report report = tests::made_up_report();
    report.sites.push_back({"Renderer::page",
                            "renderer.cpp",
                            145,
                            {{12}, 3, {31}, 4, {30}, {99}, 5},
                            {{"f", "a.cpp", 7, true, 4'096}, {"main", "b.cpp", 9, false, 8'192}}});
    report.sites.push_back({"main", "b.cpp", 9, {}, {{"main", "b.cpp", 9, false, 8'192}}});
    using std::chrono::nanoseconds;
    report.phases[1].peak_at = nanoseconds{300};
    report.timeline = {{{nanoseconds{0}, bytes{100}, std::nullopt}, {nanoseconds{500}, bytes{250}, bytes{4'096}}},
                       {{1, nanoseconds{100}, nanoseconds{400}}},
                       2};
    report.labels.push_back({"plugin:gallery", {10}, 2, {4}, {8}, {7}});
    for (site_report& each : report.sites)
        each.stack.back().module = 0;
    report.sites[1].lifetimes = lifetime_figures{{0, 1, 4}, 2, 3, {40}, {50}};
    report.modules = {{"/bin/program", "0123abcd", 4'096}};
    report.naming = naming_figures{2, 1, nanoseconds{88}, {}};
    const json parsed = json::parse(report::json::text(report));
    CHECK(parsed["schema"] == "peakscope.report/2");
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
                       {"stack", 0}});
    CHECK(
        parsed["sites"][1]["lifetimes"] ==
        json{
            {"sizes", {0, 1, 4}}, {"temporary", 2}, {"short_lived", 3}, {"short_lived_bytes", 40}, {"peak_bytes", 50}});
    CHECK(parsed["stacks"] == json::parse("[[0, 1], [1]]"));
    CHECK(parsed["frames"] == json{{{"function", "f"}, {"file", "a.cpp"}, {"line", 7}, {"inlined", true}},
                                   {{"function", "main"}, {"file", "b.cpp"}, {"line", 9}, {"inlined", false}}});
    // The frame that is inlined has another address than the one that it is inlined into: one for each.
    CHECK(parsed["stack_addresses"] == json::parse("[[0, 1], [1]]"));
    CHECK(parsed["addresses"] == json::parse("[[4096, null], [8192, 0]]"));
    CHECK(parsed["modules"] == json{{{"path", "/bin/program"}, {"build_id", "0123abcd"}, {"load_bias", 4'096}}});
    CHECK(parsed["naming"] ==
          json{{"addresses", 2}, {"cached", 1}, {"duration_ns", 88}, {"children_peak_rss", nullptr}});
    CHECK(parsed["timeline"]["points"] == json::parse("[[0, 100, null], [500, 250, 4096]]"));
    CHECK(parsed["timeline"]["entries"] == json::parse("[[1, 100, 400]]"));
    CHECK(parsed["timeline"]["entries_left_out"] == 2);
    CHECK(parsed["timeline"]["peaks"] == json::parse("[[1, 300, 97517568]]"));
    CHECK(parsed["labels"][0] == json{{"name", "plugin:gallery"},
                                      {"allocated_bytes", 10},
                                      {"allocations", 2},
                                      {"delta_bytes", 4},
                                      {"peak_bytes", 8},
                                      {"at_peak_bytes", 7}});
    CHECK(parsed["profiler_bytes"] == 65'536);
    CHECK(parsed["rss"]["profiler_bytes"] == 49'152);
    CHECK(parsed["rss"]["delta_bound"] == 524'288);
    CHECK(parsed["rss"]["process_peak"] == 209'715'200);
    CHECK(parsed["phases"][0]["rss"]["profiler_bytes"].is_null());
    CHECK_FALSE(parsed["rss"].contains("touched"));
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

} // namespace json_tests
