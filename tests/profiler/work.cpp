// SPDX-License-Identifier: MIT
// What threads do for a phase that is in scope on them: to the byte, against figures worked out by hand and against the
// threads' own logs.
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <random>
#include <string_view>
#include <thread>
#include <vector>

namespace work_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Pipeline = phases<"reading", phase<"making", "parsing", "rendering">, "writing">;
using Memory = profiler<Pipeline, heap::counting<>>;

void* take(bytes size) { return ::operator new(static_cast<std::size_t>(size.count)); }
void give(void* block) { ::operator delete(block); }

bytes born_at_peak(const memory_report& report, std::string_view phase) {
    const auto found = std::ranges::find(report.births, phase);
    return report.measurement_births->at_peak[static_cast<std::size_t>(found - report.births.begin())];
}

template <class Work>
void on_another_thread(Work work) {
    std::thread{work}.join();
}

} // namespace

TEST_CASE("two stages of a pipeline side by side, in a window that is neither") {
    void* read = take(1_MiB);
    Memory memory{"pipeline"};
    void* parsed = nullptr;
    void* rendered = nullptr;
    {
        auto window = Memory::phase<"reading">();
        on_another_thread([&] {
            auto work = Memory::work<"parsing">();
            parsed = take(8_MiB);
            give(read);
        });
        on_another_thread([&] {
            auto work = Memory::work<"rendering">();
            rendered = take(3_MiB);
            give(take(20_MiB)); // the high-water mark: 8 + 3 + 20 and the threads' own
        });
        on_another_thread([&] {
            auto work = Memory::work<"rendering">();
            give(parsed);
        });
    }
    const memory_report report = memory.finish();

    const phase_report& parsing = report.phase("making/parsing");
    REQUIRE(parsing.work);
    CHECK(parsing.entries == 0);
    CHECK(parsing.work->entries == 1);
    CHECK(parsing.work->allocated == 8_MiB);
    CHECK(parsing.work->freed == 1_MiB);
    CHECK(parsing.work->allocations == 1);
    CHECK(parsing.work->deallocations == 1);

    const phase_report& rendering = report.phase("making/rendering");
    REQUIRE(rendering.work);
    CHECK(rendering.work->entries == 2);
    CHECK(rendering.work->allocated == 23_MiB);
    CHECK(rendering.work->freed == 28_MiB);
    CHECK(rendering.work->allocations == 2);
    CHECK(rendering.work->deallocations == 2);

    const phase_report& making = report.phase("making"); // a parent's contains its children's
    REQUIRE(making.work);
    CHECK(making.work->entries == 3);
    CHECK(making.work->allocated == 31_MiB);
    CHECK(making.work->freed == 29_MiB);
    CHECK(making.work->thread_time == parsing.work->thread_time + rendering.work->thread_time);
    CHECK_FALSE(report.phase("reading").work);
    CHECK_FALSE(report.phase("writing").work);

    // The window saw all of it, and the blocks were born where their threads worked.
    const phase_report& window = report.phase("reading");
    CHECK(*window.heap.allocated >= 31_MiB);
    CHECK(born_at_peak(report, "making/parsing") == 8_MiB);
    CHECK(born_at_peak(report, "making/rendering") == 23_MiB);
    REQUIRE(parsing.births);
    CHECK(parsing.births->at_peak.empty()); // there was no such window
    CHECK(parsing.births->allocated == 8_MiB);
    CHECK(parsing.births->freed_in[2] == 8_MiB); // "before", "outside", "reading"

    const std::string text = report::console::text(report);
    CHECK(text.find("Work of threads by phase") != std::string::npos);
    CHECK(text.find("making/rendering") != std::string::npos);
    give(rendered);
}

TEST_CASE("a scope inside another takes its place for a while") {
    Memory memory{"nested"};
    on_another_thread([] {
        auto outer = Memory::work<"making">();
        give(take(1_KiB));
        {
            auto inner = Memory::work<"writing">();
            give(take(10_KiB));
            inner.close();
            inner.close(); // does nothing
            give(take(2_KiB));
        }
        give(take(4_KiB));
        outer.close();
        give(take(100_KiB)); // for no phase
    });
    const memory_report report = memory.finish();
    CHECK(report.phase("making").work->allocated == 7_KiB);
    CHECK(report.phase("making").work->freed == 7_KiB);
    CHECK(report.phase("making").work->entries == 1);
    CHECK(report.phase("writing").work->allocated == 10_KiB);
    CHECK(*report.heap.allocated >= 117_KiB);
}

