// SPDX-License-Identifier: MIT
// Signal handlers that interrupt an event, wherever it is, and allocate: no deadlock, and the counts are right. The C
// library's own malloc may not be called there, so the blocks come from memory of the test's own.
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>

#include <doctest/doctest.h>

#include <sys/time.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>

using namespace peakscope;

namespace {

using Memory = profiler<phases<"first", "second">, heap::counting<sites::caller<sites::addresses>>>;

// Slots that are used in turns: none is asked for again before a million others have been.
struct slots {
    static constexpr std::size_t slot_bytes = 256;
    static constexpr std::size_t count = std::size_t{1} << 16U;
    alignas(16) static inline std::array<std::byte, slot_bytes * count> memory{};
    static inline std::atomic<std::size_t> next{0};

    static void* allocate(std::size_t) noexcept {
        return memory.data() + slot_bytes * (next.fetch_add(1, std::memory_order_relaxed) % count);
    }
    static void* allocate_aligned(std::size_t, std::size_t size_bytes) noexcept { return allocate(size_bytes); }
    static void deallocate(void*) noexcept {}
};

// Different places in the code, so that there are new stacks to be looked up.
template <std::size_t Place>
[[gnu::noinline]] void* allocate_at(std::size_t size_bytes) {
    void* volatile block = heap::detail::counted_new<slots, heap::detail::on_failure::sets_errno>(size_bytes);
    const volatile std::size_t own_code = Place;
    static_cast<void>(own_code);
    return block;
}
void deallocate(void* block) { heap::detail::counted_delete<slots>(block); }

std::atomic<std::int64_t> handled{0};
std::atomic<std::int64_t> left_over{0};

void allocate_in_handler(int) {
    void* const block = allocate_at<0>(100);
    deallocate(allocate_at<1>(50));
    if (handled.fetch_add(1, std::memory_order_relaxed) % 8 == 0)
        left_over.fetch_add(1, std::memory_order_relaxed);
    else
        deallocate(block);
}

} // namespace

TEST_CASE("a handler that interrupts an event may allocate") {
    struct sigaction action{};
    action.sa_handler = allocate_in_handler;
    struct sigaction before{};
    REQUIRE(::sigaction(SIGALRM, &action, &before) == 0);
    const ::itimerval often{{0, 50}, {0, 50}};
    const ::itimerval never{};
    std::int64_t measurements = 0;
    std::int64_t interrupted = 0;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{1};
    while (std::chrono::steady_clock::now() < end) {
        handled = 0;
        left_over = 0;
        std::int64_t own = 0;
        Memory memory{"interrupted"};
        REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
        {
            const auto phase = Memory::phase<"first">();
            for (; own < 20'000; ++own) {
                void* const block = allocate_at<2>(30);
                deallocate(allocate_at<3>(200));
                deallocate(block);
            }
        }
        {
            const auto phase = Memory::phase<"second">();
            deallocate(allocate_at<4>(10));
        }
        REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
        const memory_report report = memory.finish();
        tests::check_invariants(report);
        CHECK(static_cast<std::int64_t>(*report.heap.allocations) == 2 * own + 1 + 2 * handled);
        CHECK(report.heap.allocated->count == 230 * own + 10 + 150 * handled);
        CHECK(report.heap.delta->count == 100 * left_over);
        interrupted += handled;
        ++measurements;
    }
    REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
    CHECK(interrupted > 100);
    MESSAGE(measurements << " measurements, interrupted " << interrupted << " times");
}
