// SPDX-License-Identifier: MIT
#include "../report/made_up.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/tee.hpp>
#include <peakscope/rss/procfs.hpp>
#include <peakscope/testing/budget.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace budget_tests {

using namespace peakscope;
using namespace peakscope::literals;
using testing::budget;
using testing::limits;

namespace {

std::vector<std::string> messages(const memory_report& report, const budget& of) {
    std::vector<std::string> all;
    for (const testing::violation& each : testing::check(report, of))
        all.push_back(each.message);
    return all;
}

memory_report with_sites() {
    memory_report report = tests::made_up_report();
    const auto site = [&](const char* file, std::uint32_t line, const char* function, std::int64_t at_peak) {
        report.sites.push_back({function, file, line, {{at_peak / 2}, 1, {at_peak}, 2, {}, {at_peak}, 7}, {}});
    };
    site("a.cpp", 1, "one(int)", 40 << 20);
    site("b.cpp", 2, "two", 10 << 20);
    site("b.cpp", 2, "two", 20 << 20); // another stack to the same line
    site("c.cpp", 3, "three", 5 << 20);
    site("d.cpp", 4, "four", 1 << 20);
    report.phases[1].sites.push_back({4, report.sites[4].amounts});
    return report;
}

} // namespace

TEST_CASE("a limit that is kept to the byte is kept, and one byte less is broken") {
    const memory_report report = tests::made_up_report();
    CHECK(
        messages(report, {.whole = {.heap_delta = 48_MiB, .heap_peak = 92_MiB, .rss_peak = 171_MiB, .allocations = 12}})
            .empty());
    const auto broken = testing::check(report, {.whole = {.heap_peak = 92_MiB - 1_B}});
    REQUIRE(broken.size() == 1);
    CHECK(broken[0].what == "heap peak");
    CHECK(broken[0].limit == (92 << 20) - 1);
    CHECK(broken[0].actual == 92 << 20);
    CHECK(broken[0].of_actual == exact);
    CHECK(broken[0].message ==
          "heap peak: 92.0 MiB (96,468,992 B), limit 92.0 MiB (96,468,991 B): 1 B, 0.0 %, too much (exact)");
}

TEST_CASE("the message: what, limit, actual, by how much, precision, and the top three sites at that peak") {
    CHECK(messages(with_sites(), {.whole = {.heap_peak = 80_MiB}}) ==
          std::vector<std::string>{
              "heap peak: 92.0 MiB (96,468,992 B), limit 80.0 MiB (83,886,080 B): 12.0 MiB (12,582,912 B), 15.0 %, too "
              "much (exact)\n"
              "  the most of the heap at that peak:\n"
              "    40.0 MiB  a.cpp:1  one\n"
              "    30.0 MiB  b.cpp:2  two\n"
              "    5.00 MiB  c.cpp:3  three"});
    CHECK(
        messages(with_sites(), {.phases = {{"rendering", {.rss_peak_delta = 1_MiB}}}}) ==
        std::vector<std::string>{
            "RSS peak above its start of phase 'rendering': 156 MiB (163,577,856 B), limit 1.00 MiB (1,048,576 B): 155 "
            "MiB (162,529,280 B), 15500.0 %, too much (within 768 KiB)\n"
            "  the most of the heap at that peak:\n"
            "    1.00 MiB  d.cpp:4  four"});
    CHECK(messages(with_sites(), {.whole = {.leaked_blocks = 0}}) ==
          std::vector<std::string>{"leaked blocks: 7, limit 0: 7 too much (exact)\n"
                                   "  the most:\n"
                                   "    2  b.cpp:2  two\n"
                                   "    1  a.cpp:1  one\n"
                                   "    1  c.cpp:3  three"});
}

TEST_CASE("phases: by path or by name, above the measurement's start or their own") {
    const memory_report report = tests::made_up_report();
    CHECK(messages(report, {.phases = {{"markdown", {.heap_peak = 59_MiB, .heap_peak_delta = 47_MiB}}}}).empty());
    CHECK(messages(report, {.phases = {{"rendering/markdown", {.heap_peak = 58_MiB, .heap_peak_delta = 46_MiB}}}})
              .size() == 2);
}

