// SPDX-License-Identifier: MIT
// Phases in wrong places: the program goes on, all that happens is counted once, and the report says what was wrong.
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <csetjmp>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace goes_on_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Build = phases<"parsing", phase<"rendering", "markdown">>;
using Memory = profiler<Build, heap::counting<>>;
using notes = std::vector<std::string>;

// Of "rendering" and "markdown", which nobody closes, and "parsing" opened in them.
const notes left_open_with_parsing_inside{
    "phases: phase 'parsing' was opened once where it does not lie, first in phase 'rendering/markdown'; it was "
    "counted "
    "there and as work",
    "phases: phase 'rendering' was open when the measurement finished; it was closed then",
    "phases: phase 'rendering/markdown' was open when the measurement finished; it was closed then"};

void allocate(bytes size) { ::operator delete(::operator new(static_cast<std::size_t>(size.count))); }

bytes born_at_peak(const memory_report& report, std::string_view phase) {
    const auto found = std::ranges::find(report.births, phase);
    return report.measurement_births->at_peak[static_cast<std::size_t>(found - report.births.begin())];
}

} // namespace

TEST_CASE("a phase inside another one than its own is counted there, and as work") {
    Memory memory{"misplaced"};
    {
        auto parsing = Memory::phase<"parsing">();
        for (int i = 0; i < 2; ++i) {
            auto markdown = Memory::phase<"markdown">();
            allocate(1_MiB);
        }
        allocate(500_KiB);
    }
    auto markdown = Memory::phase<"markdown">(); // now in no phase at all
    allocate(4_MiB);
    markdown.close();
    markdown.close(); // a second time is nothing
    {
        auto rendering = Memory::phase<"rendering">();
        auto in_its_place = Memory::phase<"markdown">();
        allocate(7_KiB);
    }
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.phase("parsing").entries == 1);
    CHECK(report.phase("parsing").heap.allocated == 2_MiB + 500_KiB);
    CHECK(report.phase("parsing").heap.peak_delta == 1_MiB);
    const phase_report& child = report.phase("rendering/markdown");
    CHECK(child.entries == 1);
    CHECK(child.heap.allocated == 7_KiB);
    REQUIRE(child.work);
    CHECK(child.work->entries == 3);
    CHECK(child.work->allocated == 6_MiB);
    CHECK(child.work->freed == 6_MiB);
    CHECK(report.phase("rendering").work->allocated == 6_MiB);
    CHECK(report.heap.allocated == 6_MiB + 507_KiB);
    CHECK(born_at_peak(report, "rendering/markdown") == 4_MiB);
    CHECK(report.notes == notes{"phases: phase 'rendering/markdown' was opened 3 times where it does not lie, first in "
                                "phase 'parsing'; it was counted there and as work"});
}

TEST_CASE("a phase inside itself is open already, and what lies in it has its place") {
    Memory memory{"recursion"};
    {
        auto rendering = Memory::phase<"rendering">();
        allocate(1_KiB);
        {
            auto again = Memory::phase<"rendering">();
            allocate(10_KiB);
            {
                auto and_again = Memory::phase<"rendering">();
                auto markdown = Memory::phase<"markdown">();
                allocate(100_KiB);
                auto inside_its_child = Memory::phase<"rendering">();
                allocate(1_MiB);
            }
        }
        allocate(2_KiB);
    }
    allocate(20_MiB); // in no phase
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.phase("rendering").entries == 1);
    CHECK(report.phase("rendering").heap.allocated == 1_MiB + 113_KiB);
    CHECK_FALSE(report.phase("rendering").work);
    CHECK(report.phase("rendering/markdown").entries == 1);
    CHECK(report.phase("rendering/markdown").heap.allocated == 1_MiB + 100_KiB);
    CHECK(report.notes == notes{"phases: phase 'rendering' was opened 3 times inside itself; it was open already"});
}

TEST_CASE("a phase on another thread is that thread's work") {
    Memory memory{"threads"};
    {
        auto rendering = Memory::phase<"rendering">();
        std::thread{[] {
            auto parsing = Memory::phase<"parsing">();
            allocate(3_MiB);
            auto inner = Memory::phase<"rendering">();
            allocate(5_MiB);
        }}.join();
    }
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.phase("parsing").entries == 0);
    CHECK(report.phase("parsing").work->entries == 1);
    CHECK(report.phase("parsing").work->allocated == 3_MiB);
    CHECK(report.phase("rendering").entries == 1);
    CHECK(*report.phase("rendering").heap.allocated >= 8_MiB); // and the thread's own
    CHECK(report.phase("rendering").work->allocated == 5_MiB);
    CHECK(report.notes ==
          notes{"phases: phase 'parsing' was opened once on another thread than the measurement's; that is work",
                "phases: phase 'rendering' was opened once on another thread than the measurement's; that is work"});
    Memory next{"next"};
    CHECK(next.finish().notes.empty());
}

