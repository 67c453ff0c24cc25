// SPDX-License-Identifier: MIT
// The boundaries of windows while other threads allocate: a cut must see all threads at one moment.
#include "../invariants.hpp"
#include "counted_heap.hpp"

#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

namespace cuts_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Source = tests::counted_heap<>;
using Memory = profiler<phases<"phase">, Source>;

// Two threads hand one block back and forth, so that between any two events 0 or 1 blocks live.
class relay {
  public:
    static constexpr std::int64_t block_bytes = 999;

    relay() : maker_([this] { make(); }), taker_([this] { take(); }) {}
    ~relay() {
        stop_ = true;
        maker_.join();
        taker_.join();
        ::operator delete(slot_.load());
    }

  private:
    void make() {
        while (!stop_) {
            while (slot_.load(std::memory_order_acquire) != nullptr && !stop_) {
            }
            if (stop_) return;
            slot_.store(::operator new(block_bytes), std::memory_order_release);
        }
    }
    void take() {
        while (true) {
            void* const block = slot_.load(std::memory_order_acquire);
            if (block == nullptr) {
                if (stop_) return;
                continue;
            }
            ::operator delete(block);
            slot_.store(nullptr, std::memory_order_release);
        }
    }

    std::atomic<void*> slot_{nullptr};
    std::atomic<bool> stop_{false};
    std::thread maker_;
    std::thread taker_;
};

} // namespace

namespace {

void check_windows_over_a_relay() {
    std::int64_t blocks_handed_over = 0;
    {
        const relay running;
        for (int i = 0; i < 3'000; ++i) {
            Memory memory{"relay"};
            if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds{20}); // some windows long, some short
            const memory_report report = memory.finish();
            const heap_figures& heap = report.heap;
            // At either end 0 or 1 blocks of the relay live; allocations and deallocations take turns.
            const std::int64_t delta = heap.delta->count;
            REQUIRE((delta == 0 || delta == relay::block_bytes || delta == -relay::block_bytes));
            const auto difference = static_cast<std::int64_t>(*heap.allocations - *heap.deallocations);
            REQUIRE(delta == difference * relay::block_bytes);
            REQUIRE(heap.allocated->count == static_cast<std::int64_t>(*heap.allocations) * relay::block_bytes);
            blocks_handed_over += static_cast<std::int64_t>(*heap.allocations);
        }
    }
    CHECK(blocks_handed_over > 0); // else the windows saw nothing and the test proves nothing
    MESSAGE(blocks_handed_over << " blocks inside 3,000 windows");
}

} // namespace

TEST_CASE("a window that opens and closes under two busy threads never sees a block twice or half") {
    check_windows_over_a_relay();
}

TEST_CASE("the same on a kernel without membarrier, where every event pays for a fence") {
    auto& gate = engine::state.gate;
    gate.fetch_or(engine::engine_state::needs_fence);
    check_windows_over_a_relay();
    gate.fetch_and(~std::uint32_t{engine::engine_state::needs_fence});
}

TEST_CASE("a thread that ends with uncounted events leaves none behind; one that frees while it ends is counted too") {
    struct frees_late {
        void* block = nullptr;
        ~frees_late() { ::operator delete(block); }
    };
    Memory memory{"ending threads"};
    void* kept = nullptr;
    {
        const Source::own_memory not_the_programs;
        for (int i = 0; i < 50; ++i)
            std::thread{[&] {
                static thread_local frees_late late; // made before the engine's own, so destroyed after it
                late.block = ::operator new(300);
                void* const block = ::operator new(100);
                if (i == 7)
                    kept = block;
                else
                    ::operator delete(block);
            }}.join();
    }
    memory_report report = memory.finish();
    CHECK(*report.heap.allocations == 100);
    CHECK(*report.heap.deallocations == 99);
    CHECK(*report.heap.delta == 100_B);
    ::operator delete(kept);
}

TEST_CASE("many threads, blocks freed by others: at a quiet point every total is exact") {
    constexpr int threads = 64;
    constexpr int blocks_each = 500;
    std::vector<std::atomic<void*>> mailbox(threads);
    std::vector<std::thread> running;
    running.reserve(threads);
    Memory memory{"64 threads"};
    {
        const Source::own_memory not_the_programs;
        for (int i = 0; i < threads; ++i)
            running.emplace_back([&mailbox, i] {
                const auto own = static_cast<std::size_t>(i);
                for (int k = 0; k < blocks_each; ++k) {
                    void* const mine = ::operator new(100 + own);
                    // What lay in the neighbour's box is freed here, whoever made it.
                    ::operator delete(mailbox[(own + static_cast<std::size_t>(k)) % threads].exchange(mine));
                }
            });
    }
    for (std::thread& each : running)
        each.join();
    for (auto& box : mailbox)
        ::operator delete(box.exchange(nullptr));
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    std::int64_t allocated = 0;
    for (int i = 0; i < threads; ++i)
        allocated += blocks_each * (100 + i);
    CHECK(*report.heap.allocated == bytes{allocated});
    CHECK(*report.heap.freed == bytes{allocated});
    CHECK(*report.heap.allocations == threads * blocks_each);
    CHECK(*report.heap.delta == 0_B);
}

} // namespace cuts_tests
