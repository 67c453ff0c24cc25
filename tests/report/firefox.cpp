// SPDX-License-Identifier: MIT
// What the file says. That the Firefox Profiler reads it so is shown in tests/formats.
#include "made_up_sites.hpp"

#include <peakscope/report/firefox.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace firefox_tests {

using namespace peakscope;
using nlohmann::json;

namespace {

json profile() { return json::parse(report::firefox::text(tests::report_with_call_stacks())); }

// A sample's stack by its functions, the innermost first.
std::vector<std::string> stack_of(const json& thread, std::size_t sample) {
    std::vector<std::string> names;
    for (json at = thread["samples"]["stack"][sample]; !at.is_null();
         at = json(thread["stackTable"]["prefix"][at.get<std::size_t>()])) {
        const std::size_t frame = thread["stackTable"]["frame"][at.get<std::size_t>()];
        const std::size_t function = thread["frameTable"]["func"][frame];
        const std::size_t name = thread["funcTable"]["name"][function];
        const std::size_t file = thread["funcTable"]["fileName"][function];
        const json line = thread["frameTable"]["line"][frame];
        names.push_back(thread["stringArray"][name].get<std::string>() + " " +
                        thread["stringArray"][file].get<std::string>() + ":" + line.dump());
    }
    return names;
}

} // namespace

TEST_CASE("a thread for each picture, with samples in bytes at its time") {
    const json file = profile();
    REQUIRE(file["threads"].size() == 5);
    const json& peak = file["threads"][0];
    CHECK(peak["name"] == "at the peak");
    CHECK(peak["samples"]["weightType"] == "bytes");
    CHECK(peak["samples"]["weight"] == json{600, 400, 24});
    CHECK(peak["samples"]["time"] == json{2.5, 2.5, 2.5}); // milliseconds
    CHECK(peak["samples"]["length"] == 3);
    CHECK(stack_of(peak, 0) ==
          std::vector<std::string>{"make_page /src/page.hpp:3", "render /src/page.cpp:12", "main /src/main.cpp:5"});
    CHECK(stack_of(peak, 1) == std::vector<std::string>{"0x3000 :null", "main /src/main.cpp:5"});
    CHECK(peak["stackTable"]["length"] == 5); // main once
    CHECK(file["threads"][1]["samples"]["weight"] == json{100});
    CHECK(file["threads"][2]["samples"]["weight"] == json{1'000, 300});
    CHECK(file["threads"][4]["name"] == "at the peak of build/render");
    CHECK(file["threads"][4]["samples"]["weight"] == json{550});
}

TEST_CASE("entries of phases are markers of the first thread") {
    const json file = profile();
    const json& markers = file["threads"][0]["markers"];
    REQUIRE(markers["length"] == 3);
    CHECK(markers["startTime"] == json{1.0, 1.6, 1.0});
    CHECK(markers["endTime"] == json{1.5, 2.1, 4.0});
    CHECK(file["threads"][0]["stringArray"][markers["name"][2].get<std::size_t>()] == "build");
    CHECK(markers["data"][2] ==
          json{{"type", "phase"}, {"entries", 1}, {"peak", 900}, {"delta", 40}, {"allocated", 1'300}});
    CHECK(file["meta"]["markerSchema"][0]["name"] == "phase");
    CHECK(file["threads"][1]["markers"]["length"] == 0);
}

TEST_CASE("heap and RSS are counters: the change from point to point") {
    const json file = profile();
    REQUIRE(file["counters"].size() == 2);
    CHECK(file["counters"][0]["name"] == "heap");
    CHECK(file["counters"][0]["samples"] == json{{"time", {0.0, 1.0, 2.5}}, {"count", {34, 466, 524}}, {"length", 3}});
    CHECK(file["counters"][1]["name"] == "RSS");
    CHECK(file["counters"][1]["samples"]["count"] == json{4'096});
}

TEST_CASE("tables without rows have their columns") {
    const json file = json::parse(report::firefox::text({}));
    CHECK(file["threads"][0]["samples"]["stack"] == json::array());
    CHECK(file["threads"][0]["stackTable"]["length"] == 0);
    CHECK(file["threads"][0]["frameTable"]["func"] == json::array());
}

} // namespace firefox_tests
