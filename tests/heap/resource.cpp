// SPDX-License-Identifier: MIT
// heap::resource, counted_allocator and checked_resource: containers' own needs worked out by hand, instances side by
// side, allocator propagation, and every misuse.
#include "../invariants.hpp"

#include <peakscope/heap/checked_resource.hpp>
#include <peakscope/heap/counted_allocator.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace resource_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"fill", phase<"more", "most">>, heap::resource>;

} // namespace

TEST_CASE("a vector that grows, by phase") {
    Memory memory{"vector"};
    std::pmr::vector<char> numbers{&memory.heap()};
    numbers.reserve(1'000);
    {
        auto fill = memory.phase<"fill">();
        numbers.reserve(4'000); // holds both for a moment
    }
    {
        auto more = memory.phase<"more">();
        {
            auto most = memory.phase<"more/most">();
            const std::pmr::vector<char> other(10'000, 'x', &memory.heap());
        }
        numbers.clear();
        numbers.shrink_to_fit();
    }
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    const heap_figures& fill = report.phases[0].heap;
    CHECK(*fill.start == 1'000_B);
    CHECK(*fill.delta == 3'000_B);
    CHECK(*fill.peak == 5'000_B);
    CHECK(*fill.allocations == 1);
    CHECK(*fill.freed == 1'000_B);
    CHECK(*report.phases[1].heap.delta == -4'000_B);
    CHECK(*report.phases[1].heap.peak == 14'000_B);
    CHECK(*report.phases[2].heap.peak_delta == 10'000_B);
    CHECK(*report.heap.peak == 14'000_B);
    CHECK(*report.heap.end == 0_B);
    CHECK(report.heap.peak_precision == exact);
    CHECK(report.heap_source == "resource");
}

TEST_CASE("several profilers at once see their own") {
    Memory first{"first"};
    Memory second{"second"};
    std::pmr::list<int> ones{&first.heap()};
    std::pmr::list<int> twos{&second.heap()};
    auto phase_of_first = first.phase<"fill">();
    ones.assign(10, 1);
    auto phase_of_second = second.phase<"fill">();
    twos.assign(3, 2);
    phase_of_first.close();
    phase_of_second.close();
    const memory_report of_first = first.finish();
    const memory_report of_second = second.finish();
    CHECK(*of_first.heap.allocations == 10);
    CHECK(*of_second.heap.allocations == 3);
    CHECK(*of_first.phases[0].heap.blocks_end == 10);
}

TEST_CASE("any upstream: what it refuses is not counted, and it changes only while nothing is live") {
    std::array<std::byte, 1'000> buffer{};
    std::pmr::monotonic_buffer_resource arena{buffer.data(), buffer.size(), std::pmr::null_memory_resource()};
    heap::resource counted{&arena};
    {
        std::pmr::string text{std::string(500, 'x'), &counted};
        CHECK(counted.counts().live() == 501_B);
        CHECK_THROWS_AS(text.reserve(5'000), std::bad_alloc);
        CHECK(counted.counts().live() == 501_B);
        CHECK(counted.counts().allocations() == 1);
        CHECK_THROWS_AS(counted.set_upstream(*std::pmr::new_delete_resource()), usage_error);
    }
    counted.set_upstream(*std::pmr::new_delete_resource());
    CHECK(std::pmr::string{std::string(5'000, 'x'), &counted}.size() == 5'000);
    CHECK(counted.counts().peak() == 5'001_B);
    heap::resource other;
    CHECK(counted == counted);
    CHECK_FALSE(counted == other);
}

TEST_CASE("peaks are exact with threads") {
    heap::resource counted;
    heap::instance_counter::window window;
    counted.enter(window, nullptr);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 10'000; ++round)
                counted.deallocate(counted.allocate(100), 100);
        });
    for (std::thread& each : threads)
        each.join();
    const heap_figures figures = counted.leave(window, nullptr);
    CHECK(*figures.allocations == 40'000);
    CHECK(*figures.delta == 0_B);
    CHECK(*figures.peak >= 100_B);
    CHECK(*figures.peak <= 400_B);
}

// ---- the allocator --------------------------------------------------------------------------------------------------

namespace {

template <class Value>
using Counted = heap::counted_allocator<Value>;
template <class Value>
using counted_vector = std::vector<Value, Counted<Value>>;

} // namespace

TEST_CASE("an allocator counts for any container") {
    heap::instance_counter counts;
    {
        std::map<int, int, std::less<>, Counted<std::pair<const int, int>>> map{
            Counted<std::pair<const int, int>>{counts}};
        for (int i = 0; i < 100; ++i)
            map[i] = i;
        CHECK(counts.allocations() == 100);
        counted_vector<long> vector{Counted<long>{counts}};
        vector.reserve(50);
        CHECK(counts.allocations() == 101);
        const auto shared = std::allocate_shared<long>(Counted<long>{counts}, 7);
        CHECK(counts.allocations() == 102);
        CHECK(*shared == 7);
    }
    CHECK(counts.live() == 0_B);
    CHECK(counts.deallocations() == 102);
}

TEST_CASE("the counter goes with the memory") {
    heap::instance_counter one;
    heap::instance_counter other;
    counted_vector<char> first(1'000, 'a', Counted<char>{one});
    counted_vector<char> second(10, 'b', Counted<char>{other});

    swap(first, second);
    CHECK(first.get_allocator() == Counted<char>{other});
    CHECK(second.get_allocator() == Counted<char>{one});
    CHECK(one.live() == 1'000_B);

    first = std::move(second); // takes the block along, and frees its own where that was counted
    CHECK(first.size() == 1'000);
    CHECK(one.live() == 1'000_B);
    CHECK(other.live() == 0_B);
    CHECK(one.allocations() == 1);

    counted_vector<char> third{Counted<char>{other}};
    third = first; // a copy stays where it was, as with std::allocator
    CHECK(other.live() == 1'000_B);
    const counted_vector<char> copy = first;
    CHECK(copy.get_allocator() == first.get_allocator());
    CHECK(one.live() == 2'000_B);
    CHECK_FALSE(first.get_allocator() == third.get_allocator());
    const Counted<int> rebound{first.get_allocator()};
    CHECK(rebound == first.get_allocator());
}

namespace {

// Propagates nothing and counts its instances: what the upstream says must hold.
template <class Value>
struct stubborn : std::allocator<Value> {
    using propagate_on_container_copy_assignment = std::true_type;
    using is_always_equal = std::false_type;
    template <class Other>
    struct rebind {
        using other = stubborn<Other>;
    };
    int identity = 0;
    stubborn() = default;
    explicit stubborn(int of) : identity(of) {}
    template <class Other>
    stubborn(const stubborn<Other>& other) : identity(other.identity) {} // NOLINT: converts
    stubborn select_on_container_copy_construction() const { return stubborn{-identity}; }
    bool operator==(const stubborn& other) const { return identity == other.identity; }
};

} // namespace

TEST_CASE("the upstream's own propagation is kept") {
    using Allocator = heap::counted_allocator<char, stubborn<char>>;
    using Vector = std::vector<char, Allocator>;
    heap::instance_counter one;
    heap::instance_counter other;
    Vector first(100, 'a', Allocator{one, stubborn<char>{1}});
    Vector second(200, 'b', Allocator{other, stubborn<char>{2}});
    CHECK_FALSE(first.get_allocator() == second.get_allocator());
    CHECK_FALSE(Allocator{one, stubborn<char>{1}} == Allocator{one, stubborn<char>{2}});
    const Vector copy = first;
    CHECK(copy.get_allocator() == Allocator{one, stubborn<char>{-1}});
    second = first;
    CHECK(second.get_allocator() == first.get_allocator());
    CHECK(other.live() == 0_B);
    CHECK(one.live() == 300_B);
}

// ---- misuse ---------------------------------------------------------------------------------------------------------

namespace {

struct collected {
    std::vector<heap::misuse> errors;
    auto handler() {
        return [this](const heap::misuse& error) { errors.push_back(error); };
    }
};

} // namespace

TEST_CASE("every misuse is an error, once, with what was right") {
    collected found;
    {
        heap::checked_resource<> memory{std::pmr::new_delete_resource(), found.handler()};
        void* const wrong_size = memory.allocate(100);
        memory.deallocate(wrong_size, 90);
        REQUIRE(found.errors.size() == 1);
        CHECK(found.errors[0].kind == heap::misuse_kind::wrong_size);
        CHECK(found.errors[0].message == "a block of 100 bytes was deallocated as one of 90");

        void* const wrong_alignment = memory.allocate(64, 64);
        memory.deallocate(wrong_alignment, 64, 8);
        REQUIRE(found.errors.size() == 2);
        CHECK(found.errors[1].message == "a block of 64 bytes aligned to 64 was deallocated as one aligned to 8");

        void* const twice = memory.allocate(30);
        memory.deallocate(twice, 30);
        memory.deallocate(twice, 30);
        REQUIRE(found.errors.size() == 3);
        CHECK(found.errors[2].kind == heap::misuse_kind::freed_twice);
        CHECK(found.errors[2].message == "a block of 30 bytes was deallocated twice");

        int foreign = 0;
        memory.deallocate(&foreign, sizeof(foreign));
        REQUIRE(found.errors.size() == 4);
        CHECK(found.errors[3].kind == heap::misuse_kind::foreign_block);
        CHECK(memory.counts().live() == 0_B); // and nothing of it is in the counts

        static_cast<void>(memory.allocate(7));
        static_cast<void>(memory.allocate(70));
        memory.deallocate(memory.allocate(10), 10);
        CHECK(found.errors.size() == 4);
    }
    REQUIRE(found.errors.size() == 6);
    CHECK(found.errors[4].kind == heap::misuse_kind::leaked);
    CHECK(found.errors[4].message == "a block of 70 bytes was left when the resource was destroyed");
    CHECK(found.errors[5].size_bytes == 7);
}

TEST_CASE("a right use is no error, containers and all") {
    collected found;
    {
        heap::checked_resource<> memory{std::pmr::new_delete_resource(), found.handler()};
        std::pmr::map<int, std::pmr::string> map{&memory};
        for (int i = 0; i < 2'000; ++i)
            map.emplace(i, std::string(static_cast<std::size_t>(i), 'x'));
        for (int i = 0; i < 2'000; i += 2)
            map.erase(i);
        std::pmr::vector<std::max_align_t> vector(100, &memory);
        vector.resize(10'000);
    }
    CHECK(found.errors.empty());
}

TEST_CASE("a checked resource measures as well") {
    using Checked = profiler<phases<"x">, heap::checked_resource<>>;
    Checked memory{"checked"};
    memory.heap().deallocate(memory.heap().allocate(100), 100);
    CHECK(*memory.finish().heap.allocated == 100_B);
}

} // namespace resource_tests
