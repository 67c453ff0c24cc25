// SPDX-License-Identifier: MIT
// The replaced the malloc family keep glibc's promises at every edge, and count what they should. Where both are at
// hand, glibc's own function is asked the same question.
#include "../invariants.hpp"

#include <peakscope/heap/interpose/glibc_allocator.hpp>
#include <peakscope/heap/malloc_counting.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <thread>
#include <vector>

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"phase">, heap::malloc_counting<>>;

// Volatile, so that no compiler knows what the functions do.
template <class Function>
Function* opaque(Function* function) {
    Function* volatile hidden = function;
    return hidden;
}
const auto c_malloc = opaque(&::malloc);
const auto c_calloc = opaque(&::calloc);
const auto c_realloc = opaque(&::realloc);
const auto c_reallocarray = opaque(&::reallocarray);
const auto c_free = opaque(&::free);
const auto c_posix_memalign = opaque(&::posix_memalign);
const auto c_aligned_alloc = opaque(&::aligned_alloc);
const auto c_memalign = opaque(&::memalign);
const auto c_valloc = opaque(&::valloc);
const auto c_pvalloc = opaque(&::pvalloc);
const auto c_usable_size = opaque(&::malloc_usable_size);

bool is_aligned(const void* block, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

// errno as `work` leaves it when it was 0 before.
template <class Work>
int errno_of(Work work) {
    errno = 0;
    work();
    return errno;
}

memory_report figures_of(const std::function<void()>& work) {
    Memory memory{"functions"};
    work();
    memory_report report = memory.finish();
    tests::check_invariants(report);
    return report;
}

void check_counted(const memory_report& report, std::int64_t allocated_bytes, std::uint64_t allocations,
                   std::int64_t delta_bytes, std::int64_t peak_bytes) {
    CHECK(report.heap.allocated->count == allocated_bytes);
    CHECK(*report.heap.allocations == allocations);
    CHECK(report.heap.delta->count == delta_bytes);
    CHECK(report.heap.peak_delta->count == peak_bytes);
    CHECK(report.heap.peak_precision == exact);
    CHECK(report.notes.empty());
}

constexpr std::size_t too_much = SIZE_MAX / 2;    // more than any object may have
constexpr std::size_t no_memory = SIZE_MAX / 256; // more than any address space has

} // namespace

TEST_CASE("heap::counting does not pass for what counts malloc too") {
    using Operators = profiler<phases<"phase">, heap::counting<>>;
    const auto start = [] { Operators memory{"operators"}; };
    CHECK_THROWS_WITH_AS(
        start(),
        "malloc is counted too, and not operator new alone: measure with heap::malloc_counting, or "
        "include <peakscope/heap/counting_operators.hpp> in the place of malloc_counting_functions.hpp",
        source_error);
}

TEST_CASE("blocks of no bytes have addresses of their own") {
    void* const first = c_malloc(0);
    void* const second = c_malloc(0);
    void* const third = c_calloc(0, 10);
    CHECK(first != nullptr);
    CHECK(second != nullptr);
    CHECK(first != second);
    CHECK(third != nullptr);
    CHECK(third != first);
    c_free(first);
    c_free(second);
    c_free(third);
    c_free(nullptr);
}

TEST_CASE("sizes that cannot be had give null and ENOMEM, as glibc does") {
    for (const std::size_t size : {too_much, too_much + 1, SIZE_MAX - 15, SIZE_MAX, no_memory}) {
        CAPTURE(size);
        CHECK(errno_of([&] { CHECK(c_malloc(size) == nullptr); }) == ENOMEM);
        CHECK(errno_of([&] { CHECK(::__libc_malloc(size) == nullptr); }) == ENOMEM);
        CHECK(errno_of([&] { CHECK(c_calloc(1, size) == nullptr); }) == ENOMEM);
        CHECK(errno_of([&] { CHECK(c_memalign(64, size) == nullptr); }) == ENOMEM);
        CHECK(errno_of([&] { CHECK(c_aligned_alloc(4096, size) == nullptr); }) == ENOMEM);
        CHECK(errno_of([&] { CHECK(c_valloc(size) == nullptr); }) == ENOMEM);
        CHECK(errno_of([&] { CHECK(c_pvalloc(size) == nullptr); }) == ENOMEM);
        CHECK(errno_of([&] { CHECK(c_realloc(nullptr, size) == nullptr); }) == ENOMEM);
        void* untouched = &untouched;
        CHECK(c_posix_memalign(&untouched, 64, size) == ENOMEM);
        CHECK(untouched == &untouched);
        CHECK_THROWS_AS(static_cast<void>(::operator new(size)), std::bad_alloc);
        CHECK(::operator new(size, std::nothrow) == nullptr);
    }
}

