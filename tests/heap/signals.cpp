// SPDX-License-Identifier: MIT
// Signal handlers that interrupt an event, wherever it is, and allocate: no deadlock, and the counts are right. The C
// library's own malloc may not be called there, so the blocks come from memory of the test's own.
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/interpose/fast_path.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>

#include <doctest/doctest.h>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>

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

TEST_CASE("what a handler allocates that interrupts a label's beginning is the program's") {
    struct sigaction action{};
    action.sa_handler = allocate_in_handler;
    struct sigaction before{};
    REQUIRE(::sigaction(SIGALRM, &action, &before) == 0);
    const ::itimerval often{{0, 50}, {0, 50}};
    const ::itimerval never{};
    handled = 0;
    left_over = 0;
    Memory memory{"labels"};
    REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
    std::array<char, 64> name{};
    for (int i = 0; i < 50'000 || (handled < 500 && i < 5'000'000); ++i) {
        std::snprintf(name.data(), name.size(), "label %d, and so long that its name is a block", i % 50'000);
        const auto label = Memory::label(name.data());
    }
    REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
    const memory_report report = memory.finish();
    REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
    CHECK(handled >= 500);
    CHECK(report.heap.allocated->count == 150 * handled);
    CHECK(report.heap.delta->count == 100 * left_over);
}

// A sanitizer's own memory is not to be limited.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

namespace {

// The process gets no more address space for a while.
void use_up_address_space() {
    long pages = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%ld", &pages) != 1) ::_exit(2);
    std::fclose(file);
    const rlim_t limit = static_cast<rlim_t>(pages) * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + (rlim_t{1} << 20U);
    const rlimit space{limit, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_AS, &space) != 0) ::_exit(2);
}

// 0 when the figures are right.
int count_without_record() {
    static std::atomic<int> stage{0};
    constexpr std::int64_t rounds = 20'000;
    // These have what records there are from earlier.
    std::atomic<int> parked{0};
    for (int i = 0; i < 4; ++i)
        std::thread{[&] {
            deallocate(allocate_at<6>(10));
            ++parked;
            ::pause();
        }}.detach();
    while (parked != 4)
        ::usleep(100);
    handled = 0;
    left_over = 0;
    Memory memory{"no memory for a record"};
    std::thread thread{[] {
        while (stage != 1) {
        }
        const auto label = Memory::label("label");
        const auto work = Memory::work<"first">();
        for (std::int64_t i = 0; i < rounds; ++i)
            deallocate(allocate_at<5>(30));
        stage = 2;
    }};
    use_up_address_space();
    stage = 1;
    while (stage != 2) {
        ::pthread_kill(thread.native_handle(), SIGUSR1);
        ::usleep(20);
    }
    const std::int64_t by_handlers = handled;
    thread.join();
    constexpr rlimit no_limit{RLIM_INFINITY, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_AS, &no_limit) != 0) return 2;
    const memory_report report = memory.finish();
    const bool right = by_handlers > 10 && report.heap.allocated->count >= 30 * rounds + 150 * by_handlers &&
                       report.heap.delta->count < 4'000 + 100 * left_over &&
                       report.labels.at(0).allocated_bytes.count >= 30 * rounds &&
                       report.phases[0].work->allocated.count >= 30 * rounds;
    return right && report.notes.at(0).find("no memory for the tables of some threads") != std::string::npos ? 0 : 1;
}

} // namespace

TEST_CASE("a thread that there was no memory for a record of is counted and may be interrupted, and that is noted") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(20); // a deadlock ends the child
        struct sigaction action{};
        action.sa_handler = allocate_in_handler;
        ::sigaction(SIGUSR1, &action, nullptr);
        ::_exit(count_without_record());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

#endif
#endif
