// SPDX-License-Identifier: MIT
#include "counted_heap.hpp"

#include <peakscope/heap/heap_since.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <new>
#include <thread>

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
