// SPDX-License-Identifier: MIT
// Phase peaks against a script whose figures are worked out by hand.
//
//     phase        what it does                          delta     peak above the measurement's start
//     A            +60, held                               +60      60
//     B            +10, then -10                             0      60 + 10 = 70
//     C            +87, freed before its end                 0      60 + 87 = 147   <- the high-water mark
//     outer        +1 held by it                                    60 + 1 + 20 + 4 = 85
//       inner      1st entry: +20, -20; 2nd: +4 held        +4      81, then 65: 81
//         deep     in inner's 1st entry: +3 of the 20               60 + 1 + 17 + 3 = 81
//     again        three entries: +2 held, +5 -5, -2         0      65 + 2 + 5 = 72
//     (afterwards) A's 60 are freed; held at the end: 1 + 4 = 5
// in MiB, each block to the byte.
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>

#include <doctest/doctest.h>

#include <new>
#include <string>

namespace phase_peaks_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Script = phases<"A", "B", "C", phase<"outer", phase<"inner", "deep">>, "again">;
using Memory = profiler<Script, heap::counting<>>;

void* take(bytes size) { return ::operator new(static_cast<std::size_t>(size.count)); }
void give(void* block) { ::operator delete(block); }

} // namespace

TEST_CASE("the hand-computed script: every delta and peak to the byte") {
    Memory memory{"script"};
    void* held_by_a = nullptr;
    {
        auto phase = Memory::phase<"A">();
        held_by_a = take(60_MiB);
    }
    {
        auto phase = Memory::phase<"B">();
        give(take(10_MiB));
    }
    {
        auto phase = Memory::phase<"C">();
        give(take(87_MiB));
    }
    void* held_by_outer = nullptr;
    void* held_by_inner = nullptr;
    {
        auto outer = Memory::phase<"outer">();
        held_by_outer = take(1_MiB);
        {
            auto inner = Memory::phase<"inner">();
            void* const most = take(17_MiB);
            {
                auto deep = Memory::phase<"deep">();
                give(take(3_MiB));
            }
            give(most);
        }
        {
            auto inner = Memory::phase<"inner">();
            held_by_inner = take(4_MiB);
        }
        give(take(20_MiB)); // the parent's own peak, outside of its child: 60 + 1 + 4 + 20
    }
    void* held_by_again = nullptr;
    {
        auto again = Memory::phase<"again">();
        held_by_again = take(2_MiB);
    }
    {
        auto again = Memory::phase<"again">();
        give(take(5_MiB));
    }
    {
        auto again = Memory::phase<"again">();
        give(held_by_again);
    }
    give(held_by_a);
    const memory_report report = memory.finish();
    give(held_by_outer);
    give(held_by_inner);

    tests::check_invariants(report);
    const bytes start = *report.heap.start;
    struct expected {
        const char* path;
        std::uint64_t entries;
        bytes delta, peak, peak_delta, allocated, freed;
        std::uint64_t allocations, deallocations;
    };
    const expected all[] = {
        {"A", 1, 60_MiB, 60_MiB, 60_MiB, 60_MiB, 0_B, 1, 0},
        {"B", 1, 0_B, 70_MiB, 10_MiB, 10_MiB, 10_MiB, 1, 1},
        {"C", 1, 0_B, 147_MiB, 87_MiB, 87_MiB, 87_MiB, 1, 1},
        {"outer", 1, 5_MiB, 85_MiB, 25_MiB, 45_MiB, 40_MiB, 5, 3},
        {"outer/inner", 2, 4_MiB, 81_MiB, 20_MiB, 24_MiB, 20_MiB, 3, 2},
        {"outer/inner/deep", 1, 0_B, 81_MiB, 3_MiB, 3_MiB, 3_MiB, 1, 1},
        {"again", 3, 0_B, 72_MiB, 5_MiB, 7_MiB, 7_MiB, 2, 2},
    };
    for (const expected& each : all) {
        CAPTURE(each.path);
        const phase_report& phase = report.phase(each.path);
        CHECK(phase.entries == each.entries);
        CHECK(*phase.heap.delta == each.delta);
        CHECK(*phase.heap.peak - start == each.peak);
        CHECK(*phase.heap.peak_delta == each.peak_delta);
        CHECK(*phase.heap.allocated == each.allocated);
        CHECK(*phase.heap.freed == each.freed);
        CHECK(*phase.heap.allocations == each.allocations);
        CHECK(*phase.heap.deallocations == each.deallocations);
        CHECK(phase.heap.peak_precision == exact);
        CHECK(phase.heap.start.has_value() == (each.entries == 1)); // several entries have no one start
    }
    CHECK(*report.heap.delta == 5_MiB);
    CHECK(*report.heap.peak_delta == 147_MiB);

    // The spike's phase holds the high-water mark and is not the one with the largest delta.
    const phase_report* largest_delta = &report.phases.front();
    for (const auto& phase : report.phases)
        if (phase.heap.delta > largest_delta->heap.delta) largest_delta = &phase;
    CHECK(largest_delta->path == "A");
    const std::string shown = report::console::text(report);
    const std::string high_water = shown.substr(0, shown.find("<- the high-water mark"));
    CHECK(high_water.substr(high_water.rfind('\n') + 1).starts_with("  C "));
}

TEST_CASE("an exception closes the phases that it leaves, with their figures") {
    Memory memory{"throws"};
    void* held = nullptr;
    try {
        auto outer = Memory::phase<"outer">();
        auto inner = Memory::phase<"inner">();
        held = take(7_MiB);
        throw 1; // not an exception with a text: that would allocate
    } catch (int) {
    }
    {
        auto phase = Memory::phase<"B">(); // opens at the root: both are closed
        give(held);
    }
    const memory_report report = memory.finish();
    CHECK(*report.phase("outer").heap.delta == 7_MiB);
    CHECK(*report.phase("outer/inner").heap.delta == 7_MiB);
    CHECK(*report.phase("B").heap.delta == -7_MiB);
    CHECK(report.phase("A").entries == 0);
    CHECK_FALSE(report.phase("A").heap.delta);
    CHECK(report.notes.empty());
}

TEST_CASE("what lives before the baseline is in no delta and no peak above it") {
    // The same work with nothing and with 500 MiB live before the measurement.
    const auto figures = [](bytes fixture) {
        void* const before = take(fixture);
        Memory memory{"fixture"};
        {
            auto phase = Memory::phase<"A">();
            give(take(3_MiB));
        }
        memory_report report = memory.finish();
        give(before);
        return report;
    };
    const memory_report without = figures(0_B);
    const memory_report with = figures(500_MiB);
    CHECK(*with.heap.start - *without.heap.start == 500_MiB);
    CHECK(*with.heap.delta == *without.heap.delta);
    CHECK(*with.heap.peak_delta == *without.heap.peak_delta);
    CHECK(*with.phase("A").heap.peak_delta == *without.phase("A").heap.peak_delta);
    CHECK(*with.heap.peak_delta == 3_MiB);
}

} // namespace phase_peaks_tests
