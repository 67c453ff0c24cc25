// SPDX-License-Identifier: MIT
// Each allocator's statistics, with that allocator really linked: ALLOCATOR is its source. The oracle is the sum of
// what malloc_usable_size says of every block.
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/glibc.hpp>
#include <peakscope/heap/jemalloc.hpp>
#include <peakscope/heap/mimalloc.hpp>
#include <peakscope/heap/tcmalloc.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Phases = phases<phase<"outer", "inner">, "other">;
using Memory = profiler<Phases, heap::ALLOCATOR<>>;
using Watched = profiler<Phases, heap::ALLOCATOR<heap::watched<500>>>;
using Counted = profiler<Phases, heap::counting<heap::ALLOCATOR<>>>;

const std::string this_one = heap::ALLOCATOR<>::name;
const std::string unit = heap::ALLOCATOR<>::unit;

void* touched(std::size_t size_bytes) {
    void* volatile block = std::malloc(size_bytes); // volatile: else a compiler leaves out what is freed again
    std::memset(block, 1, size_bytes);
    return block;
}

// What the allocator's figure must say of a block.
std::int64_t counted_bytes(void* block) {
    return static_cast<std::int64_t>(::malloc_usable_size(block)) + (unit == "chunk" ? 8 : 0);
}

struct blocks {
    std::vector<void*> all;
    std::int64_t total_bytes = 0;

