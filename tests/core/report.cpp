// SPDX-License-Identifier: MIT
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace report_tests {

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

TEST_CASE("a phase by its path, or by a name that only one has; else an error with the phases there are") {
    memory_report report;
    for (const char* path : {"parsing", "parsing/parsing", "rendering", "rendering/markdown", "rendering/code", "code"})
        report.phases.push_back({.path = path});
    report.phases.push_back({.path = "writing/code"});
    CHECK(&report.phase("rendering/markdown") == &report.phases[3]);
    CHECK(&report.phase("markdown") == &report.phases[3]);
    CHECK(&report.phase("parsing") == &report.phases[0]); // the path before the name
    CHECK(&report.phase("code") == &report.phases[5]);
    CHECK(report.find_phase("rendering/code") == &report.phases[4]);
    report.phases[5].path = "linking";
    CHECK(report.find_phase("code") == nullptr);
    CHECK(report.find_phase("down") == nullptr);
    CHECK(report.find_phase("") == nullptr);
    CHECK_THROWS_WITH_AS(static_cast<void>(report.phase("code")),
                         "phase 'code': several phases have this name; it has parsing, parsing/parsing, rendering, "
                         "rendering/markdown, rendering/code, linking, writing/code",
                         usage_error);
    report.phases.resize(1);
    CHECK_THROWS_WITH_AS(static_cast<void>(report.phase("down")),
                         "phase 'down': the report has no such phase; it has parsing", usage_error);
    report.phases.clear();
    CHECK_THROWS_WITH_AS(static_cast<void>(report.phase("down")),
                         "phase 'down': the report has no such phase; it has none", usage_error);
}

} // namespace report_tests
