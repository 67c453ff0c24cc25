// SPDX-License-Identifier: MIT
// What the file says. That it keeps to speedscope's own schema is shown in tests/formats.
#include "made_up.hpp"
#include "made_up_sites.hpp"

#include <peakscope/report/speedscope.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace speedscope_tests {

using namespace peakscope;
using nlohmann::json;

TEST_CASE("one profile for the peak, the end, what was allocated, and the peak of each phase that was entered") {
    const json file = json::parse(report::speedscope::text(tests::report_with_call_stacks()));
    CHECK(file["name"] == "a build");
    const json& frames = file["shared"]["frames"];
    REQUIRE(frames.size() == 5);
    CHECK(frames[0] == json{{"name", "make_page"}, {"file", "/src/page.hpp"}, {"line", 3}});
    CHECK(frames[1] == json{{"name", "render"}, {"file", "/src/page.cpp"}, {"line", 12}});
    CHECK(frames[2] == json{{"name", "main"}, {"file", "/src/main.cpp"}, {"line", 5}});
    CHECK(frames[3] == json{{"name", "0x3000"}});
    CHECK(frames[4] == json{{"name", "(allocated before the measurement)"}});
    const json& profiles = file["profiles"];
    REQUIRE(profiles.size() == 5);
    CHECK(profiles[0] == json::parse(R"({"type": "sampled", "name": "at the peak", "unit": "bytes", "startValue": 0,
        "endValue": 1024, "samples": [[2, 1, 0], [2, 3], [4]], "weights": [600, 400, 24]})"));
    CHECK(profiles[1]["name"] == "live at the end");
    CHECK(profiles[1]["weights"] == json{100}); // the others shrank
    CHECK(profiles[2]["name"] == "allocated");
    CHECK(profiles[2]["endValue"] == 1'300);
    CHECK(profiles[3]["name"] == "at the peak of build");
    CHECK(profiles[3]["weights"] == json{600, 300});
    CHECK(profiles[4]["name"] == "at the peak of build/render");
    CHECK(profiles[4]["samples"] == json::parse("[[2, 1, 0]]"));
    CHECK(profiles[4]["weights"] == json{550});
}

TEST_CASE("a sum stops at the end of its range") {
    memory_report report = tests::report_with_call_stacks();
    for (site_report& each : report.sites)
        each.amounts.at_peak_bytes = bytes{INT64_MAX};
    CHECK(json::parse(report::speedscope::text(report))["profiles"][0]["endValue"] == INT64_MAX);
}

TEST_CASE("a source that tells no sites apart has one frame") {
    const json file = json::parse(report::speedscope::text(tests::made_up_report()));
    REQUIRE(file["shared"]["frames"].size() == 1);
    CHECK(file["shared"]["frames"][0] == json{{"name", "(not told apart by call stack)"}});
    CHECK(file["profiles"].size() == 3 + 4);
    CHECK(file["profiles"][0]["endValue"] == 93 * 1'048'576);
}

} // namespace speedscope_tests
