// SPDX-License-Identifier: MIT
// Sizes and lifetimes by site, in programs that are small enough to count on paper; random ones are in oracle.cpp.
#include "counted_heap.hpp"

#include <peakscope/engine/fault_hook.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

namespace lifetimes_tests {

using namespace peakscope;

namespace {

using Sites = sites::caller<sites::addresses>;
using Phases = phases<phase<"outer", "inner">, "other">;
using Memory = profiler<Phases, tests::counted_heap<Sites, heap::lifetimes>>;
using Plain = profiler<Phases, tests::counted_heap<Sites>>;

// One site each.
[[gnu::noinline]] void* first(std::size_t size_bytes) {
    void* volatile block = ::operator new(size_bytes);
    return block;
}
[[gnu::noinline]] void* second(std::size_t size_bytes) {
    void* volatile block = ::operator new(size_bytes);
    const volatile int own_code = 2; // else the linker may fold the functions into one
    static_cast<void>(own_code);
    return block;
}
void free(void* block) { ::operator delete(block); }

// Of the one whose code holds the address: the last that begins before it.
[[nodiscard]] lifetime_figures of(const memory_report& report, void* (*site)(std::size_t)) {
    const auto begins = reinterpret_cast<std::uint64_t>(site);
    const auto other = reinterpret_cast<std::uint64_t>(site == first ? second : first);
    for (const site_report& each : report.sites) {
        if (each.stack.empty()) continue;
        const std::uint64_t address = each.stack[0].address;
        const bool in_other = other > begins && address > other;
        if (address > begins && address < begins + 128 && !in_other) return each.lifetimes.value();
    }
    return {};
}

} // namespace

TEST_CASE("sizes are counted by powers of two") {
    Memory memory{"sizes"};
    for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 7U, 8U, 1'000U, 1'024U})
        free(first(size));
    CHECK(of(memory.finish(), first).sizes == std::vector<std::uint64_t>{1, 1, 2, 2, 1, 0, 0, 0, 0, 0, 1, 1});
}

TEST_CASE("a block is temporary when its end is the next event of its thread") {
    void* const old = second(5);
    Memory memory{"temporary"};
    for (int i = 0; i < 10; ++i)
        free(first(10));
    void* const followed = first(1);
    void* const next = second(2);
    free(followed);
    free(next);
    void* const kept = second(3);
    free(old); // not of the measurement, and an event
    free(kept);
    const memory_report report = memory.finish();
    CHECK(of(report, first).temporary == 10);
    CHECK(of(report, second).temporary == 0);
}

