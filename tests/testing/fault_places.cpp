// SPDX-License-Identifier: MIT
// What a failing allocation is said of, without optimisation, where a dozen of the standard library's functions lie
// between the program's line and operator new.
#include "noexcept_library.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>
#include <peakscope/testing/faults.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace fault_places_tests {

using namespace peakscope;
using testing::fail_each_allocation;
using testing::fault_kind;
using testing::fault_report;

namespace {

using Heap = heap::counting<sites::unwind<8>>;

struct page {
    std::map<std::string, std::vector<int>> tags;
};

constexpr int first_line = __LINE__ + 2;
void forgets(const std::string& title) {
    page* const made = new page;
    made->tags[title].push_back(1);
    made->tags[std::string(200, 't')].push_back(2);
    delete made;
}

void grows(std::string& text) noexcept { text.append(200, 'x'); }

std::string line(int number) { return "fault_places.cpp:" + std::to_string(number) + "  "; }

} // namespace

TEST_CASE("at -O0 each failure is shown at the program's own line, and a leak is one row with all of its failures") {
    const std::string title(100, 't');
    const fault_report report = fail_each_allocation<Heap>([&] { forgets(title); });
    // 1: the page. 2 and 3: the first node and its text; 4: its number. 5: the other text; 6: the second node, which
    // takes it over; 7: its number.
    CHECK(report.attempts == 7);
    REQUIRE(report.findings.size() == 3);
    const std::size_t numbers[] = {2, 4, 7}; // from when on something of that line is lost
    const std::size_t times[] = {6, 4, 1};
    for (int row = 0; row < 3; ++row) {
        const testing::fault_finding& found = report.findings[static_cast<std::size_t>(row)];
        CHECK(found.kind == fault_kind::leaked);
        CHECK(found.number == numbers[row]);
        CHECK(found.times == times[row]);
        CHECK(found.detail.find(", allocated at ") != std::string::npos);
        CHECK(found.detail.find(line(first_line + row)) != std::string::npos);
    }
    CHECK(report.findings[0].detail.starts_with("48 B"));
    CHECK(report.findings[0].place.find(line(first_line + 1)) != std::string::npos);
    CHECK(report.findings[1].place.find(line(first_line + 1)) != std::string::npos);
    CHECK(report.findings[2].place.find(line(first_line + 2)) != std::string::npos);
    const std::string text = report.text();
    CHECK(text.find("leaked when allocation 2 failed and 5 more times, at ") != std::string::npos);
    const fault_report in_children = fail_each_allocation<Heap>([&] { forgets(title); }, {.isolated = true});
    CHECK(in_children.text() == text);
}

TEST_CASE("a crash because an exception cannot leave a noexcept function is named as that") {
    const auto work = [] {
        std::string text;
        grows(text);
    };
    const fault_report report = fail_each_allocation<Heap>(work, {.isolated = true});
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].kind == fault_kind::crashed);
    CHECK(report.findings[0].place.find("grows") != std::string::npos);
#if !defined(__clang__) // whose own functions look as if they caught everything
    const std::string& detail = report.findings[0].detail;
    CHECK(detail.find("(Aborted): std::bad_alloc cannot leave a noexcept function, ") != std::string::npos);
    CHECK(detail.find("grows") != std::string::npos);
#endif
}

TEST_CASE("so is one in a library's noexcept function, at the program's line that called it") {
    constexpr int called_in = __LINE__ + 3;
    const auto work = [] {
        std::string text;
        library_appends(text);
    };
    const fault_report report = fail_each_allocation<Heap>(work, {.isolated = true});
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].kind == fault_kind::crashed);
    CHECK(report.findings[0].place.find(line(called_in)) != std::string::npos);
#if !defined(__clang__)
    const std::string& detail = report.findings[0].detail;
    CHECK(detail.find("cannot leave a noexcept function of a library, ") != std::string::npos);
    CHECK(detail.find("library_appends") != std::string::npos);
#endif
}

} // namespace fault_places_tests