TEST_CASE("a worker that outlives phases and measurements") {
    std::atomic<int> step{0};
    const auto reached = [&](int wanted) {
        while (step.load() != wanted)
            std::this_thread::yield();
    };
    void* held = nullptr;
    std::thread worker{[&] {
        reached(1);
        auto work = Memory::work<"parsing">();
        give(take(1_KiB));
        step = 2;
        reached(3);
        held = take(2_KiB); // another window is open now
        step = 4;
        reached(5); // the first measurement is over
        give(take(4_KiB));
        step = 6;
        reached(7); // in a second one
        give(take(8_KiB));
        {
            auto inner = Memory::work<"writing">();
            give(take(16_KiB));
        }
        give(take(32_KiB));
        work.close(); // of the first measurement: it changes nothing
        give(take(64_KiB));
        step = 8;
    }};
    {
        Memory memory{"first"};
        {
            auto window = Memory::phase<"reading">();
            step = 1;
            reached(2);
        }
        {
            auto window = Memory::phase<"writing">();
            step = 3;
            reached(4);
        }
        const memory_report report = memory.finish();
        CHECK(report.phase("making/parsing").work->entries == 1);
        CHECK(report.phase("making/parsing").work->allocated == 3_KiB); // up to here, its scope is still open
        CHECK(report.phase("making/parsing").work->freed == 1_KiB);
        CHECK(report.phase("making/parsing").births->at_end.empty());
    }
    step = 5;
    reached(6);
    {
        Memory memory{"second"};
        step = 7;
        reached(8);
        worker.join();
        const memory_report report = memory.finish();
        CHECK_FALSE(report.phase("making/parsing").work);
        CHECK(report.phase("writing").work->allocated == 16_KiB);
        CHECK(report.phase("writing").work->freed == 16_KiB);
        CHECK(report.heap.allocated == 120_KiB);
    }
    give(held);
}

TEST_CASE("many threads, phases opened and closed meanwhile: the sums of the threads' own logs") {
    struct log {
        std::int64_t allocated[2] = {};
        std::int64_t freed[2] = {};
        std::uint64_t allocations[2] = {};
        std::uint64_t entries[2] = {};
    };
    constexpr std::size_t thread_count = 8;
    std::vector<log> logs(thread_count);
    std::atomic<std::size_t> running{thread_count};
    std::vector<std::thread> threads;
    threads.reserve(thread_count);
    Memory memory{"many"};
    for (std::size_t number = 0; number < thread_count; ++number)
        threads.emplace_back([&, number] {
            std::minstd_rand random{static_cast<unsigned>(number + 1)};
            log& mine = logs[number];
            struct block {
                void* at;
                std::int64_t size;
            };
            block held[16] = {}; // on the stack: nothing but what is logged is allocated
            const auto some_work = [&](std::size_t stage) {
                ++mine.entries[stage];
                for (int i = 0; i < 200; ++i) {
                    block& each = held[random() % 16];
                    give(each.at);
                    mine.freed[stage] += each.size;
                    each.size = static_cast<std::int64_t>(1 + random() % 5'000);
                    each.at = take({each.size});
                    mine.allocated[stage] += each.size;
                    ++mine.allocations[stage];
                }
            };
            for (int i = 0; i < 100; ++i) {
                {
                    auto work = Memory::work<"parsing">();
                    some_work(0);
                }
                auto work = Memory::work<"rendering">();
                some_work(1);
            }
            for (const block& each : held)
                give(each.at);
            --running;
        });
    std::uint64_t windows = 0;
    while (running > 0) {
        auto window = Memory::phase<"writing">();
        ++windows;
        std::this_thread::yield();
    }
    for (std::thread& each : threads)
        each.join();
    const memory_report report = memory.finish();
    for (const std::size_t stage : {0U, 1U}) {
        work_figures wanted;
        for (const log& each : logs) {
            wanted.entries += each.entries[stage];
            wanted.allocated += bytes{each.allocated[stage]};
            wanted.freed += bytes{each.freed[stage]};
            wanted.allocations += each.allocations[stage];
        }
        const work_figures& found = *report.phase(stage == 0 ? "making/parsing" : "making/rendering").work;
        CHECK(found.entries == wanted.entries);
        CHECK(found.allocated == wanted.allocated);
        CHECK(found.freed == wanted.freed);
        CHECK(found.allocations == wanted.allocations);
        CHECK(report.phase(stage == 0 ? "making/parsing" : "making/rendering").births->allocated == wanted.allocated);
        CHECK(found.thread_time.count() > 0);
    }
    CHECK(report.phase("writing").entries == windows);
    MESSAGE(windows << " windows opened and closed meanwhile");
}

TEST_CASE("without a measurement, and with a source that does not tell threads apart, it does nothing") {
    {
        auto work = Memory::work<"parsing">();
        give(take(1_KiB));
    }
    using OnlyRss = profiler<Pipeline, heap::none, rss::procfs>;
    OnlyRss memory{"no heap"};
    {
        auto work = OnlyRss::work<"parsing">();
        give(take(1_KiB));
    }
    CHECK_FALSE(memory.finish().phase("making/parsing").work);
}

} // namespace work_tests
