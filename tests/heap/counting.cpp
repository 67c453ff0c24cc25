// SPDX-License-Identifier: MIT
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/interpose/fast_path.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <vector>

namespace counting_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Source = heap::counting<>;
using Memory = profiler<phases<"phase">, Source>;

// What one window sees of `act`.
template <class Act>
heap_figures measured(Act act) {
    Memory memory{"a window"};
    act();
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(report.heap.peak_precision == exact);
    CHECK(report.heap.totals_precision == exact);
    return report.heap;
}

} // namespace

TEST_CASE("every form of operator new and delete counts once, with the size asked for") {
    constexpr std::size_t size = 1'000;
    constexpr std::align_val_t wide{256};
    using free_form = void (*)(void*);
    struct form {
        const char* name;
        void* (*allocate)();
        free_form release;
    };
    const std::vector<form> forms{
        {"plain", [] { return ::operator new(size); }, [](void* p) { ::operator delete(p); }},
        {"sized", [] { return ::operator new(size); }, [](void* p) { ::operator delete(p, size); }},
        {"array", [] { return ::operator new[](size); }, [](void* p) { ::operator delete[](p); }},
        {"sized array", [] { return ::operator new[](size); }, [](void* p) { ::operator delete[](p, size); }},
        {"nothrow", [] { return ::operator new(size, std::nothrow); },
         [](void* p) { ::operator delete(p, std::nothrow); }},
        {"nothrow array", [] { return ::operator new[](size, std::nothrow); },
         [](void* p) { ::operator delete[](p, std::nothrow); }},
        {"aligned", [] { return ::operator new(size, wide); }, [](void* p) { ::operator delete(p, wide); }},
        {"sized aligned", [] { return ::operator new(size, wide); }, [](void* p) { ::operator delete(p, size, wide); }},
        {"aligned array", [] { return ::operator new[](size, wide); }, [](void* p) { ::operator delete[](p, wide); }},
        {"sized aligned array", [] { return ::operator new[](size, wide); },
         [](void* p) { ::operator delete[](p, size, wide); }},
        {"aligned nothrow", [] { return ::operator new(size, wide, std::nothrow); },
         [](void* p) { ::operator delete(p, wide, std::nothrow); }},
        {"aligned nothrow array", [] { return ::operator new[](size, wide, std::nothrow); },
         [](void* p) { ::operator delete[](p, wide, std::nothrow); }},
    };
    for (const form& each : forms) {
        CAPTURE(each.name);
        const heap_figures figures = measured([&] {
            void* first = each.allocate();
            void* second = each.allocate();
            each.release(first);
            each.release(second);
        });
        CHECK(*figures.allocated == 2'000_B);
        CHECK(*figures.freed == 2'000_B);
        CHECK(*figures.peak_delta == 2'000_B);
        CHECK(*figures.delta == 0_B);
        CHECK(*figures.allocations == 2);
        CHECK(*figures.deallocations == 2);
    }
}

TEST_CASE("blocks are aligned as asked for, distinct, and writable to their end") {
    for (std::size_t alignment = 1; alignment <= 65'536; alignment *= 2) {
        for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 1'000U, 70'000U}) {
            auto* const block = static_cast<unsigned char*>(::operator new(size, std::align_val_t{alignment}));
            auto* const other = static_cast<unsigned char*>(::operator new(size, std::align_val_t{alignment}));
            CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
            CHECK(block != other);
            std::fill(block, block + size, static_cast<unsigned char>(0xee));
            ::operator delete(block, std::align_val_t{alignment});
            ::operator delete(other, std::align_val_t{alignment});
        }
    }
    auto* const plain = ::operator new(1);
    CHECK(reinterpret_cast<std::uintptr_t>(plain) % alignof(std::max_align_t) == 0);
    ::operator delete(plain);
}

TEST_CASE("a block of no bytes is a block; deleting null is nothing") {
    const heap_figures figures = measured([] {
        void* const empty = ::operator new(0);
        ::operator delete(empty);
        ::operator delete(nullptr);
        ::operator delete[](nullptr);
    });
    CHECK(*figures.allocations == 1);
    CHECK(*figures.deallocations == 1);
    CHECK(*figures.allocated == 0_B);
}

TEST_CASE("a block from before the window that is freed in it lowers the delta and counts as freed") {
    void* const before = ::operator new(5'000); // not a new-expression: the compiler may leave out one that is not used
    const heap_figures figures = measured([&] { ::operator delete(before); });
    CHECK(*figures.delta == -5'000_B);
    CHECK(*figures.freed == 5'000_B);
    CHECK(*figures.allocated == 0_B);
    CHECK(*figures.peak_delta == 0_B);
    CHECK(*figures.blocks_start == *figures.blocks_end + 1);
}

TEST_CASE("a size that no heap has is refused by form, and counts nothing") {
    const std::size_t huge = std::numeric_limits<std::size_t>::max() - 20;
    const heap_figures figures = measured([&] {
        for (const std::size_t size : {huge, huge / 2}) {
            CHECK(::operator new(size, std::nothrow) == nullptr);
            CHECK(::operator new(size, std::align_val_t{4'096}, std::nothrow) == nullptr);
            bool thrown = false;
            try {
                ::operator delete(::operator new(size));
            } catch (const std::bad_alloc&) {
                thrown = true;
            }
            CHECK(thrown);
        }
    });
    CHECK(*figures.allocations == 0);
}

TEST_CASE("the new_handler is called until it gives up") {
    static int calls;
    calls = 0;
    std::set_new_handler([] {
        if (++calls == 3) std::set_new_handler(nullptr);
    });
    CHECK_THROWS_AS(static_cast<void>(::operator new(std::numeric_limits<std::size_t>::max() / 2)), std::bad_alloc);
    CHECK(calls == 3);
    std::set_new_handler([] { throw std::bad_alloc{}; });
    CHECK(::operator new(std::numeric_limits<std::size_t>::max() / 2, std::nothrow) == nullptr);
    std::set_new_handler(nullptr);
}

TEST_CASE("the profiler's own memory is in no figure of the program, wherever it is freed") {
    std::vector<char> own;
    std::optional<bytes> own_before;
    std::optional<bytes> own_during;
    const heap_figures figures = measured([&] {
        own_before = Source{}.own_bytes();
        {
            const Source::own_memory uncounted;
            own.resize(10'000);
        }
        own_during = Source{}.own_bytes();
        own = {}; // freed outside of the scope
    });
    CHECK(*figures.allocations == 0);
    CHECK(*figures.deallocations == 0);
    CHECK(*own_during - *own_before == 10'016_B); // and the block's header
}

TEST_CASE("profiler_bytes counts sixteen bytes a block, and what over-aligned blocks waste") {
    const Source source;
    // The first event takes pages of the engine's tables, which count as well.
    ::operator delete(::operator new(100, std::align_val_t{1'024}), std::align_val_t{1'024});
    ::operator delete(::operator new(100));
    const bytes before = *source.own_bytes();
    void* const block = ::operator new(100);
    CHECK(*source.own_bytes() - before == 16_B);
    void* const aligned = ::operator new(100, std::align_val_t{1'024});
    CHECK(*source.own_bytes() - before == 16_B + 1'024_B);
    ::operator delete(aligned, std::align_val_t{1'024});
    ::operator delete(block);
    CHECK(*source.own_bytes() == before);
}

TEST_CASE("a block that did not come from the counted operators is freed, counted nowhere, and noted") {
    Memory memory{"foreign"};
    void* volatile foreign = std::malloc(64); // as a library with an operator new of its own might hand out
    ::operator delete(foreign);
    const memory_report report = memory.finish();
    CHECK(*report.heap.deallocations == 0);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes.front() ==
          "heap: 1 blocks were freed that the counted operator new did not allocate; they are in no figure");
}

// Whatever the size: nobody writes to these blocks.
struct boundless {
    alignas(16) static inline std::byte memory[64];
    static void* allocate(std::size_t) noexcept { return memory; }
    static void* allocate_aligned(std::size_t, std::size_t) noexcept { return memory; }
    static void deallocate(void*) noexcept {}
};

TEST_CASE("more than 2^63 bytes allocated in all are no figure, and all others are as they are") {
    Memory memory{"very much"};
    {
        const auto phase = Memory::phase<"phase">();
        const auto work = Memory::work<"phase">();
        const auto label = Memory::label("label");
        for (int i = 0; i < 3; ++i)
            heap::detail::counted_delete<boundless>(
                heap::detail::counted_new<boundless, heap::detail::on_failure::gives_null>(std::size_t{1} << 62U));
    }
    const memory_report report = memory.finish();
    for (const heap_figures& each : {report.heap, report.phase("phase").heap}) {
        CHECK_FALSE(each.allocated);
        CHECK_FALSE(each.freed);
        CHECK(*each.delta == 0_B);
        CHECK(*each.peak_delta == bytes{std::int64_t{1} << 62U});
        CHECK(*each.allocations == 3);
    }
    CHECK(report.phase("phase").work->allocated == bytes{INT64_MAX});
    CHECK(report.labels.at(0).allocated_bytes == bytes{INT64_MAX});
    CHECK(report.labels.at(0).delta_bytes == 0_B);
}

TEST_CASE("opening, closing and finishing allocate nothing of the program's") {
    const heap_figures figures = measured([] {
        for (int i = 0; i < 10; ++i)
            auto phase = Memory::phase<"phase">();
    });
    CHECK(*figures.allocations == 0);
    CHECK(*figures.deallocations == 0);
}

TEST_CASE("what a measurement has noted is given back when it is over") {
    const auto allocate_under_labels = [] {
        std::string name;
        for (int i = 0; i < 5'000; ++i) {
            const auto label = Memory::label(name = "label " + std::to_string(i));
            ::operator delete(::operator new(24));
        }
    };
    std::vector<std::int64_t> resident; // of all tables, after each
    for (int run = 0; run < 6; ++run) {
        Memory measurement{"many origins"};
        allocate_under_labels();
        CHECK(measurement.finish().labels.size() == 5'000);
        resident.push_back(memory::resident_table_bytes.load());
    }
    // Those of the process are used again, give or take a page. One index of 5,000 origins has 16.
    CHECK(resident.back() < resident[2] + 65'536);
}

} // namespace counting_tests