TEST_CASE("a product that overflows is no small block") {
    const std::size_t half = SIZE_MAX / 2 + 2;
    CHECK(errno_of([&] { CHECK(c_calloc(half, 2) == nullptr); }) == ENOMEM);
    CHECK(errno_of([&] { CHECK(c_calloc(2, half) == nullptr); }) == ENOMEM);
    void* const block = c_malloc(10);
    std::memset(block, 7, 10);
    CHECK(errno_of([&] { CHECK(c_reallocarray(block, half, 2) == nullptr); }) == ENOMEM);
    CHECK(static_cast<unsigned char*>(block)[9] == 7);
    c_free(block);
    CHECK(c_calloc(0, SIZE_MAX) != nullptr);
}

TEST_CASE("realloc: from null, to nothing, to too much") {
    void* block = c_realloc(nullptr, 100);
    REQUIRE(block != nullptr);
    std::memset(block, 42, 100);
    CHECK(errno_of([&] { CHECK(c_realloc(block, no_memory) == nullptr); }) == ENOMEM);
    CHECK(errno_of([&] { CHECK(c_realloc(block, too_much + 1) == nullptr); }) == ENOMEM);
    CHECK(c_usable_size(block) >= 100);
    CHECK(std::count(static_cast<char*>(block), static_cast<char*>(block) + 100, 42) == 100);
    CHECK(errno_of([&] { CHECK(c_realloc(block, 0) == nullptr); }) == 0); // freed, as glibc does
    block = c_reallocarray(nullptr, 10, 10);
    REQUIRE(block != nullptr);
    CHECK(c_reallocarray(block, 0, 10) == nullptr);
}