TEST_CASE("a block is short-lived when it ends within the entry of its phase") {
    Memory memory{"short-lived"};
    free(first(1)); // in no phase
    void* outlives = nullptr;
    {
        auto outer = Memory::phase<"outer">();
        void* const into_inner = first(10);
        void* of_inner = nullptr;
        {
            auto inner = Memory::phase<"outer/inner">();
            free(into_inner);      // its own entry is open
            of_inner = first(100); // that of its birth ends first
            free(first(1'000));
        }
        free(of_inner);
        outlives = first(10'000);
    }
    {
        auto again = Memory::phase<"outer">(); // another entry
        free(outlives);
    }
    const lifetime_figures figures = of(memory.finish(), first);
    CHECK(figures.short_lived == 2);
    CHECK(figures.short_lived_bytes == bytes{1'010});
}

TEST_CASE("each site has its own peak") {
    Memory memory{"peaks"};
    void* const large = first(1'000);
    void* const small = second(100);
    free(large);
    void* const more = second(200);
    free(small);
    free(first(400));
    free(more);
    const memory_report report = memory.finish();
    CHECK(of(report, first).peak_bytes == bytes{1'000});
    CHECK(of(report, second).peak_bytes == bytes{300});
}

TEST_CASE("threads: what one frees for another is not temporary, and all is counted") {
    constexpr int threads = 4;
    constexpr int rounds = 20'000;
    Memory memory{"threads"};
    {
        auto outer = Memory::phase<"outer">();
        std::vector<std::thread> all;
        for (int i = 0; i < threads; ++i)
            all.emplace_back([] {
                for (int round = 0; round < rounds; ++round)
                    free(first(64));
            });
        for (std::thread& each : all)
            each.join();
        void* handed_over = nullptr;
        std::thread{[&] { handed_over = second(64); }}.join();
        free(handed_over);
        std::thread{[&] { handed_over = second(64); }}.join();
        std::thread{[&] { free(handed_over); }}.join(); // as its first event
    }
    const memory_report report = memory.finish();
    const lifetime_figures figures = of(report, first);
    CHECK(figures.temporary == threads * rounds);
    CHECK(figures.short_lived == threads * rounds);
    CHECK(figures.sizes.back() == threads * rounds);
    CHECK(figures.peak_bytes >= bytes{64});
    CHECK(figures.peak_bytes <= bytes{64 * threads});
    CHECK(of(report, second).temporary == 0);
    CHECK(of(report, second).short_lived == 2);
}

namespace {

// AddressSanitizer keeps freed blocks apart, so that no address comes again soon.
constexpr bool addresses_come_again =
#if defined(__clang__)
    !__has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
    false;
#else
    true;
#endif

} // namespace

TEST_CASE("threads: an address that another thread has used in between is another block") {
    Memory memory{"reused"};
    void* block = first(100);
    std::thread{[&block] {
        free(block);
        for (int i = 0; i < 100; ++i) // the C library gives what it got last
            if (void* const again = second(100); again == block) {
                block = again;
                return;
            } else {
                free(again);
            }
        block = nullptr;
    }}.join();
    if (!addresses_come_again) {
        MESSAGE("not looked at: the sanitizer gives no address again");
        return;
    }
    REQUIRE_MESSAGE(block != nullptr, "the C library does not give the address again");
    free(block); // this thread's newest had this address, and this is another thread's
    const memory_report report = memory.finish();
    CHECK(of(report, first).temporary == 0);
    CHECK(of(report, second).temporary == 0);
}

TEST_CASE("blocks outlive the measurement that watched them, and the next one knows nothing of them") {
    void* kept = nullptr;
    {
        Memory memory{"first"};
        kept = first(100);
        CHECK(of(memory.finish(), first).peak_bytes == bytes{100});
    }
    CHECK_FALSE(engine::state.watches.load());
    CHECK(engine::state.slow_from_bytes.load() == engine::slow_from::too_large);
    {
        Memory memory{"second"};
        free(kept);
        free(first(1));
        const lifetime_figures figures = of(memory.finish(), first);
        CHECK(figures.temporary == 1);
        CHECK(figures.peak_bytes == bytes{1});
    }
    Plain memory{"third"};
    free(first(1));
    const memory_report report = memory.finish();
    CHECK(report.heap.allocations == 1);
    for (const site_report& each : report.sites)
        CHECK_FALSE(each.lifetimes.has_value());
}

TEST_CASE("faults are injected while lifetimes are watched, and both go on after") {
    Memory memory{"faults"};
    {
        const engine::fault_scope faults{[](void*, const engine::faultable&) noexcept { return true; }, nullptr};
        CHECK_THROWS_AS(free(first(1)), std::bad_alloc);
    }
    free(first(2));
    CHECK(of(memory.finish(), first).temporary == 2); // what is undone ends at once
    void* const block = ::operator new(1, std::align_val_t{64});
    ::operator delete(block, std::align_val_t{64});
    CHECK_FALSE(engine::is_off());
}

TEST_CASE("over-aligned blocks are aligned, and have lifetimes as well") {
    bool aligned = true;
    Memory memory{"alignment"};
    for (const std::size_t alignment : {1U, 16U, 32U, 64U, 4'096U}) {
        void* const block = ::operator new(8, std::align_val_t{alignment});
        aligned = aligned && reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
        ::operator delete(block, std::align_val_t{alignment});
    }
    const memory_report report = memory.finish();
    std::uint64_t temporary = 0;
    for (const site_report& each : report.sites)
        if (each.lifetimes) temporary += each.lifetimes->temporary;
    CHECK(aligned);
    CHECK(temporary == 5);
    CHECK(report.heap.delta == bytes{0});
}

} // namespace lifetimes_tests
