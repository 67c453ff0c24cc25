// SPDX-License-Identifier: MIT
// Where blocks come from, beyond what one thread of a random program shows: several threads, several measurements,
// labels on threads, odd blocks, damaged stacks.
#include "counted_heap.hpp"
#include "origins.hpp"

#include "../invariants.hpp"

#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace attribution_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Source = tests::counted_heap<sites::caller<sites::addresses>>;
using Memory = profiler<phases<"a", "b">, Source>;

bytes at_peak_of_all(const memory_report& report) {
    bytes sum{};
    for (const site_report& each : report.sites)
        sum += each.amounts.at_peak_bytes;
    return sum;
}

site_amounts of_site(const memory_report& report, std::size_t site) {
    site_amounts sum;
    for (const site_report& each : report.sites) {
        if (each.stack.empty() || tests::site_of(each.stack[0].address) != site) continue;
        sum.delta_bytes += each.amounts.delta_bytes;
        sum.delta_blocks += each.amounts.delta_blocks;
        sum.allocated_bytes += each.amounts.allocated_bytes;
        sum.at_peak_bytes += each.amounts.at_peak_bytes;
    }
    return sum;
}

const site_report* named(const memory_report& report, const std::string& function) {
    for (const site_report& each : report.sites)
        if (each.function == function) return &each;
    return nullptr;
}

} // namespace

