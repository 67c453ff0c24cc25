// SPDX-License-Identifier: MIT
#include <peakscope/core/bytes.hpp>
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/memory/bounded_series.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/none.hpp>
#include <peakscope/rss/none.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace timeline_tests {

using namespace peakscope;
using std::chrono::nanoseconds;

namespace {

using Memory = profiler<phases<"first", phase<"second", "inner">>, heap::counting<>, rss::none, report::none>;

nanoseconds now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// What one thread did to the heap, and between which times each event was.
struct event {
    nanoseconds before{};
    nanoseconds after{};
    std::int64_t change_bytes = 0;
};

// Allocates nothing of its own once it is there.
class log {
  public:
    explicit log(std::size_t count) {
        events.reserve(count);
        blocks_.reserve(count);
    }

    void at_random(std::uint32_t seed, std::size_t count, std::int64_t largest_bytes) {
        std::minstd_rand random{seed};
        while (events.size() + blocks_.size() < count)
            if (blocks_.empty() || random() % 100 < 55)
                allocate(1 + static_cast<std::int64_t>(random() % static_cast<unsigned>(largest_bytes)));
            else
                free(random() % blocks_.size());
        while (!blocks_.empty())
            free(blocks_.size() - 1);
    }

    std::vector<event> events{};

  private:
    struct block {
        void* start;
        std::int64_t size_bytes;
    };

    void allocate(std::int64_t size_bytes) {
        event made{now(), {}, size_bytes};
        blocks_.push_back({::operator new(static_cast<std::size_t>(size_bytes)), size_bytes});
        made.after = now();
        events.push_back(made);
    }
    void free(std::size_t number) {
        std::swap(blocks_[number], blocks_.back());
        event made{now(), {}, -blocks_.back().size_bytes};
        ::operator delete(blocks_.back().start);
        made.after = now();
        blocks_.pop_back();
        events.push_back(made);
    }

    std::vector<block> blocks_{};
};

// The lowest and the highest that these events have added up to between two times.
struct range {
    std::int64_t lowest;
    std::int64_t highest;
};
range live_between(const log& of, nanoseconds begin, nanoseconds end) {
    std::int64_t sum = 0;
    std::optional<range> found;
    const auto take = [&] {
        found = found ? range{std::min(found->lowest, sum), std::max(found->highest, sum)} : range{sum, sum};
    };
    for (const event& each : of.events) {
        if (each.before > end) break;
        if (each.after >= begin) take();
        sum += each.change_bytes;
        if (each.after < begin) found.reset();
    }
    take();
    return *found;
}

} // namespace

