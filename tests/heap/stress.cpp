// SPDX-License-Identifier: MIT
// 64 threads: a pool that outlives the phases, threads that end at once with what they have counted, blocks that others
// free. At a quiet point every figure is exact; where all threads only allocate, or only free, the true peak is known,
// and the reported one lies within its bound.
#include "counted_heap.hpp"

#include "../invariants.hpp"

#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <barrier>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace stress_tests {

using namespace peakscope;

namespace {

constexpr std::size_t threads = 64;
constexpr int rounds = 12;
constexpr std::size_t blocks_each = 300;

using Memory = profiler<phases<"fill", "churn", "empty">, tests::counted_heap<>>;

struct tallied {
    std::int64_t allocated = 0;
    std::int64_t freed = 0;
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;

    void add(const tallied& other) {
        allocated += other.allocated;
        freed += other.freed;
        allocations += other.allocations;
        deallocations += other.deallocations;
    }
};

using block = std::pair<void*, std::size_t>;

// One thread's blocks and counts. Its lists are made before the measurement, and so are in no figure.
struct alignas(128) worker {
    std::vector<block> blocks;
    tallied done;
    std::mt19937 random;

    void allocate() {
        const std::size_t size_bytes = random() % 4'000;
        blocks.emplace_back(tests::allocate(size_bytes, 0), size_bytes);
        done.allocated += static_cast<std::int64_t>(size_bytes);
        ++done.allocations;
    }
    void release(std::vector<block>& of) {
        const auto [address, size_bytes] = of.back();
        of.pop_back();
        tests::deallocate(address, size_bytes, 0, false);
        done.freed += static_cast<std::int64_t>(size_bytes);
        ++done.deallocations;
    }
};

enum class job { fill, churn, empty, end };

void check_flows(const heap_figures& figures, const tallied& expected) {
    CHECK(figures.allocated->count == expected.allocated);
    CHECK(figures.freed->count == expected.freed);
    CHECK(*figures.allocations == expected.allocations);
    CHECK(*figures.deallocations == expected.deallocations);
}

} // namespace

TEST_CASE("64 threads") {
    std::vector<worker> workers(threads);
    for (std::size_t i = 0; i < threads; ++i) {
        workers[i].blocks.reserve(4 * blocks_each);
        workers[i].random.seed(static_cast<unsigned>(i));
    }
    job now = job::fill;
    std::barrier all{static_cast<std::ptrdiff_t>(threads + 1)};
    const auto work = [&](std::size_t number) {
        worker& me = workers[number];
        for (;;) {
            all.arrive_and_wait(); // the job is set
            if (now == job::end) return;
            if (now == job::fill)
                for (std::size_t i = 0; i < blocks_each; ++i)
                    me.allocate();
            if (now == job::churn)
                for (std::size_t i = 0; i < 2 * blocks_each; ++i)
                    me.random() % 2 == 0 && !me.blocks.empty() ? me.release(me.blocks) : me.allocate();
            if (now == job::empty) { // what another thread allocated
                std::vector<block>& others = workers[(number + 1) % threads].blocks;
                while (!others.empty())
                    me.release(others);
            }
            all.arrive_and_wait(); // it is done
        }
    };
    std::vector<std::thread> pool;
    for (std::size_t i = 0; i < threads; ++i)
        pool.emplace_back(work, i);
    const auto run = [&](job what) {
        tallied before;
        for (const worker& each : workers)
            before.add(each.done);
        now = what;
        all.arrive_and_wait();
        all.arrive_and_wait();
        tallied done;
        for (const worker& each : workers)
            done.add(each.done);
        return tallied{done.allocated - before.allocated, done.freed - before.freed,
                       done.allocations - before.allocations, done.deallocations - before.deallocations};
    };

    tallied filled;
    tallied churned;
    tallied emptied;
    std::int64_t largest_fill = 0;
    std::int64_t largest_live = 0;
    Memory memory{"stress"};
    for (int round = 0; round < rounds; ++round) {
        tallied fill;
        {
            auto phase = Memory::phase<"fill">();
            fill = run(job::fill);
        }
        filled.add(fill);
        largest_fill = std::max(largest_fill, fill.allocated);
        tallied churn;
        {
            auto phase = Memory::phase<"churn">();
            churn = run(job::churn);
        }
        churned.add(churn);
        largest_live = std::max(largest_live, fill.allocated + churn.allocated - churn.freed);
        auto phase = Memory::phase<"empty">();
        emptied.add(run(job::empty));
    }
    const memory_report report = memory.finish();
    now = job::end;
    all.arrive_and_wait();
    for (std::thread& each : pool)
        each.join();

    tests::check_invariants(report);
    const heap_figures& fill = report.phases[0].heap;
    check_flows(fill, filled);
    check_flows(report.phases[1].heap, churned);
    check_flows(report.phases[2].heap, emptied);
    CHECK(report.heap.delta->count == 0);
    // While all only allocate, the peak is what lives at the end; while all only free, what lived at the start.
    const std::int64_t bound = fill.peak_precision.bound.count;
    CHECK(bound == (static_cast<std::int64_t>(threads) + 1) * 32'768);
    CHECK(std::abs(fill.peak_delta->count - largest_fill) <= bound);
    CHECK(report.phases[2].heap.peak_delta->count <= report.phases[2].heap.peak_precision.bound.count);
    CHECK(std::abs(report.phases[2].heap.peak->count - report.heap.start->count - largest_live) <= bound);
    MESSAGE("largest fill " << largest_fill << ", peak reported " << fill.peak_delta->count << ", bound " << bound);
}

#ifndef OVER_MALLOC // there, the C library's own blocks for a thread are counted too
TEST_CASE("threads that end at once leave nothing uncounted") {
    Memory memory{"short lives"};
    std::vector<void*> left(threads);
    {
        auto phase = Memory::phase<"fill">();
        std::vector<std::thread> short_lived;
        short_lived.reserve(threads);
        for (std::size_t i = 0; i < threads; ++i) {
            const heap::detail::own_memory_scope not_ours; // std::thread's own state
            short_lived.emplace_back([&left, i] { left[i] = ::operator new(100 + i); });
        }
        for (std::thread& each : short_lived)
            each.join();
    }
    const memory_report report = memory.finish();
    std::int64_t left_bytes = 0;
    for (std::size_t i = 0; i < threads; ++i)
        left_bytes += 100 + static_cast<std::int64_t>(i);
    // The list of threads has come and gone beside them.
    CHECK(report.phases[0].heap.delta->count == left_bytes);
    for (void* each : left)
        ::operator delete(each);
}
#endif

} // namespace stress_tests
