// SPDX-License-Identifier: MIT
// Random programs on several threads. A lock around each event gives the log one order, so that the oracle knows
// live(t) exactly; the engine knows nothing of the lock and batches per thread as always. Totals must be equal, and
// peaks within the bound that the report states.
#include "counted_heap.hpp"
#include "programs.hpp"

#include "../invariants.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <random>
#include <thread>
#include <utility>

namespace oracle_threads_tests {

namespace {

using namespace peakscope::literals;

using block_list = std::vector<std::pair<void*, std::size_t>>;

constexpr std::size_t most_blocks = 1'000;
constexpr std::size_t most_events = 60'000;

struct shared_log {
    std::mutex guard;
    std::vector<tests::event> events;

    shared_log() { events.reserve(most_events); }

    void allocate(block_list& blocks, std::size_t size_bytes) {
        const std::lock_guard lock{guard};
        if (blocks.size() == most_blocks || events.size() + 20 * most_blocks > most_events) return;
        blocks.emplace_back(tests::allocate(size_bytes, 0), size_bytes);
        events.push_back({tests::event::allocated, static_cast<std::int64_t>(size_bytes)});
    }
    void release(block_list& blocks) {
        const std::lock_guard lock{guard};
        const auto [address, size_bytes] = blocks.back();
        blocks.pop_back();
        tests::deallocate(address, size_bytes, 0, false);
        events.push_back({tests::event::freed, static_cast<std::int64_t>(size_bytes)});
    }
    void resize(block_list& blocks, std::size_t size_bytes) {
        const std::lock_guard lock{guard};
        if (events.size() + 20 * most_blocks > most_events) return;
        auto& [address, before_bytes] = blocks.back();
        address = std::realloc(address, size_bytes);
        events.push_back({tests::event::freed, static_cast<std::int64_t>(before_bytes)});
        events.push_back({tests::event::allocated, static_cast<std::int64_t>(size_bytes)});
        before_bytes = size_bytes;
    }
};

// Uneven threads are the hard case: some stay below the batch for long, some go past it with every block.
void work(shared_log& log, block_list& blocks, unsigned seed, std::size_t largest_bytes) {
    std::mt19937 random{seed};
    for (int step = 0; step < 150; ++step) {
        if (blocks.empty() || random() % 100 < 55)
            log.allocate(blocks, random() % largest_bytes);
        else if (tests::over_malloc && random() % 4 == 0)
            log.resize(blocks, 1 + random() % largest_bytes);
        else
            for (std::size_t i = random() % 4; i > 0 && !blocks.empty(); --i)
                log.release(blocks);
        if (random() % 8 == 0) std::this_thread::yield();
    }
    if (seed % 2 == 0)
        while (!blocks.empty())
            log.release(blocks);
}

template <class Memory>
void random_phases(shared_log& log, std::mt19937& random, const std::vector<std::vector<std::size_t>>& children,
                   std::size_t parent) {
    if (children[parent + 1].empty()) return;
    const std::size_t phase = children[parent + 1][random() % children[parent + 1].size()];
    tests::with_phase<Memory>(phase, [&](auto open) {
        std::unique_lock lock{log.guard};
        auto scope = open();
        log.events.push_back({tests::event::entered, 0, phase});
        lock.unlock();
        for (std::size_t i = random() % 20; i > 0; --i)
            std::this_thread::yield();
        if (random() % 2 == 0) random_phases<Memory>(log, random, children, phase);
        lock.lock();
        scope.close();
        log.events.push_back({tests::event::left, 0, phase});
    });
}

struct outcome {
    unsigned windows = 0;
    unsigned exact_windows = 0;
    unsigned wrong_totals = 0;
    unsigned outside_the_bound = 0;
    std::int64_t largest_error_bytes = 0;
    std::int64_t bound_there_bytes = 0;
};

void compare(outcome& all, std::size_t phase, const tests::expected_window& expected, tests::expected_window actual,
             const peakscope::precision& of_peak) {
    const auto say_what_differs = [&] {
        MESSAGE(tests::first_difference(tests::expectation{{phase, expected}}, tests::expectation{{phase, actual}}));
    };
    const std::int64_t error =
        std::max(std::abs(actual.peak - expected.peak), std::abs(actual.peak_delta - expected.peak_delta));
    ++all.windows;
    all.exact_windows += of_peak == peakscope::exact;
    if (error > of_peak.bound.count) {
        ++all.outside_the_bound;
        say_what_differs();
    }
    if (error > all.largest_error_bytes) {
        all.largest_error_bytes = error;
        all.bound_there_bytes = of_peak.bound.count;
    }
    actual.peak = expected.peak;
    actual.peak_delta = expected.peak_delta;
    if (actual != expected) {
        ++all.wrong_totals;
        say_what_differs();
    }
}

template <class Source>
outcome run_programs(unsigned programs) {
    using Memory = peakscope::profiler<tests::Phases, Source>;
    const auto children = tests::children_by_phase();
    outcome all;
    for (unsigned program = 0; program < programs; ++program) {
        std::mt19937 random{program};
        const std::size_t threads = 1 + random() % 8;
        shared_log log;
        std::vector<block_list> blocks(threads);
        for (block_list& each : blocks)
            each.reserve(most_blocks);
        std::vector<std::thread> running;
        running.reserve(threads);
        Memory memory{"threads"};
        {
            // std::thread allocates; that is the test's and not the program's.
            const typename Source::own_memory not_the_programs;
            for (std::size_t i = 0; i < threads; ++i)
                running.emplace_back([&log, &mine = blocks[i], seed = program * 64 + static_cast<unsigned>(i), i] {
                    work(log, mine, seed, i % 2 == 0 ? 3'000 : 34'000);
                });
        }
        for (int i = 0; i < 10; ++i)
            random_phases<Memory>(log, random, children, peakscope::phase_info::root);
        for (std::thread& each : running)
            each.join();
        const peakscope::memory_report report = memory.finish();

        const tests::expectation expected = tests::replay(log.events);
        const tests::expectation actual = tests::reported(report);
        REQUIRE(expected.size() == actual.size());
        for (const auto& [phase, window] : expected)
            compare(all, phase, window, actual.at(phase),
                    phase == peakscope::phase_info::root ? report.heap.peak_precision
                                                         : report.phases[phase].heap.peak_precision);
        tests::check_invariants(report);
        for (block_list& each : blocks)
            while (!each.empty())
                log.release(each);
    }
    return all;
}

void check(const std::string& name, const outcome& all) {
    CHECK(all.wrong_totals == 0);
    CHECK(all.outside_the_bound == 0);
    CHECK(all.windows > 0);
    MESSAGE(name << ": " << all.windows << " windows, " << all.exact_windows << " of them exact; largest error "
                 << all.largest_error_bytes << " bytes where the bound was " << all.bound_there_bytes);
}

} // namespace

TEST_CASE("with threads, totals are exact and peaks within the stated bound") {
    const outcome all = run_programs<tests::counted_heap<>>(1'000);
    check("batch of 32 KiB", all);
    CHECK(all.largest_error_bytes > 0); // else the programs are too tame to test the bound
    CHECK(all.exact_windows > 0);
}

TEST_CASE("a batch of 0 makes every peak exact, with any number of threads") {
    const outcome all = run_programs<tests::counted_heap<peakscope::heap::batch<0_B>>>(200);
    check("batch of 0", all);
    CHECK(all.largest_error_bytes == 0);
    CHECK(all.exact_windows == all.windows);
}

TEST_CASE("every thread just below its batch: the error is large, and within the bound") {
    using Source = tests::counted_heap<>;
    using Memory = peakscope::profiler<peakscope::phases<"hold">, Source>;
    constexpr std::int64_t held_bytes = 32 * 1024 - 1;
    constexpr int threads = 8;
    std::atomic<int> holding{0};
    std::vector<std::thread> running;
    running.reserve(threads);
    Memory memory{"just below"};
    {
        const Source::own_memory not_the_programs;
        for (int i = 0; i < threads; ++i)
            running.emplace_back([&] {
                void* const held = ::operator new(static_cast<std::size_t>(held_bytes));
                ++holding;
                while (holding < threads)
                    std::this_thread::yield();
                ::operator delete(held);
            });
    }
    for (std::thread& each : running)
        each.join();
    const auto report = memory.finish();
    const std::int64_t true_peak = threads * held_bytes;
    const std::int64_t error = std::abs(report.heap.peak_delta->count - true_peak);
    CHECK(report.heap.peak_precision.kind == peakscope::precision_kind::bounded);
    CHECK(report.heap.peak_precision.bound == 9 * 32_KiB);
    CHECK(error <= report.heap.peak_precision.bound.count);
    CHECK(*report.heap.delta == 0_B);
    CHECK(*report.heap.allocations == threads);
    MESSAGE("true peak " << true_peak << ", reported " << report.heap.peak_delta->count);
}

} // namespace oracle_threads_tests