TEST_CASE("on one thread every point is what lived then, and a peak is where it was") {
    log done{30'000};
    Memory memory{"timeline"};
    const nanoseconds before = now();
    nanoseconds after{};
    {
        auto phase = Memory::phase<"first">();
        after = now();
        done.at_random(1, 10'000, 3'000);
    }
    {
        auto phase = Memory::phase<"second">();
        done.at_random(2, done.events.size() + 4'000, 90'000);
        auto inner = Memory::phase<"inner">();
        done.at_random(3, done.events.size() + 4'000, 400);
    }
    const memory_report report = memory.finish();
    REQUIRE(report.timeline.entries.size() == 3);
    // The start of the measurement by this test's clock: between the two, and within microseconds.
    const nanoseconds earliest = before - report.timeline.entries[0].begin;
    const nanoseconds latest = after - report.timeline.entries[0].begin;
    const auto lived = [&](nanoseconds at, std::int64_t live_bytes) {
        const std::int64_t inside = live_bytes - report.heap.start->count;
        std::int64_t sum = 0;
        bool found = sum == inside && done.events.front().after >= earliest + at;
        for (std::size_t i = 0; i < done.events.size() && !found; ++i) {
            sum += done.events[i].change_bytes;
            const bool goes_on = i + 1 == done.events.size() || done.events[i + 1].after >= earliest + at;
            found = sum == inside && done.events[i].before <= latest + at && goes_on;
        }
        return found;
    };
    CHECK(report.timeline.points.size() > 20);
    CHECK(std::ranges::is_sorted(report.timeline.points, {}, &timeline_point::at));
    std::size_t wrong = 0;
    for (const timeline_point& each : report.timeline.points)
        wrong += each.heap && !lived(each.at, each.heap->count) ? 1 : 0;
    CHECK(wrong == 0);
    const auto check_peak = [&](const auto& of) {
        REQUIRE(of.peak_at);
        CHECK(lived(*of.peak_at, of.heap.peak->count));
        CHECK(std::ranges::any_of(report.timeline.points, [&](const timeline_point& each) {
            return each.at == *of.peak_at && each.heap == of.heap.peak;
        }));
    };
    check_peak(report);
    for (const phase_report& each : report.phases)
        check_peak(each);
    for (const timeline_point& each : report.timeline.points)
        if (each.heap) CHECK(*each.heap <= *report.heap.peak);
    CHECK(report.timeline.entries[1].phase == 2); // the inner one ended first
    CHECK(report.timeline.entries[2].phase == 1);
    for (const phase_entry& each : report.timeline.entries)
        CHECK(each.end - each.begin == report.phases[each.phase].duration);
}

TEST_CASE("on two threads no point is off by more than the peak may be") {
    log here{20'000};
    log there{20'000};
    Memory memory{"timeline"};
    std::thread other;
    const nanoseconds before = now();
    nanoseconds after{};
    {
        auto phase = Memory::phase<"first">();
        after = now();
        other = std::thread{[&] { there.at_random(4, 8'000, 5'000); }};
        here.at_random(5, 8'000, 5'000);
        other.join();
    }
    const memory_report report = memory.finish();
    // The start of the measurement by this test's clock: between the two, and within microseconds.
    const nanoseconds earliest = before - report.timeline.entries[0].begin;
    const nanoseconds latest = after - report.timeline.entries[0].begin;
    constexpr std::chrono::microseconds reading{20};                           // takes no longer than that
    const std::int64_t bound = report.heap.peak_precision.bound.count + 1'024; // std::thread has a block of its own
    std::size_t looked_at = 0;
    for (const timeline_point& each : report.timeline.points) {
        if (!each.heap) continue;
        ++looked_at;
        const std::int64_t inside = each.heap->count - report.heap.start->count;
        const range one = live_between(here, earliest + each.at - reading, latest + each.at);
        const range two = live_between(there, earliest + each.at - reading, latest + each.at);
        CHECK(inside >= one.lowest + two.lowest - bound);
        CHECK(inside <= one.highest + two.highest + bound);
    }
    CHECK(looked_at > 5);
}

TEST_CASE("a heap source without a timeline of its own has points at the ends of windows") {
    profiler<phases<"first">, heap::resource, rss::none, report::none> memory{"resource"};
    void* block = nullptr;
    {
        auto phase = memory.phase<"first">();
        block = memory.heap().allocate(100);
    }
    const memory_report report = memory.finish();
    const phase_entry& entry = report.timeline.entries.at(0);
    const auto has = [&](nanoseconds at, bytes live) {
        return std::ranges::count(report.timeline.points, timeline_point{at, live, {}}) == 1;
    };
    CHECK(has(entry.begin, 0_B));
    CHECK(has(entry.end, 100_B));
    CHECK(has(report.duration, 100_B));
    CHECK_FALSE(report.peak_at); // it does not know
    memory.heap().deallocate(block, 100);
}

TEST_CASE(
    "RSS at a rate, without the headers of many small blocks, is never above the peak of the phase it was read in") {
    using Watched = profiler<phases<"allocate", "free">, heap::counting<>, rss::procfs_watched<200>, report::none>;
    const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds{20}); };
    std::vector<void*> blocks(200'000);
    Watched memory{"headers"};
    wait();
    {
        auto phase = Watched::phase<"allocate">();
        for (void*& each : blocks)
            each = ::operator new(1);
        wait();
    }
    {
        auto phase = Watched::phase<"free">();
        for (void* const each : blocks)
            ::operator delete(each);
        wait();
    }
    const memory_report report = memory.finish();
    std::size_t inside = 0;
    for (const timeline_point& point : report.timeline.points) {
        if (!point.rss) continue;
        CHECK(*point.rss <= *report.rss.peak);
        for (const phase_entry& entry : report.timeline.entries)
            if (point.at > entry.begin && point.at < entry.end) {
                ++inside;
                CHECK(*point.rss <= *report.phases[entry.phase].rss.peak);
            }
    }
    CHECK(inside > 5);
}

TEST_CASE("entries beyond the limit are counted, and the report says so") {
    Memory memory{"timeline"};
    constexpr std::uint64_t limit = 100'000;
    for (std::uint64_t i = 0; i < limit + 7; ++i)
        auto phase = Memory::phase<"first">();
    const memory_report report = memory.finish();
    CHECK(report.phase("first").entries == limit + 7);
    CHECK(report.timeline.entries.size() == limit);
    CHECK(report.timeline.entries_left_out == 7);
    CHECK(report.notes.back() == "timeline: 7 entries of phases beyond the first 100,000 of each are not drawn; they "
                                 "are in all figures");
}

TEST_CASE("a series keeps its extremes and its memory, however long it goes on") {
    const std::int64_t resident_before = memory::resident_table_bytes.load();
    memory::bounded_series series;
    REQUIRE(series.begin(0));
    constexpr std::int64_t second = 1'000'000'000;
    for (std::int64_t i = 0; i < 1'000'000; ++i) // eleven days
        series.add({i * second, i == 654'321 ? 1'000 : i == 765'432 ? -1'000 : i % 10});
    std::size_t count = 0;
    std::int64_t before = -1;
    bool has_highest = false;
    bool has_lowest = false;
    series.for_each([&](const memory::series_point& each) {
        ++count;
        CHECK(each.nanoseconds > before);
        before = each.nanoseconds;
        has_highest = has_highest || (each.nanoseconds == 654'321 * second && each.value == 1'000);
        has_lowest = has_lowest || (each.nanoseconds == 765'432 * second && each.value == -1'000);
    });
    CHECK(has_highest);
    CHECK(has_lowest);
    CHECK(count <= 2 * memory::bounded_series::most_stretches);
    CHECK(count > memory::bounded_series::most_stretches / 2);
    CHECK(memory::resident_table_bytes.load() - resident_before <= 64 * 1'024);
}

} // namespace timeline_tests