TEST_CASE("threads that open phases while measurements come and go") {
    std::atomic<bool> done{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            while (!done.load()) {
                auto parsing = Memory::phase<"parsing">();
                allocate(1_KiB);
            }
        });
    std::uint64_t entries = 0;
    for (int i = 0; i < 100 || (entries == 0 && i < 1'000'000); ++i) {
        Memory memory{"one of many"};
        auto rendering = Memory::phase<"rendering">();
        allocate(1_MiB);
        rendering.close();
        const memory_report report = memory.finish();
        tests::check_invariants(report);
        CHECK(report.phase("rendering").entries == 1);
        CHECK(*report.phase("rendering").heap.allocated >= 1_MiB);
        CHECK(report.phase("parsing").entries == 0);
        if (const auto& work = report.phase("parsing").work) entries += work->entries;
    }
    done = true;
    for (std::thread& each : threads)
        each.join();
    CHECK(entries > 0);
}

TEST_CASE("phases that are open when their measurement finishes are closed, and their scopes do nothing any more") {
    struct left_open {
        phase_scope rendering = Memory::phase<"rendering">();
        phase_scope markdown = Memory::phase<"markdown">();
        phase_scope misplaced = Memory::phase<"parsing">();
    };
    Memory memory{"open"};
    auto scopes = std::make_unique<left_open>();
    allocate(1_MiB);
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.phase("rendering").entries == 1);
    CHECK(report.phase("rendering/markdown").heap.allocated == 1_MiB);
    CHECK(report.phase("parsing").work->allocated == 1_MiB);
    CHECK(report.notes == left_open_with_parsing_inside);
    Memory next{"next"};
    {
        auto parsing = Memory::phase<"parsing">();
        scopes.reset();
        allocate(3_KiB);
    }
    const memory_report after = next.finish();
    CHECK(after.phase("parsing").heap.allocated == 3_KiB);
    CHECK(after.notes.empty());
}

// Scopes that nobody destroys keep their measurement, which LeakSanitizer calls a leak.
#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)
// As C's errors are handled in some programs: no destructor runs.
[[noreturn]] void jump_out_of_phases(std::jmp_buf& to) {
    auto rendering = Memory::phase<"rendering">();
    auto markdown = Memory::phase<"markdown">();
    allocate(1_MiB);
    std::longjmp(to, 1);
}
void leave_phases_by_longjmp() {
    std::jmp_buf place;
    if (setjmp(place) == 0) jump_out_of_phases(place);
}

TEST_CASE("after a longjmp out of phases the measurement can be finished, and the report says what happened") {
    Memory memory{"jumped"};
    leave_phases_by_longjmp();
    allocate(2_KiB);
    {
        auto parsing = Memory::phase<"parsing">();
        allocate(3_KiB);
    }
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.phase("rendering/markdown").heap.allocated == 1_MiB + 5_KiB);
    CHECK(report.phase("parsing").work->allocated == 3_KiB);
    CHECK(report.notes == left_open_with_parsing_inside);
    Memory next{"next"};
    {
        auto parsing = Memory::phase<"parsing">();
        allocate(4_KiB);
    }
    const memory_report after = next.finish();
    CHECK(after.phase("parsing").heap.allocated == 4_KiB);
    CHECK(after.notes.empty());
}
#endif

TEST_CASE("with a source that knows no work, a misplaced phase is counted where it is") {
    using Rss = profiler<Build, heap::none, rss::procfs>;
    Rss memory{"rss only"};
    {
        auto parsing = Rss::phase<"parsing">();
        auto markdown = Rss::phase<"markdown">();
        std::thread{[] { auto phase = Rss::phase<"rendering">(); }}.join();
    }
    const memory_report report = memory.finish();
    CHECK(report.phase("parsing").entries == 1);
    CHECK(report.phase("rendering/markdown").entries == 0);
    REQUIRE(report.notes.size() >= 2);
    CHECK(notes(report.notes.end() - 2, report.notes.end()) ==
          notes{"phases: phase 'rendering' was opened once on another thread than the measurement's",
                "phases: phase 'rendering/markdown' was opened once where it does not lie, first in phase 'parsing'; "
                "it was counted there"});
}

TEST_CASE("each of two measurements of their own sources names its own misplaced phases") {
    using Local = profiler<Build, heap::resource>;
    Local first{"first"};
    Local second{"second"};
    {
        auto parsing = first.phase<"parsing">();
        auto markdown = first.phase<"markdown">();
        auto* const block = first.heap().allocate(1'000);
        first.heap().deallocate(block, 1'000);
        std::thread{[&] { auto phase = second.phase<"rendering">(); }}.join();
    }
    const memory_report report = first.finish();
    CHECK(report.phase("parsing").heap.allocated == bytes{1'000});
    CHECK(report.notes == notes{"phases: phase 'rendering/markdown' was opened once where it does not lie, first in "
                                "phase 'parsing'; it was counted there"});
    CHECK(second.finish().notes ==
          notes{"phases: phase 'rendering' was opened once on another thread than the measurement's"});
}

} // namespace goes_on_tests
