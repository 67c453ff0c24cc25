// SPDX-License-Identifier: MIT
// What is ignored is in no figure, wherever and whenever it is freed.
#include "counted_heap.hpp"

#include "../invariants.hpp"

#include <peakscope/heap/ignoring.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <doctest/doctest.h>

#include <new>
#include <optional>
#include <thread>

namespace ignoring_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"log", "work">, tests::counted_heap<sites::caller<sites::addresses>>>;

void* taken(bytes size) {
    void* volatile block = ::operator new(static_cast<std::size_t>(size.count));
    return block;
}

} // namespace

TEST_CASE("a scope's allocations are in no figure, and their end neither") {
    void* kept = nullptr;
    void* aligned = nullptr;
    void* from_before = taken(5_KiB);
    Memory memory{"ignored"};
    {
        auto phase = Memory::phase<"log">();
        const heap::ignoring scope;
        {
            const heap::ignoring inner;
            ::operator delete(taken(40_MiB));
        }
        kept = taken(1_MiB);
        aligned = ::operator new(1'000, std::align_val_t{256});
        ::operator delete(from_before); // is one of the program's, and counted
    }
    {
        auto phase = Memory::phase<"work">();
        ::operator delete(taken(3_KiB));
        ::operator delete(kept);
        ::operator delete(aligned, std::align_val_t{256});
    }
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.heap.delta == -5_KiB);
    CHECK(report.heap.allocated == 3_KiB);
    CHECK(report.heap.freed == 8_KiB);
    CHECK(report.heap.allocations == 1U);
    CHECK(report.heap.peak_delta == 0_B);
    CHECK(report.phases[0].heap.allocated == 0_B);
    CHECK(*report.profiler_bytes < 30_MiB);
    for (const site_report& site : report.sites)
        CHECK(site.amounts.allocated_bytes <= 3_KiB);
}

TEST_CASE("it is a matter of its thread alone, and the profiler's own memory stays its own inside it") {
    Memory memory{"threads"};
    std::optional<std::thread> other;
    {
        const heap::ignoring scope;
        other.emplace([] { ::operator delete(taken(7_KiB)); });
        other->join();
        auto label = Memory::label("a label whose name the profiler keeps for itself");
        ::operator delete(taken(1_KiB));
    }
    const memory_report report = memory.finish();
    CHECK(*report.heap.allocated >= 7_KiB);
    CHECK(*report.heap.allocated < 8_KiB);
    CHECK(report.labels.empty());
}

} // namespace ignoring_tests
