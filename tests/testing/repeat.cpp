// SPDX-License-Identifier: MIT
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/procfs.hpp>
#include <peakscope/testing/repeat.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace repeat_tests {

using namespace peakscope;
using namespace peakscope::literals;
using testing::repetitions;

namespace {

using Memory = profiler<phases<"work">, heap::counting<>, rss::procfs>;

void fill(std::size_t size_bytes) {
    const std::unique_ptr<char[]> block{new char[size_bytes]};
    for (std::size_t i = 0; i < size_bytes; i += 512)
        const_cast<volatile char*>(block.get())[i] = 1;
}

memory_report measured() {
    Memory memory{"measured"};
    {
        auto phase = Memory::phase<"work">();
        fill(3 << 20);
    }
    return memory.finish({"page", 3});
}

std::string reason_of(repetitions runs) {
    REQUIRE(runs.reports.empty());
    REQUIRE(runs.failures.size() == 1);
    CHECK(runs.failures[0].number == 1);
    return runs.failures[0].reason;
}

} // namespace

TEST_CASE("every repetition has the same clean baseline, and its whole report comes back") {
    static std::vector<int> grows; // in each child anew
    const repetitions runs = testing::repeat(12, [] {
        grows.resize(grows.size() + 1'000'000, 1);
        return measured();
    });
    CHECK(runs.failures.empty());
    REQUIRE(runs.reports.size() == 12);
    CHECK(grows.empty());
    for (const memory_report& each : runs.reports) {
        CHECK(each.title == "measured");
        CHECK(each.heap == runs.reports[0].heap);
        CHECK(each.phase("work").heap.peak_delta == 3_MiB);
        CHECK(each.items == item_count{"page", 3});
    }
    const testing::summary heap = runs.of(testing::figures::heap_peak);
    CHECK(heap.count == 12);
    CHECK(heap.median == 3 << 20);
    CHECK(heap.spread == 0);
    CHECK(heap.mad == 0);
    CHECK(heap.confidence.low == 3 << 20);
    CHECK(heap.confidence.high == 3 << 20);
    // As far as the kernel's counters can be trusted.
    const auto bound = static_cast<double>(runs.reports[0].rss.peak_precision.bound.count);
    CHECK(runs.of(testing::figures::rss_peak).median + bound >= 3 << 20);
    CHECK(runs.text().starts_with("12 repetitions\n  heap delta  median 0 B [0 B, 0 B], MAD 0 B, ±0.00 %\n"
                                  "  heap peak  median 3.00 MiB [3.00 MiB, 3.00 MiB], MAD 0 B, ±0.00 %\n  RSS delta"));
}

TEST_CASE("a child that does not come through is a failure with its reason, and the others go on") {
    CHECK(reason_of(testing::repeat(1, []() -> memory_report { throw std::runtime_error("no pages"); })) ==
          "it threw: no pages");
    CHECK(reason_of(testing::repeat(1, []() -> memory_report { throw 7; })) ==
          "it threw: an exception that is no std::exception");
    CHECK(reason_of(testing::repeat(1, []() -> memory_report { std::_Exit(3); })) == "it exited with status 3");
    CHECK(reason_of(testing::repeat(1, []() -> memory_report { std::_Exit(0); })) == "it exited before it was done");
    CHECK(reason_of(testing::repeat(1, []() -> memory_report { std::abort(); })) ==
          "it was killed by signal 6 (Aborted)");
    CHECK(reason_of(testing::repeat(1, []() -> memory_report {
              ::kill(::getpid(), SIGKILL);
              for (;;)
                  ::pause();
          })) == "it was killed by signal 9 (Killed); the system may have been out of memory");
    CHECK(reason_of(testing::repeat(1,
                                    []() -> memory_report {
                                        for (;;)
                                            ::pause();
                                    },
                                    {.time = std::chrono::milliseconds{100}})) ==
          "it took longer than 100 ms and was killed");
    // In every second child.
    const repetitions some = testing::repeat(6, [] {
        if (::getpid() % 2 == 0) throw std::runtime_error("even");
        return measured();
    });
    CHECK(some.reports.size() + some.failures.size() == 6);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
TEST_CASE("a child may be told how much address space it has") {
    CHECK(reason_of(testing::repeat(1,
                                    [] {
                                        fill(std::size_t{2} << 30U);
                                        return measured();
                                    },
                                    {.address_space = 1_GiB})) ==
          "it threw: std::bad_alloc (address space limited to 1.00 GiB)");
}
#endif
#endif

TEST_CASE("alone, it is a report or an exception") {
    CHECK(testing::isolated(measured).heap.peak_delta == 3_MiB);
    const auto fails = []() -> memory_report { throw std::runtime_error("no pages"); };
    CHECK_THROWS_WITH_AS(static_cast<void>(testing::isolated(fails)),
                         "the isolated measurement failed: it threw: no pages", error);
}

TEST_CASE("in this process: each has a baseline, and sees what the one before has left") {
    static std::vector<int> grows;
    int runs_made = 0;
    const repetitions runs = testing::repeat_in_process(5, [&] {
        grows.resize(grows.size() + 1'000, 1);
        if (++runs_made == 3) throw std::runtime_error("third");
        return measured();
    });
    CHECK(grows.size() == 5'000);
    CHECK(runs.reports.size() == 4);
    REQUIRE(runs.failures.size() == 1);
    CHECK(runs.failures[0].number == 3);
    CHECK(runs.of(testing::figures::heap_peak).spread == 0);
}

TEST_CASE("a figure is any function of a report, with what it holds") {
    repetitions runs;
    runs.reports.resize(3);
    for (std::size_t i = 0; i < 3; ++i)
        runs.reports[i].phases.push_back({.path = "work", .entries = i});
    const auto entries = [path = std::string{"work"}](const memory_report& of) {
        return std::optional{static_cast<double>(of.phase(path).entries)};
    };
    testing::figure wanted = testing::figures::heap_peak;
    const testing::figure also_wanted = wanted = entries;
    CHECK(runs.of(wanted).maximum == 2);
    CHECK(runs.of(also_wanted).median == 1);
    CHECK_FALSE(static_cast<bool>(testing::figure{}));
}

TEST_CASE("a figure that is not available is no figure") {
    using NoRss = profiler<phases<>, heap::counting<>>;
    const repetitions runs = testing::repeat(2, [] { return NoRss{"no RSS"}.finish(); });
    CHECK_THROWS_AS(static_cast<void>(runs.of(testing::figures::rss_peak)), usage_error);
    CHECK_THROWS_AS(static_cast<void>(repetitions{}.of(testing::figures::heap_peak)), usage_error);
    CHECK(runs.text().find("RSS") == std::string::npos);
}

} // namespace repeat_tests
