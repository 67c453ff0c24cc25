// SPDX-License-Identifier: MIT
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace peakscope;
using namespace peakscope::literals;

TEST_CASE("a report is plain data: copied, compared, ordered") {
    memory_report first;
    first.title = "first";
    first.heap.peak = 5_B;
    first.phases.push_back({.path = "parsing", .entries = 1});
    memory_report second = first;
    CHECK(first == second);
    second.phases.front().heap.delta = 1_B;
    CHECK(first != second);
    CHECK(first < second); // nothing known sorts before a figure
    CHECK(std::set<memory_report>{first, second, first}.size() == 2);
}

TEST_CASE("what was never measured is unavailable, not zero") {
    const memory_report empty;
    CHECK_FALSE(empty.heap.peak.has_value());
    CHECK_FALSE(empty.rss.delta.has_value());
    CHECK(empty.heap.totals_precision == unavailable);
    CHECK(empty.rss.peak_precision == unavailable);
}

TEST_CASE("every error of the library is a peakscope::error and says where a report could not go") {
    const write_error error{"'out.json'", "No space left on device"};
    CHECK(std::string{error.what()} == "cannot write the report to 'out.json': No space left on device");
    CHECK(error.destination() == "'out.json'");
    static_assert(std::is_base_of_v<peakscope::error, write_error>);
    static_assert(std::is_base_of_v<peakscope::error, usage_error>);
    static_assert(std::is_base_of_v<peakscope::error, source_error>);
    static_assert(std::is_base_of_v<std::runtime_error, peakscope::error>);
}