TEST_CASE("with threads, flows by site are exact, and what the sites held at the peak adds up to it within its bound") {
    constexpr int threads = 4;
    std::int64_t largest_error = 0;
    for (unsigned program = 0; program < 100; ++program) {
        std::atomic<std::int64_t> allocated[tests::site_count] = {};
        std::atomic<std::int64_t> freed[tests::site_count] = {};
        std::vector<std::vector<std::pair<void*, std::pair<std::size_t, std::size_t>>>> live(threads);
        for (auto& each : live)
            each.reserve(2'000);
        std::vector<std::thread> running;
        running.reserve(threads);
        Memory memory{"threads"};
        {
            const Source::own_memory not_the_programs;
            for (int t = 0; t < threads; ++t)
                running.emplace_back([&, t] {
                    std::mt19937 random{program * 16 + static_cast<unsigned>(t)};
                    auto& mine = live[static_cast<std::size_t>(t)];
                    for (int step = 0; step < 3'000; ++step) {
                        if (mine.empty() || (random() % 100 < 55 && mine.size() < 2'000)) {
                            const std::size_t site = random() % tests::allocating_count;
                            const std::size_t size = random() % 3'000;
                            mine.push_back({tests::allocating_sites[site](size, 0), {site, size}});
                            allocated[site] += static_cast<std::int64_t>(size);
                        } else {
                            const auto [block, from] = mine.back();
                            mine.pop_back();
                            ::operator delete(block);
                            freed[from.first] += static_cast<std::int64_t>(from.second);
                        }
                    }
                });
        }
        for (std::thread& each : running)
            each.join();
        const memory_report report = memory.finish();
        for (std::size_t site = 0; site < tests::site_count; ++site) {
            const site_amounts amounts = of_site(report, site);
            REQUIRE(amounts.allocated_bytes.count == allocated[site]);
            REQUIRE(amounts.delta_bytes.count == allocated[site] - freed[site]);
        }
        const bytes error = at_peak_of_all(report) - *report.heap.peak;
        REQUIRE(std::abs(error.count) <= report.heap.peak_precision.bound.count);
        largest_error = std::max(largest_error, std::abs(error.count));
        for (auto& each : live)
            for (const auto& [block, from] : each)
                ::operator delete(block);
    }
    MESSAGE("largest distance of what the sites held from the peak: " << largest_error);
}

TEST_CASE("blocks from before are one row, and shrink it when they are freed") {
    void* const before = tests::allocate_at<0>(5'000, 0);
    Memory memory{"shrinks"};
    ::operator delete(before);
    void* const kept = tests::allocate_at<1>(300, 0);
    const memory_report report = memory.finish();
    const site_report* const row = named(report, "(allocated before the measurement)");
    REQUIRE(row != nullptr);
    CHECK(row->amounts.delta_bytes == -5'000_B);
    CHECK(row->amounts.delta_blocks == -1);
    CHECK(of_site(report, 1).delta_bytes == 300_B);
    CHECK(of_site(report, 0).delta_blocks == 0);
    ::operator delete(kept);
}

TEST_CASE("what an earlier measurement left keeps its site, and is from before") {
    void* kept = nullptr;
    {
        Memory first{"first"};
        kept = tests::allocate_at<2>(700, 0);
        CHECK(of_site(first.finish(), 2).delta_bytes == 700_B);
    }
    Memory second{"second"};
    {
        auto phase = Memory::phase<"b">();
        ::operator delete(kept);
    }
    const memory_report report = second.finish();
    CHECK(of_site(report, 2).delta_bytes == -700_B);
    CHECK(of_site(report, 2).allocated_bytes == 0_B);
    const birth_report& births = report.phases[1].births.value();
    CHECK(births.at_peak[0] == *report.heap.start); // all of it born before
}

TEST_CASE("ten thousand measurements in one process use up no numbers") {
    const std::size_t before = engine::state.origins.count();
    for (int i = 0; i < 10'000; ++i) {
        Memory memory{"again"};
        ::operator delete(tests::allocate_at<0>(10, 0));
        static_cast<void>(memory.finish());
    }
    CHECK(engine::state.origins.count() <= before + 8);
}

TEST_CASE("zero bytes, over-aligned, and every form: each block has its site") {
    Memory memory{"odd blocks"};
    void* const empty = tests::allocate_at<0>(0, 0);
    void* const aligned = tests::allocate_at<1>(100, 4'096);
    const memory_report report = memory.finish();
    CHECK(of_site(report, 0).delta_blocks == 1);
    CHECK(of_site(report, 0).delta_bytes == 0_B);
    CHECK(of_site(report, 1).delta_blocks == 1);
    CHECK(of_site(report, 1).delta_bytes == 100_B);
    CHECK(named(report, "(not attributed)") == nullptr);
    ::operator delete(empty);
    ::operator delete(aligned, std::align_val_t{4'096});
}

TEST_CASE("a label is of its thread; a new thread has none; what another thread frees is taken off it") {
    // With several threads, the peak of a label is exact only without a batch, as every peak.
    using Unbatched = profiler<phases<>, tests::counted_heap<sites::caller<sites::addresses>, heap::batch<0_B>>>;
    Unbatched memory{"labels"};
    void* first = nullptr;
    void* second = nullptr;
    void* unlabelled = nullptr;
    {
        auto label = Unbatched::label("outer");
        first = ::operator new(1'000);
        {
            auto inner = Unbatched::label(std::string{"inner"});
            second = ::operator new(200);
            std::thread worker;
            {
                const Source::own_memory not_the_programs;
                worker = std::thread{[&] {
                    unlabelled = ::operator new(50);
                    ::operator delete(first);
                    auto own = Unbatched::label("worker");
                    ::operator delete(::operator new(30'000));
                }};
            }
            worker.join();
        }
        first = ::operator new(10);
    }
    void* const after = ::operator new(7);
    const memory_report report = memory.finish();
    for (void* each : {first, second, unlabelled, after})
        ::operator delete(each);
    REQUIRE(report.labels.size() == 3);
    CHECK(report.labels[0] == label_report{"worker", 30'000_B, 1, 0_B, 30'000_B, 30'000_B});
    CHECK(report.labels[1].name == "outer");
    CHECK(report.labels[1].allocated_bytes == 1'010_B);
    CHECK(report.labels[1].allocations == 2);
    CHECK(report.labels[1].delta_bytes == 10_B);
    CHECK(report.labels[1].peak_bytes == 1'000_B);
    CHECK(report.labels[2] == label_report{"inner", 200_B, 1, 200_B, 200_B, 200_B});
}

TEST_CASE("a label without a running measurement is nothing; one that outlives its measurement does no harm") {
    {
        auto label = Memory::label("nothing runs");
        ::operator delete(::operator new(10));
    }
    auto memory = std::make_unique<Memory>("first");
    {
        auto label = Memory::label("outlives");
        static_cast<void>(memory->finish());
        memory.reset();
    }
    Memory second{"second"};
    ::operator delete(::operator new(10));
    CHECK(second.finish().labels.empty());
}

TEST_CASE("births: where what was alive had been born, and which phase freed it") {
    Memory memory{"births"};
    void* from_a = nullptr;
    {
        auto phase = Memory::phase<"a">();
        from_a = ::operator new(1'000);
        ::operator delete(::operator new(50));
    }
    void* const between = ::operator new(300);
    {
        auto phase = Memory::phase<"b">();
        void* const from_b = ::operator new(5'000); // the peak: 6,300 above the start
        ::operator delete(from_a);
        ::operator delete(from_b);
    }
    const memory_report report = memory.finish();
    ::operator delete(between);
    CHECK(report.births == std::vector<std::string>{"before the measurement", "outside phases", "a", "b"});
    const bytes start = *report.heap.start;
    const birth_report& whole = report.measurement_births.value();
    CHECK(whole.at_peak == std::vector<bytes>{start, 300_B, 1'000_B, 5'000_B});
    CHECK(whole.at_end == std::vector<bytes>{start, 300_B, 0_B, 0_B});
    CHECK(whole.allocated == 300_B);
    const birth_report& a = report.phases[0].births.value();
    CHECK(a.at_peak == std::vector<bytes>{start, 0_B, 1'050_B, 0_B});
    CHECK(a.at_end == std::vector<bytes>{start, 0_B, 1'000_B, 0_B});
    CHECK(a.allocated == 1'050_B);
    CHECK(a.freed_in == std::vector<bytes>{0_B, 0_B, 50_B, 1'000_B});
    const birth_report& b = report.phases[1].births.value();
    CHECK(b.at_peak == std::vector<bytes>{start, 300_B, 1'000_B, 5'000_B});
    CHECK(b.freed_in == std::vector<bytes>{0_B, 0_B, 0_B, 5'000_B});
}

} // namespace attribution_tests
