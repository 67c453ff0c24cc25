// SPDX-License-Identifier: MIT
#include "counted_heap.hpp"

#include <peakscope/engine/capture.hpp>
#include <peakscope/heap/heap_since.hpp>
#include <peakscope/heap/sites_since.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <thread>

namespace heap_since_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"phase">, tests::counted_heap<>>;

void* taken(bytes size) {
    void* volatile block = ::operator new(static_cast<std::size_t>(size.count));
    return block;
}
void takes(bytes size) { ::operator delete(taken(size)); }

} // namespace

TEST_CASE("nested, to the byte, the inner peak no larger than its own") {
    void* held = nullptr;
    const heap::heap_since outer;
    takes(5_MiB);
    held = taken(1_MiB);
    {
        const heap::heap_since inner;
        takes(2_MiB);
        const heap_figures figures = inner.figures();
        CHECK(figures.peak_delta == 2_MiB);
        CHECK(figures.peak_precision == exact);
        CHECK(figures.allocations == 1U);
    }
    heap_figures figures = outer.figures();
    CHECK(figures.peak_delta == 5_MiB);
    CHECK(figures.delta == 1_MiB);
    takes(7_MiB);
    ::operator delete(held);
    figures = outer.figures();
    CHECK(figures.peak_delta == 8_MiB);
    CHECK(figures.delta == 0_B);
    CHECK(figures.allocated == 15_MiB);
    CHECK(figures.freed == 15_MiB);
}

TEST_CASE("a measurement may come and go, and has its own figures") {
    const heap::heap_since start;
    takes(3_MiB);
    {
        Memory memory{"inside"};
        {
            auto phase = Memory::phase<"phase">();
            takes(4_MiB);
        }
        const heap_figures figures = start.figures();
        CHECK_FALSE(figures.peak); // it is the measurement's now
        CHECK(*figures.allocated >= 7_MiB);
        const memory_report report = memory.finish();
        CHECK(report.heap.peak_delta == 4_MiB);
        CHECK(report.phases[0].heap.peak_delta == 4_MiB);
    }
    CHECK(*start.figures().peak_delta >= 4_MiB);
    CHECK(*start.figures().peak_delta < 5_MiB);
    takes(6_MiB);
    CHECK(*start.figures().peak_delta >= 6_MiB);
}

TEST_CASE("begun inside a measurement it leaves the measurement's peaks alone") {
    Memory memory{"around"};
    takes(4_MiB);
    {
        const heap::heap_since inside;
        takes(2_MiB);
        CHECK_FALSE(inside.figures().peak);
        CHECK(inside.figures().allocated == 2_MiB);
    }
    CHECK(memory.finish().heap.peak_delta == 4_MiB);
}

TEST_CASE("one thread alone") {
    const heap::heap_since all;
    const heap::thread_heap_since mine;
    takes(1_MiB);
    std::thread{[] {
        const heap::thread_heap_since its;
        takes(8_MiB);
        CHECK(its.figures().allocated == 8_MiB);
    }}.join();
    const heap_figures figures = mine.figures();
    CHECK(*figures.allocated >= 1_MiB);
    CHECK(*figures.allocated < 2_MiB);
    CHECK_FALSE(figures.peak);
    CHECK(*all.figures().allocated >= 9_MiB);
}

TEST_CASE("by call stack, beside the figures, as long as nothing else measures") {
    using mode = engine::capturing<sites::caller<sites::addresses>>;
    const auto bytes_with_stack = [](const attribution& of) {
        double sum = 0;
        for (const attribution::window& window : of.windows)
            for (const attributed_amounts& each : window.amounts)
                if (of.origins[each.origin].stack != attributed_origin::no_stack) sum += each.allocated_bytes;
        return bytes{static_cast<std::int64_t>(sum)};
    };
    const auto found_when = [&](auto act) {
        heap::sites_since sites{mode::mode};
        const heap::heap_since start;
        sites.begin();
        takes(1_MiB);
        act();
        CHECK(start.figures().allocated >= 1_MiB);
        return sites.end();
    };
    CHECK(bytes_with_stack(found_when([] {})) == 1_MiB);
    CHECK(bytes_with_stack(found_when([] { takes(2_MiB); })) == 3_MiB);
    CHECK(found_when([] { const heap::heap_since other; }).windows.empty());
    CHECK(found_when([] { CHECK(Memory{"comes and goes"}.finish().heap.allocated == 0_B); }).windows.empty());
    std::optional<Memory> running;
    CHECK(found_when([&] { running.emplace("goes on"); }).windows.empty());
    CHECK(found_when([] {}).windows.empty()); // while it runs
    CHECK(running->finish().heap.allocated >= 1_MiB);
    running.reset();
    CHECK(engine::state.mode.load() == nullptr);
    CHECK(bytes_with_stack(found_when([] {})) == 1_MiB);
    CHECK(engine::state.mode.load() == nullptr);
}

} // namespace heap_since_tests