    blocks() { all.reserve(20'000); }
    void add(std::size_t size_bytes) {
        all.push_back(touched(size_bytes));
        total_bytes += counted_bytes(all.back());
    }
    void remove() {
        total_bytes -= counted_bytes(all.back());
        std::free(all.back());
        all.pop_back();
    }
    ~blocks() {
        while (!all.empty())
            remove();
    }
};

// A figure is what it must be, as precisely as it claims.
void check_delta(const heap_figures& figures, std::int64_t expected_bytes) {
    REQUIRE(figures.delta);
    CHECK(figures.totals_precision.kind != precision_kind::unavailable);
    if (unit == "committed") { // whole segments: as much as needed, and not much more
        CHECK(figures.delta->count > expected_bytes - (64 << 20));
        CHECK(figures.delta->count < expected_bytes + (128 << 20));
        return;
    }
    // A large chunk is a mapping of its own, in whole pages: none of these here is.
    CHECK(std::abs(figures.delta->count - expected_bytes) <= figures.totals_precision.bound.count);
    if (unit == "usable") CHECK(figures.totals_precision == exact);
}

template <class Source>
std::string refusal() {
    try {
        profiler<Phases, Source> memory{"refused"};
    } catch (const source_error& refused) {
        return refused.what();
    }
    return {};
}

} // namespace

TEST_CASE("delta is the sum of what every block takes") {
    blocks mine;
    std::mt19937 random{7};
    Memory memory{"deltas"};
    std::int64_t outer_bytes = 0;
    std::int64_t inner_bytes = 0;
    {
        auto outer = Memory::phase<"outer">();
        for (int i = 0; i < 6'000; ++i)
            mine.add(random() % 3'000);
        {
            auto inner = Memory::phase<"inner">();
            const std::int64_t before = mine.total_bytes;
            for (int i = 0; i < 3'000; ++i)
                mine.remove();
            inner_bytes = mine.total_bytes - before;
        }
        outer_bytes = mine.total_bytes;
    }
    const memory_report report = memory.finish();
    check_delta(report.phases[0].heap, outer_bytes);
    check_delta(report.phases[1].heap, inner_bytes);
    check_delta(report.heap, outer_bytes);
    CHECK(report.heap_source == this_one);
    CHECK(report.heap_unit == unit);
    CHECK(report.allocator == this_one);
    CHECK_FALSE(report.heap.peak);
    CHECK_FALSE(report.heap.allocations);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0] == "heap: " + this_one + " does not tell peaks; watched<...> samples them");
}

TEST_CASE("a thread that watches sees a peak between two boundaries") {
    constexpr std::int64_t spike_bytes = 200 << 20;
    Watched memory{"watched"};
    {
        auto phase = Watched::phase<"outer">();
        {
            auto inner = Watched::phase<"inner">();
            void* const spike = touched(static_cast<std::size_t>(spike_bytes));
            std::this_thread::sleep_for(std::chrono::milliseconds{100});
            std::free(spike);
        }
    }
    {
        auto other = Watched::phase<"other">();
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    const memory_report report = memory.finish();
    CHECK(report.heap.peak_precision == sampled(std::chrono::microseconds{500}));
    for (const std::size_t phase : {0U, 1U})
        CHECK(report.phases[phase].heap.peak_delta->count >= spike_bytes);
    CHECK(report.heap.peak_delta->count >= spike_bytes);
    CHECK(report.heap.peak_delta->count < spike_bytes + (64 << 20));
    if (unit != "committed") // which is kept for a while
        CHECK(report.phases[2].heap.peak_delta->count < 1 << 20);
    CHECK(report.notes.empty());
    // What it saw is in the timeline.
    const auto of_spike = [&](const timeline_point& each) {
        return each.at > report.timeline.entries[0].begin && each.at < report.timeline.entries[0].end && each.heap &&
               *each.heap >= *report.heap.start + bytes{spike_bytes};
    };
    CHECK(std::ranges::count_if(report.timeline.points, of_spike) > 3);
}

TEST_CASE("under heap::counting: requested, usable, active and resident side by side") {
    std::vector<std::unique_ptr<char[]>> mine;
    mine.reserve(20'000);
    Counted memory{"fragmentation"};
    {
        auto phase = Counted::phase<"outer">();
        for (int i = 0; i < 20'000; ++i)
            mine.push_back(std::make_unique<char[]>(900));
        for (std::size_t i = 0; i < mine.size(); ++i)
            if (i % 4 != 0) mine[i].reset(); // holes in every page
    }
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.heap_source == "counting");
    CHECK(report.allocator == this_one);
    CHECK(*report.heap.delta == bytes{5'000 * 900});
    for (const heap_figures* figures : {&report.heap, &report.phases[0].heap}) {
        REQUIRE(figures->allocator);
        const allocator_state& state = *figures->allocator;
        if (state.usable) CHECK(*state.usable >= *figures->end);
        if (state.usable && state.active) {
            CHECK(*state.active >= *state.usable);
            CHECK(*state.active > *figures->end + bytes{5 << 20}); // the holes
        }
        if (state.active && state.resident) CHECK(*state.resident >= *state.active);
        if (unit != "committed") CHECK(state.usable.has_value());
    }
}

TEST_CASE("where another allocator serves malloc, a source refuses and says what to install") {
    const auto expected = [](const char* name, const std::string& message, const char* package) {
        if (name == this_one) {
            CHECK(message.empty());
        } else {
            CHECK(message.starts_with(std::string{"heap::"} + name + " cannot measure: malloc is not "));
            CHECK(message.find(package) != std::string::npos);
        }
    };
    expected("jemalloc", refusal<heap::jemalloc<>>(), "libjemalloc-dev");
    expected("mimalloc", refusal<heap::mimalloc<>>(), "libmimalloc-dev");
    expected("tcmalloc", refusal<heap::tcmalloc<>>(), "libgoogle-perftools-dev");
    expected("glibc", refusal<heap::glibc<>>(), "another allocator");
}

TEST_CASE("a measurement starts while other threads allocate") {
    std::atomic<bool> ends{false};
    const auto allocate = [&] {
        std::vector<std::string> some;
        while (!ends) {
            some.assign(500, std::string(2'500, 'x'));
            some.clear();
        }
    };
    std::thread one{allocate};
    std::thread two{allocate};
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
        try {
            Memory memory{"busy"};
        } catch (const source_error&) {
            ++refused;
        }
    }
    ends = true;
    one.join();
    two.join();
    CHECK(refused == 0);
}

TEST_CASE("a child of fork has no thread that watches: its peaks are unavailable") {
    Watched memory{"forked"};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        {
            auto phase = Watched::phase<"other">();
            std::free(touched(100 << 20));
        }
        const memory_report report = memory.finish();
        ::_exit(report.heap.delta && !report.heap.peak && !report.phase("other").heap.peak ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(memory.finish().heap.peak);
}

TEST_CASE("one measurement at a time") {
    Memory memory{"first"};
    using Other = profiler<phases<"x">, heap::ALLOCATOR<>>;
    const auto start = [] { Other second{"second"}; };
    CHECK_THROWS_AS(start(), usage_error);
    using Watching = profiler<phases<"x">, heap::ALLOCATOR<heap::watched<500>>>;
    const auto start_watching = [] { Watching second{"second"}; };
    CHECK_THROWS_AS(start_watching(), usage_error);
    static_cast<void>(memory.finish());
    Other after{"after"};
}

TEST_CASE("jemalloc's counters of one thread: flows exact, peaks within 64 KiB, other threads not seen") {
    using OneThread = profiler<Phases, heap::jemalloc<heap::this_thread>>;
    if (this_one != "jemalloc") {
        CHECK(refusal<heap::jemalloc<heap::this_thread>>().find("libjemalloc-dev") != std::string::npos);
        return;
    }
    struct window {
        std::int64_t start = 0;
        std::int64_t peak = 0;
        std::int64_t end = 0;
        std::int64_t allocated = 0;
    };
    std::mt19937 random{11};
    for (int program = 0; program < 200; ++program) {
        blocks mine;
        std::vector<window> open; // the measurement, outer, inner
        std::vector<window> closed;
        const auto looked = [&](std::int64_t allocated) {
            for (window& each : open) {
                each.peak = std::max(each.peak, mine.total_bytes);
                each.allocated += allocated;
            }
        };
        const auto work = [&] {
            for (int i = 0; i < 200; ++i) {
                const std::int64_t before = mine.total_bytes;
                if (mine.all.empty() || random() % 5 < 3) {
                    mine.add(random() % (random() % 50 == 0 ? 100'000 : 3'000));
                    looked(mine.total_bytes - before);
                } else {
                    mine.remove();
                }
            }
        };
        const auto enter = [&] { open.push_back({mine.total_bytes, mine.total_bytes, 0, 0}); };
        const auto leave = [&] {
            open.back().end = mine.total_bytes;
            closed.push_back(open.back());
            open.pop_back();
        };
        open.reserve(3);
        closed.reserve(3);
        OneThread memory{"one thread"};
        enter();
        {
            auto outer = OneThread::phase<"outer">();
            enter();
            work();
            {
                auto inner = OneThread::phase<"inner">();
                enter();
                work();
                leave();
            }
            work();
            if (program == 0) { // not seen; the thread's own bookkeeping is
                std::jthread other{[] { std::free(touched(50 << 20)); }};
            }
            leave();
        }
        leave();
        const memory_report report = memory.finish();
        if (program == 0) {
            CHECK(*report.heap.allocated < bytes{closed[2].allocated} + 1_MiB);
            continue;
        }
        const heap_figures* const found[] = {&report.phases[1].heap, &report.phases[0].heap, &report.heap};
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(found[i]->totals_precision == exact);
            CHECK(found[i]->delta == bytes{closed[i].end - closed[i].start});
            CHECK(found[i]->allocated == bytes{closed[i].allocated});
            CHECK(found[i]->peak_precision == bounded(64_KiB));
            const bytes peak = bytes{closed[i].peak - closed[i].start};
            CHECK(*found[i]->peak_delta <= peak);
            CHECK(*found[i]->peak_delta > peak - 64_KiB);
        }
    }
}
