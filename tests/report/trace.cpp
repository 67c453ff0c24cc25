// SPDX-License-Identifier: MIT
#include "made_up_sites.hpp"

#include <peakscope/report/trace.hpp>

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <chrono>
#include <string>

namespace trace_tests {

using namespace peakscope;
using nlohmann::json;

namespace {

// The events of one kind, without what all of them have.
json events_of(const memory_report& report, const std::string& kind) {
    const json document = json::parse(report::trace::text(report));
    json found = json::array();
    for (json event : document["traceEvents"]) {
        if (event["ph"] != kind) continue;
        CHECK(event["pid"] == 1);
        for (const char* each : {"ph", "pid", "tid", "cat"})
            event.erase(each);
        found.push_back(event);
    }
    return found;
}

} // namespace

TEST_CASE("each entry of a phase is a slice in microseconds, the outer one first") {
    const json slices = events_of(tests::report_with_call_stacks(), "X");
    REQUIRE(slices.size() == 3);
    CHECK(slices[0]["name"] == "build");
    CHECK(slices[0]["ts"] == 1'000);
    CHECK(slices[0]["dur"] == 3'000);
    CHECK(slices[0]["args"] == json{{"entries", 1}, {"heap peak", 900}, {"heap delta", 40}, {"heap allocated", 1'300}});
    CHECK(slices[1]["name"] == "build/render");
    CHECK(slices[1]["ts"] == 1'000);
    CHECK(slices[1]["dur"] == 500);
    CHECK(slices[2]["ts"] == 1'600);
}

TEST_CASE("a slice that ends before it begins has no length") {
    memory_report report = tests::report_with_call_stacks();
    report.timeline.entries = {{0, std::chrono::nanoseconds{2'000}, std::chrono::nanoseconds::min()},
                               {1, std::chrono::nanoseconds::min(), std::chrono::nanoseconds{3'000}}};
    const json slices = events_of(report, "X");
    REQUIRE(slices.size() == 2);
    CHECK(slices[0]["ts"] == 0);
    CHECK(slices[0]["dur"] == 3);
    CHECK(slices[1]["ts"] == 2);
    CHECK(slices[1]["dur"] == 0);
}

TEST_CASE("heap and RSS are counters, where they were read") {
    CHECK(events_of(tests::report_with_call_stacks(), "C") ==
          json::parse(R"([{"name": "heap", "ts": 0, "args": {"bytes": 34}},
                          {"name": "RSS", "ts": 0, "args": {"bytes": 4096}},
                          {"name": "heap", "ts": 1000, "args": {"bytes": 500}},
                          {"name": "heap", "ts": 2500, "args": {"bytes": 1024}}])"));
}

TEST_CASE("peaks are marked at their times") {
    const json marks = events_of(tests::report_with_call_stacks(), "i");
    REQUIRE(marks.size() == 3);
    CHECK(marks[0] == json{{"name", "peak"}, {"s", "p"}, {"ts", 2'500}, {"args", {{"bytes", 1'024}}}});
    CHECK(marks[1] == json{{"name", "peak of build"}, {"s", "p"}, {"ts", 2'000}, {"args", {{"bytes", 900}}}});
    CHECK(marks[2]["name"] == "peak of build/render");
}

TEST_CASE("work of threads is in the slices of its phase, and what was left out is said") {
    memory_report report = tests::report_with_call_stacks();
    report.phases[0].work = work_figures{4, {}, {700}, {600}, 7, 6};
    const json document = json::parse(report::trace::text(report));
    CHECK(document["traceEvents"][2]["args"]["allocated by threads"] == 700);
    CHECK(document["traceEvents"][2]["args"]["freed by threads"] == 600);
    CHECK(document["traceEvents"][2]["args"]["scopes on threads"] == 4);
    CHECK(document["otherData"]["entries left out"] == 3);
    CHECK(document["otherData"]["notes"] == json{"a note"});
    CHECK(document["otherData"]["heap precision"] == "exact");
}

} // namespace trace_tests