TEST_CASE("limits by name are copied with their budget, by any kind of string, and can be set one by one") {
    const memory_report report = tests::made_up_report();
    budget first;
    first.phases[std::string{"markdown"}].heap_peak = 59_MiB;
    first.phases["markdown"].heap_peak_delta = 46_MiB;
    budget second = first;
    second.phases["markdown"].heap_peak_delta = 47_MiB;
    CHECK(messages(report, first).size() == 1);
    CHECK(messages(report, second).empty());
    first = second;
    CHECK(messages(report, first).empty());
    first = budget{.phases = {{std::string{"discovery"}, {.heap_peak = 1_B}}, {"rendering", {.heap_peak = 1_B}}}};
    CHECK(messages(report, first).size() == 2);
    CHECK(messages(report, second).empty());
}

TEST_CASE("per item: the whole is compared with the limit times the items") {
    const memory_report report = tests::made_up_report(); // 100 pages, 48 MiB
    CHECK(messages(report, {.per_item = {.heap_delta = 503'316_B}}).size() == 1);
    CHECK(messages(report, {.per_item = {.heap_delta = 503'316_B}})[0].starts_with("heap delta per page: "));
    CHECK(messages(report, {.per_item = {.heap_delta = 503'317_B}}).empty());
    memory_report without = report;
    without.items.reset();
    CHECK(messages(without, {.per_item = {.heap_delta = 1_GiB}}) ==
          std::vector<std::string>{"the limits per item: finish() was told no items"});
}

TEST_CASE("figures, limits and items at the ends of their range") {
    memory_report report = tests::made_up_report();
    report.items->count = UINT64_MAX;
    CHECK(messages(report, {.per_item = {.heap_delta = 1_B, .allocations = 1}}).empty());
    CHECK(messages(report, {.per_item = {.heap_delta = 0_B}})[0] ==
          "heap delta per page: 1 B, limit 0 B: 1 B too much (exact)");
    report.heap.delta = bytes{INT64_MIN};
    CHECK(messages(report, {.per_item = {.heap_delta = 0_B}}).empty());
    report.heap.delta = bytes{INT64_MAX};
    CHECK(messages(report, {.whole = {.heap_delta = bytes{INT64_MAX}}}).empty());
    const auto broken = testing::check(report, {.whole = {.heap_delta = bytes{-2'048}}});
    REQUIRE(broken.size() == 1);
    CHECK(broken[0].actual == INT64_MAX);
    CHECK(broken[0].message == "heap delta: 8.00 EiB (9,223,372,036,854,775,807 B), limit -2.00 KiB (-2,048 B): 8.00 "
                               "EiB (9,223,372,036,854,775,807 B) too much (exact)");
    report.heap.allocations = UINT64_MAX;
    CHECK(messages(report, {.whole = {.allocations = UINT64_MAX}}).empty());
    CHECK(messages(report, {.whole = {.allocations = 1}})[0].starts_with("allocations: 9,223,372,036,854,775,807, "));
}

TEST_CASE("what was allocated before the measurement is not named for a limit that is broken in it") {
    memory_report report = with_sites();
    report.sites.push_back({site_report::from_before, "", 0, {.at_peak_bytes = 80_MiB, .at_peak_blocks = 2}, {}});
    report.phases[1].sites.push_back({report.sites.size() - 1, report.sites.back().amounts});
    CHECK(messages(report, {.whole = {.heap_peak = 1_B}})[0].ends_with("\n  the most of the heap at that peak:\n"
                                                                       "    40.0 MiB  a.cpp:1  one\n"
                                                                       "    30.0 MiB  b.cpp:2  two\n"
                                                                       "    5.00 MiB  c.cpp:3  three"));
    CHECK(messages(report, {.phases = {{"rendering", {.heap_peak = 1_B}}}})[0].ends_with(
        "\n  the most of the heap at that peak:\n    1.00 MiB  d.cpp:4  four"));
}

TEST_CASE("a budget on what is not known is broken, and says why") {
    memory_report report = tests::made_up_report();
    report.labels.push_back({"plugin", {10}, 2, {4}, {8}, {7}});
    report.heap.peak.reset();
    report.heap.peak_delta.reset();
    report.heap.peak_precision = unavailable;
    CHECK(
        messages(report, {.whole = {.heap_peak = 1_GiB}}) ==
        std::vector<std::string>{"heap peak: n/a, so a limit of 1.00 GiB (1,073,741,824 B) cannot be checked: the heap "
                                 "source 'counting' does not report it"});
    CHECK(messages(report, {.phases = {{"postprocess", {.heap_peak = 1_GiB}}}}) ==
          std::vector<std::string>{"the limits of phase 'postprocess': it was never entered"});
    CHECK(messages(report, {.phases = {{"printing", {.heap_peak = 1_GiB}}}})[0] ==
          "the limits of phase 'printing': the report has no such phase; it has discovery, rendering, "
          "rendering/markdown, rendering/template, postprocess");
    CHECK(messages(report, {.labels = {{"nobody", {.heap_peak = 1_GiB}}}}).size() == 1);
    CHECK(messages(report, {.labels = {{"plugin", {.heap_peak = 8_B, .allocated = 10_B, .allocations = 2}}}}).empty());
    CHECK(messages(report, {.labels = {{"plugin", {.heap_peak = 7_B, .rss_peak = 1_GiB}}}}).size() == 2);
    CHECK_THROWS_AS(testing::require(report, {.whole = {.heap_peak = 1_GiB}}), testing::budget_error);
    CHECK_NOTHROW(testing::require(report, {.whole = {.heap_delta = 1_GiB}}));
}

namespace {

using Phases = phases<"quiet", phase<"loud", "spike">>;
using Limits = testing::budget_for<Phases, testing::heap_delta<0_B>, testing::leaked_blocks<0>,
                                   testing::in_phase<"spike", testing::heap_peak<1_MiB>, testing::allocations<1>>,
                                   testing::for_label<"plugin", testing::heap_peak<2_MiB>>,
                                   testing::per_item<testing::heap_peak<1_MiB>>>;
using Memory = profiler<Phases, heap::counting<>, rss::procfs, testing::enforce<Limits>>;

void build(std::size_t spike_bytes) {
    Memory memory{"budget"};
    {
        auto loud = Memory::phase<"loud">();
        auto spike = Memory::phase<"spike">();
        auto label = Memory::label("plugin");
        const std::unique_ptr<char[]> block{new char[spike_bytes]};
        static_cast<volatile char*>(block.get())[0] = 1;
    }
    memory.report({"page", 2});
}

} // namespace

TEST_CASE("as a type, enforced by finish") {
    CHECK_NOTHROW(build(1 << 20));
    std::string message;
    try {
        build((2 << 20) + 1);
    } catch (const testing::budget_error& broken) {
        message = broken.what();
        CHECK(broken.violations().size() == 3);
    }
    CHECK(message.find("heap peak of phase 'loud/spike': 2.00 MiB (2,097,153 B), limit 1.00 MiB") != std::string::npos);
    CHECK(message.find("\nheap peak of label 'plugin': ") != std::string::npos);
    CHECK(message.find("\nheap peak per page: 1.00 MiB (1,048,577 B), limit") != std::string::npos);
    CHECK_NOTHROW(build(1 << 20)); // the one that threw is over
}

TEST_CASE("on the report of one container") {
    using Container = profiler<phases<>, heap::resource>;
    Container memory{"container"};
    {
        std::pmr::vector<int> numbers{&memory.heap()};
        numbers.reserve(1'000);
    }
    const memory_report report = memory.finish();
    CHECK(testing::check(report, {.whole = {.heap_peak = 4'000_B, .allocations = 1, .leaked_blocks = 0}}).empty());
    CHECK(testing::check(report, {.whole = {.heap_peak = 3'999_B}}).size() == 1);
}

} // namespace budget_tests
