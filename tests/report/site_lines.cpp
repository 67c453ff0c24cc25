// SPDX-License-Identifier: MIT
// Which sites are one line of a report, and what it is called.
#include <peakscope/core/report.hpp>
#include <peakscope/report/site_lines.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <string>

namespace site_lines_tests {

using namespace peakscope;

namespace {

site_report site(const std::string& function, const std::string& file, std::uint32_t line, std::int64_t delta) {
    return {function, file, line, {.delta_bytes = {delta}}, {}};
}

std::map<std::string, std::int64_t> lines_of(const memory_report& report) {
    std::map<std::string, std::int64_t> all;
    for (const report::site_line& each : report::site_lines(report)) {
        CHECK(all.count(each.place) == 0);
        all[each.place] = each.amounts.delta_bytes.count;
    }
    return all;
}

using lines = std::map<std::string, std::int64_t>;

} // namespace

TEST_CASE("several stacks lead to one line") {
    memory_report report;
    report.sites = {site("page(int)", "a.cpp", 5, 100), site("page(int)", "a.cpp", 5, 20),
                    site("page(int)", "a.cpp", 6, 3)};
    CHECK(lines_of(report) == lines{{"a.cpp:5  page", 120}, {"a.cpp:6  page", 3}});
}

TEST_CASE("two instantiations of a template are two lines, and a function is not called by its return type") {
    memory_report report;
    report.sites = {site("slab<(kind)1>::alloc(unsigned long)", "slab.hpp", 7, 5'000),
                    site("slab<(kind)0>::alloc(unsigned long)", "slab.hpp", 7, 3'000),
                    site("std::__cxx11::basic_string<char> text<int>(int)", "text.hpp", 9, 1'000)};
    CHECK(lines_of(report) == lines{{"slab.hpp:7  slab<(kind)1>::alloc", 5'000},
                                    {"slab.hpp:7  slab<(kind)0>::alloc", 3'000},
                                    {"text.hpp:9  text<int>", 1'000}});
}

TEST_CASE("what is cut for display makes no two functions one: they have their arguments, or numbers") {
    memory_report report;
    report.sites = {site("make(int)::{lambda(int)#1}::operator()(int) const", "a.cpp", 5, 1),
                    site("make(int)::{lambda(char)#2}::operator()(char) const", "a.cpp", 5, 20)};
    const std::string half(60, 'x');
    report.sites.push_back(site("f<" + half + "1" + half + ">()", "a.cpp", 6, 300));
    report.sites.push_back(site("f<" + half + "2" + half + ">()", "a.cpp", 6, 4'000));
    const std::string cut = "a.cpp:6  f<" + std::string(27, 'x') + "…" + std::string(29, 'x') + ">";
    const lines wanted{{"a.cpp:5  make(int)::{lambda(int)#1}::operator()(int) const", 1},
                       {"a.cpp:5  make(int)::{lambda(char)#2}::operator()(char) const", 20},
                       {cut + " #1", 300},
                       {cut + " #2", 4'000}};
    CHECK(lines_of(report) == wanted);
    // A phase calls them what the whole calls them, also where it has but one of them.
    report.phases.resize(1);
    report.phases[0].sites = {{3, {.delta_bytes = {7}}}};
    const auto in_phase = report::site_lines(report, report.phases[0]);
    REQUIRE(in_phase.size() == 1);
    CHECK(in_phase[0].place == cut + " #2");
}

TEST_CASE("one header that is reached by two relative paths is one line, by the shorter one") {
    memory_report report;
    report.sites = {site("get(int)", "../../include/get.hpp", 4, 1), site("get(int)", "../include/get.hpp", 4, 20),
                    site("get(int)", "other/include/get.hpp", 4, 300),
                    site("set(int)", "../../include/get.hpp", 9, 4'000)};
    CHECK(lines_of(report) == lines{{"../include/get.hpp:4  get", 21},
                                    {"other/include/get.hpp:4  get", 300},
                                    {"../../include/get.hpp:9  set", 4'000}});
}

} // namespace site_lines_tests
