// SPDX-License-Identifier: MIT
// What comes last in a thread and in a process: figures are as exact as before, and what an earlier owner of a thread's
// tables had in scope is nobody's.
#include "counted_heap.hpp"

#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <array>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <thread>

namespace end_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"first", "second">, tests::counted_heap<>>;

// Left, and no leak: a sanitizer that looks for leaks finds them here.
std::array<void*, 256> left;
std::atomic<std::size_t> left_count{0};

void allocate_and_leave(std::size_t size_bytes) { left.at(left_count++) = ::operator new(size_bytes); }

bytes allocated_by(const memory_report& report, std::string_view label) {
    for (const label_report& each : report.labels)
        if (each.name == label) return each.allocated_bytes;
    return {-1};
}

// Runs `act` in a child of fork; whether the child ended with 0.
template <class Act>
bool succeeds_in_child(Act act) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(20); // a deadlock ends the child
        act();
        ::_exit(1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// So long a name is a block of its own.
constexpr const char* late = "the label of what comes last in a thread";

struct at_end_of_thread {
    bool armed = false;
    ~at_end_of_thread() {
        const auto label = Memory::label(late);
        const auto work = Memory::work<"first">();
        allocate_and_leave(100);
    }
};

std::optional<Memory> running;

void finish_at_exit() {
    {
        const auto phase = Memory::phase<"second">();
        const auto label = Memory::label("the label of what comes last in a process");
        allocate_and_leave(500);
    }
    const memory_report report = running->finish();
    const bool right = *report.heap.delta == 1'500_B && *report.heap.peak_delta == 1'500_B &&
                       report.heap.peak_precision == exact && *report.phase("first").heap.delta == 1'000_B &&
                       *report.phase("second").heap.delta == 500_B &&
                       allocated_by(report, "the label of what comes last in a process") == 500_B;
    ::_exit(right ? 0 : 1);
}

void measure_at_exit() {
    Memory memory{"at exit"};
    allocate_and_leave(5);
    ::_exit(*memory.finish().heap.delta == 5_B ? 0 : 1);
}

} // namespace

TEST_CASE("in a child of fork, a new thread has no label and no work of a thread that the parent had") {
    std::atomic<int> stage{0};
    Memory memory{"fork"};
    std::thread worker{[&] {
        const auto label = Memory::label("worker");
        const auto work = Memory::work<"second">();
        allocate_and_leave(1'000);
        stage = 1;
        while (stage == 1)
            std::this_thread::yield();
    }};
    while (stage == 0)
        std::this_thread::yield();
    CHECK(succeeds_in_child([&] {
        std::thread{[] { allocate_and_leave(77); }}.join();
        const memory_report report = memory.finish();
        const birth_report& born = *report.phase("second").births;
        ::_exit(allocated_by(report, "worker") == 1'000_B && born.allocated == 1'000_B ? 0 : 1);
    }));
    stage = 2;
    worker.join();
    CHECK(allocated_by(memory.finish(), "worker") == 1'000_B);
}

TEST_CASE("a thread that ends with its scopes open leaves them to no other thread") {
    Memory memory{"left open"};
    std::unique_ptr<label_scope> label;
    std::unique_ptr<work_scope> work;
    std::thread{[&] {
        label.reset(new label_scope{Memory::label("left open")});
        work.reset(new work_scope{Memory::work<"first">()});
        allocate_and_leave(30);
    }}.join();
    std::thread{[] { allocate_and_leave(4'000); }}.join();
    const memory_report report = memory.finish();
    CHECK(allocated_by(report, "left open") < 4'000_B);
    CHECK(report.phase("first").births->allocated < 4'000_B);
    CHECK(report.phase("first").work->allocated < 4'000_B);
}

TEST_CASE("labels and work hold in the destructors of a thread's objects, and the profiler's memory is not in them") {
    Memory memory{"ending thread"};
    ::pthread_t thread{};
    REQUIRE(::pthread_create(
                &thread, nullptr,
                [](void*) -> void* {
                    thread_local at_end_of_thread object;
                    object.armed = true;
                    allocate_and_leave(1);
                    return nullptr;
                },
                nullptr) == 0);
    ::pthread_join(thread, nullptr);
    const memory_report report = memory.finish();
    // What the C library allocates for a thread is malloc's, and the library's own registration of the destructor.
    if (!tests::over_malloc) CHECK(*report.heap.delta == 101_B);
    CHECK(allocated_by(report, late) == 100_B);
    REQUIRE(report.phase("first").work);
    CHECK(report.phase("first").work->entries == 1);
    CHECK(report.phase("first").work->allocated == 100_B);
}

TEST_CASE("labels hold in the destructors of a thread's keys, in the last round of them too") {
    static std::atomic<int> rounds{0};
    static ::pthread_key_t key{};
    REQUIRE(::pthread_key_create(&key, [](void* value) {
                const auto label = Memory::label(late);
                allocate_and_leave(10);
                if (++rounds < 4) ::pthread_setspecific(key, value);
            }) == 0);
    Memory memory{"keys"};
    std::thread{[] { ::pthread_setspecific(key, &rounds); }}.join();
    const memory_report report = memory.finish();
    CHECK(rounds == 4);
    CHECK(allocated_by(report, late) == 40_B);
    ::pthread_key_delete(key);
}

TEST_CASE("a measurement may begin and end when the process ends") {
    CHECK(succeeds_in_child([] {
        std::atexit(measure_at_exit);
        std::exit(1);
    }));
    CHECK(succeeds_in_child([] { // on another thread
        std::atexit(measure_at_exit);
        std::thread{[] { std::exit(1); }}.join();
    }));
}

TEST_CASE("a measurement that began before may end when the process ends") {
    CHECK(succeeds_in_child([] {
        std::atexit(finish_at_exit);
        running.emplace("to the end");
        {
            const auto phase = Memory::phase<"first">();
            allocate_and_leave(1'000);
        }
        std::exit(1);
    }));
}

} // namespace end_tests
