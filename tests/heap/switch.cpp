// SPDX-License-Identifier: MIT
// Switching the counting off and on: what was allocated on one side of the switch may be freed on the other.
#include "counted_heap.hpp"

#include "../invariants.hpp"

#include <peakscope/heap/counting_switch.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <malloc.h>
#include <new>
#include <string>
#include <vector>

namespace switch_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"phase">, tests::counted_heap<>>;

// Hidden from the compiler, which knows that nothing of the program's lies in front of a block.
bool (*volatile has_header)(void*) = heap::detail::has_header;

void start(const char* title) { Memory memory{title}; }

struct on_again {
    ~on_again() { heap::switch_counting_on(); }
};

} // namespace

TEST_CASE("off, a new block has no header and is in no figure; on, it is as before") {
    void* const before = ::operator new(1'000);
    void* const aligned_before = ::operator new(1'000, std::align_val_t{256});
    CHECK(has_header(before));
    if (!heap::switch_counting_off()) {
        MESSAGE("malloc is not glibc's here, and the counting stays on");
        Memory memory{"on"};
        static_cast<void>(memory.finish());
        ::operator delete(before);
        ::operator delete(aligned_before, std::align_val_t{256});
        return;
    }
    const on_again at_the_end;
    std::vector<void*> during;
    for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{1'000'000}}) {
        during.push_back(::operator new(size));
        during.push_back(::operator new(size, std::nothrow));
        during.push_back(::operator new(size, std::align_val_t{64}));
        CHECK(reinterpret_cast<std::uintptr_t>(during.back()) % 64 == 0);
    }
    for (void* const each : during)
        CHECK_FALSE(has_header(each));
    CHECK_THROWS_AS(static_cast<void>(::operator new(SIZE_MAX / 2)), std::bad_alloc);
    const volatile std::size_t nearly_all = SIZE_MAX - 10; // rounded up to the alignment, it would be 0
    CHECK_THROWS_AS(static_cast<void>(::operator new(nearly_all, std::align_val_t{64})), std::bad_alloc);
    CHECK(::operator new(nearly_all, std::align_val_t{64}, std::nothrow) == nullptr);
    CHECK_THROWS_WITH_AS(start("off"),
                         "the counted heap is switched off: call peakscope::heap::switch_counting_on() first",
                         usage_error);
    ::operator delete(during.front());
    during.erase(during.begin());
    ::operator delete(aligned_before, std::align_val_t{256});

    heap::switch_counting_on();
    {
        Memory running{"running"};
        CHECK_THROWS_WITH_AS(static_cast<void>(heap::switch_counting_off()),
                             "the counted heap cannot be switched off while a measurement uses it: finish() it first",
                             usage_error);
    }
    Memory memory{"on again"};
    ::operator delete(before);
    void* const after = ::operator new(77);
    for (void* const each : during)
        ::operator delete(each);
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(has_header(after));
    ::operator delete(after);
    CHECK(*report.heap.freed == 1'000_B);
    CHECK(*report.heap.deallocations == 1);
    CHECK(*report.heap.allocated == 77_B);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].starts_with("heap: " + std::to_string(during.size()) + " blocks were freed"));
}

} // namespace switch_tests