TEST_CASE("what a block holds moves with it, whatever its alignment was") {
    for (const std::size_t alignment : {std::size_t{0}, std::size_t{32}, std::size_t{4096}})
        for (const std::size_t to : {std::size_t{1}, std::size_t{40}, std::size_t{5'000}, std::size_t{3'000'000}}) {
            CAPTURE(alignment);
            CAPTURE(to);
            constexpr std::size_t from = 1'000;
            auto* block = static_cast<unsigned char*>(alignment == 0 ? c_malloc(from) : c_memalign(alignment, from));
            for (std::size_t i = 0; i < from; ++i)
                block[i] = static_cast<unsigned char>(i * 7);
            block = static_cast<unsigned char*>(c_realloc(block, to));
            REQUIRE(block != nullptr);
            bool same = true;
            for (std::size_t i = 0; i < std::min(from, to); ++i)
                same = same && block[i] == static_cast<unsigned char>(i * 7);
            CHECK(same);
            CHECK(is_aligned(block, 16));
            c_free(block);
        }
}

TEST_CASE("calloc gives zeros where other blocks have been") {
    for (const std::size_t size : {std::size_t{1}, std::size_t{24}, std::size_t{1'000}, std::size_t{300'000}}) {
        void* const dirty = c_malloc(size);
        std::memset(dirty, 255, size);
        c_free(dirty);
        auto* const clean = static_cast<unsigned char*>(c_calloc(1, size));
        CHECK(std::all_of(clean, clean + size, [](unsigned char each) { return each == 0; }));
        c_free(clean);
    }
}

TEST_CASE("alignments: good ones are kept, bad ones are told as glibc tells them") {
    for (std::size_t alignment = 1; alignment <= 1 << 21; alignment *= 2)
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{17}, std::size_t{5'000}}) {
            CAPTURE(alignment);
            CAPTURE(size);
            void* const odd = c_aligned_alloc(alignment, size); // also where the size is no multiple
            REQUIRE(odd != nullptr);
            CHECK(is_aligned(odd, std::max<std::size_t>(alignment, 16)));
            std::memset(odd, 1, size);
            CHECK(c_usable_size(odd) >= size);
            c_free(odd);
            if (alignment < sizeof(void*)) continue;
            void* block = nullptr;
            REQUIRE(c_posix_memalign(&block, alignment, size) == 0);
            CHECK(is_aligned(block, alignment));
            c_free(block);
        }
    for (const std::size_t alignment : {0U, 1U, 2U, 3U, 4U, 7U, 12U, 24U, 100U}) {
        CAPTURE(alignment);
        void* untouched = &untouched;
        CHECK(errno_of([&] { CHECK(c_posix_memalign(&untouched, alignment, 10) == EINVAL); }) == 0);
        CHECK(untouched == &untouched);
    }
    for (const std::size_t alignment : {3U, 24U, 48U, 100U, 5'000U}) { // rounded up
        void* const block = c_memalign(alignment, 10);
        void* const of_glibc = ::__libc_memalign(alignment, 10);
        CHECK(block != nullptr);
        CHECK(of_glibc != nullptr);
        CHECK(is_aligned(block, std::bit_ceil(alignment)));
        CHECK(is_aligned(of_glibc, std::bit_ceil(alignment)));
        c_free(block);
        ::__libc_free(of_glibc);
    }
    CHECK(errno_of([&] { CHECK(c_memalign(SIZE_MAX, 10) == nullptr); }) == EINVAL);
    CHECK(errno_of([&] { CHECK(::__libc_memalign(SIZE_MAX, 10) == nullptr); }) == EINVAL);
    CHECK(errno_of([&] { CHECK(c_memalign(SIZE_MAX / 2 + 1, 10) == nullptr); }) ==
          errno_of([&] { CHECK(::__libc_memalign(SIZE_MAX / 2 + 1, 10) == nullptr); }));
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, page, page + 1}) {
        void* const block = c_valloc(size);
        void* const whole_pages = c_pvalloc(size);
        CHECK(is_aligned(block, page));
        CHECK(is_aligned(whole_pages, page));
        CHECK(c_usable_size(whole_pages) >= (size + page - 1) / page * page);
        c_free(block);
        c_free(whole_pages);
    }
}

TEST_CASE("free, and what succeeds, leave errno alone") {
    errno = 77;
    void* const small = c_malloc(10);
    void* const large = c_malloc(10'000'000);
    void* const aligned = c_memalign(4096, 100);
    c_free(small);
    c_free(large);
    c_free(aligned);
    CHECK(errno == 77);
    std::thread{[] {
        errno = 78;
        c_free(c_malloc(10)); // the first event of a thread takes the longest way
        CHECK(errno == 78);
    }}.join();
}

TEST_CASE("a block that glibc handed out past us is freed and resized all the same, and told of") {
    const memory_report report = figures_of([] {
        c_free(::__libc_malloc(100));
        void* const block = c_realloc(::__libc_malloc(100), 5'000);
        CHECK(c_usable_size(block) >= 5'000);
        c_free(block);
    });
    CHECK(*report.heap.allocations == 0);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].find("3 blocks") != std::string::npos);
}

TEST_CASE("every function is counted once, with what was asked for") {
    std::vector<void*> made(16);
    memory_report report = figures_of([&] {
        made[0] = c_malloc(100);
        made[1] = c_calloc(10, 20);
        made[2] = c_realloc(nullptr, 300);
        made[3] = c_reallocarray(nullptr, 4, 100);
        CHECK(c_posix_memalign(&made[4], 64, 500) == 0);
        made[5] = c_aligned_alloc(256, 600);
        made[6] = c_memalign(8'192, 700);
        made[7] = c_valloc(800);
        made[8] = c_pvalloc(1); // a page
        made[9] = ::operator new(900);
        made[10] = ::operator new(1'000, std::align_val_t{128});
        made[11] = ::strdup("twelve bytes");
    });
    check_counted(report, 5'513 + 4'096, 12, 5'513 + 4'096, 5'513 + 4'096);
    report = figures_of([&] {
        ::operator delete(made[9]);
        ::operator delete(made[10], std::align_val_t{128});
        for (const std::size_t i : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 11U})
            c_free(made[i]);
    });
    CHECK(report.heap.freed->count == 5'513 + 4'096);
    CHECK(*report.heap.deallocations == 12);
    CHECK(report.heap.delta->count == -(5'513 + 4'096));
}

TEST_CASE("a resize is one allocation and one deallocation, and never holds both blocks") {
    void* block = c_malloc(1'000);
    memory_report report = figures_of([&] { block = c_realloc(block, 5'000'000); });
    check_counted(report, 5'000'000, 1, 4'999'000, 4'999'000);
    CHECK(report.heap.freed->count == 1'000);
    report = figures_of([&] { block = c_realloc(block, 9'000'000); }); // glibc moves its pages
    check_counted(report, 9'000'000, 1, 4'000'000, 4'000'000);
    report = figures_of([&] { block = c_realloc(block, 10); });
    check_counted(report, 10, 1, -8'999'990, 0);
    report = figures_of([&] { CHECK(c_realloc(block, no_memory) == nullptr); }); // what fails has not happened
    check_counted(report, 0, 0, 0, 0);
    c_free(block);
    block = c_memalign(4'096, 1'000);
    report = figures_of([&] { block = c_realloc(block, 2'000); });
    check_counted(report, 2'000, 1, 1'000, 1'000);
    c_free(block);
}

TEST_CASE("what the C library allocates for its caller is seen") {
    memory_report report = figures_of([] {
        char* copy = ::strndup("hello, world", 5);
        c_free(copy);
    });
    check_counted(report, 6, 1, 0, 6);
    report = figures_of([] {
        char* text = nullptr;
        std::size_t size = 0;
        std::FILE* const stream = ::open_memstream(&text, &size);
        for (int i = 0; i < 10'000; ++i)
            std::fputs("0123456789", stream);
        std::fclose(stream);
        CHECK(size == 100'000);
        c_free(text);
    });
    CHECK(report.heap.peak_delta->count > 100'000);
    CHECK(report.heap.delta->count == 0);
    report = figures_of([] { c_free(::realpath("/", nullptr)); });
    CHECK(*report.heap.allocations >= 1);
    CHECK(report.heap.delta->count == 0);
}

TEST_CASE("threads: each one's end gives back what the C library had for it") {
    const auto work = [] {
        for (int i = 0; i < 1'000; ++i)
            c_free(c_realloc(c_malloc(100), 200));
        thread_local std::vector<int> leaves_late(100);
        leaves_late[0] = 1;
    };
    std::thread{work}.join(); // glibc keeps the stack of one, and its thread-local blocks, for the next
    const memory_report report = figures_of([&] {
        for (int i = 0; i < 50; ++i)
            std::thread{work}.join();
    });
    CHECK(report.heap.delta->count == 0);
    CHECK(*report.heap.allocations == *report.heap.deallocations);
    CHECK(*report.heap.allocations >= 50 * 2'001);
}

TEST_CASE("a block outlives the thread that allocated it") {
    void* block = nullptr;
    const memory_report report = figures_of([&] {
        std::thread{[&] { block = c_malloc(12'345); }}.join();
        c_free(block);
    });
    CHECK(report.heap.delta->count == 0);
}

namespace {

// What is destroyed after main frees memory, and may still allocate.
struct at_exit {
    void* block = nullptr;
    ~at_exit() {
        c_free(block);
        c_free(c_realloc(c_malloc(10), 20));
    }
};
at_exit lives_until_the_end{::malloc(77)};

} // namespace

TEST_CASE("fork: what others hook into it may allocate, and the child's figures are its own") {
    static void* block = nullptr;
    ::pthread_atfork([] { block = c_malloc(100); }, [] { c_free(block); }, [] { c_free(block); });
    std::atomic<bool> stop{false};
    std::thread busy{[&] {
        while (!stop)
            c_free(c_realloc(c_malloc(100), 3'000));
    }};
    int good = 0;
    constexpr int forks = 50;
    for (int i = 0; i < forks; ++i) {
        const ::pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::alarm(20); // a deadlock ends the child
            Memory memory{"child"};
            void* const mine = c_realloc(c_malloc(1'000), 12'345);
            const memory_report report = memory.finish();
            c_free(mine);
            const bool right = report.heap.delta->count == 12'345 && *report.heap.allocations == 2 &&
                               report.heap.peak_delta->count == 12'345 && report.heap.peak_precision == exact;
            ::_exit(right ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    stop = true;
    busy.join();
    CHECK(good == forks);
}
