// SPDX-License-Identifier: MIT
#include "made_up.hpp"
#include "made_up_sites.hpp"

#include <peakscope/core/error.hpp>
#include <peakscope/report/folded.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <sstream>

namespace folded_tests {

using namespace peakscope;
using report::folded;
using report::site_figure;

TEST_CASE("a line a stack, the outermost function first, with what it held at the peak") {
    const memory_report report = tests::report_with_call_stacks();
    const char* const expected = "(allocated before the measurement) 24\n"
                                 "main;0x3000 400\n"
                                 "main;render;make_page 600\n";
    CHECK(folded::text(report) == expected);
    std::ostringstream stream;
    folded{stream}(report);
    CHECK(stream.str() == expected);
}

TEST_CASE("another figure, of which stacks that shrank have no line, or one phase") {
    const memory_report report = tests::report_with_call_stacks();
    CHECK(folded::text(report, {site_figure::live}) == "main;render;make_page 100\n");
    CHECK(folded::text(report, {site_figure::allocated}) == "main;0x3000 300\nmain;render;make_page 1000\n");
    CHECK(folded::text(report, {site_figure::at_peak, "build/render"}) == "main;render;make_page 550\n");
    CHECK(folded::text(report, {site_figure::at_peak, "idle"}).empty());
    CHECK_THROWS_AS((void)folded::text(report, {site_figure::at_peak, "painting"}), usage_error);
}

TEST_CASE("stacks of the same functions are one line, and no name ends where it should not") {
    memory_report report = tests::report_with_call_stacks();
    report.sites.resize(2);
    report.sites[0].stack = {{"f;g\nh", "a.cpp", 1}, {"", "b.cpp", 2}};
    report.sites[1].stack = {{"f;g\nh", "a.cpp", 9}, {"", "b.cpp", 2}};
    CHECK(folded::text(report) == "b.cpp:2;f:g h 1000\n");
}

TEST_CASE("a sum stops at the end of its range") {
    memory_report report = tests::report_with_call_stacks();
    report.sites.resize(2);
    for (site_report& each : report.sites) {
        each.stack = {{"f", "a.cpp", 1}};
        each.amounts.at_peak_bytes = bytes{INT64_MAX};
    }
    CHECK(folded::text(report) == "f 9223372036854775807\n");
}

TEST_CASE("a source that tells no sites apart has one line") {
    CHECK(folded::text(tests::made_up_report()) == "(not told apart by call stack) 97517568\n"); // 93 MiB
    CHECK(folded::text({}).empty());
}

} // namespace folded_tests
