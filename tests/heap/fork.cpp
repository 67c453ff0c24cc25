// SPDX-License-Identifier: MIT
// fork(2) in a program whose other threads allocate: the child measures, and its figures are its own.
#include "../invariants.hpp"
#include "counted_heap.hpp"

#include <peakscope/engine/cut.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <new>
#include <thread>

namespace fork_tests {

using namespace peakscope;
using namespace peakscope::literals;

using Memory = profiler<phases<"phase">, tests::counted_heap<>>;

TEST_CASE("a child of fork measures exactly, although its parent's threads were allocating") {
    std::atomic<bool> stop{false};
    const auto busy = [&] {
        while (!stop)
            ::operator delete(::operator new(500));
    };
    std::thread first{busy};
    std::thread second{busy};
    int good = 0;
    constexpr int forks = 100;
    for (int i = 0; i < forks; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::alarm(20); // a deadlock ends the child
            Memory memory{"child"};
            void* const block = ::operator new(12'345);
            const memory_report report = memory.finish();
            ::operator delete(block);
            const bool exact_here = *report.heap.delta == 12'345_B && *report.heap.peak_delta == 12'345_B &&
                                    *report.heap.allocations == 1 && report.heap.peak_precision == exact;
            ::_exit(exact_here ? 0 : 1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    stop = true;
    first.join();
    second.join();
    CHECK(good == forks);
}

TEST_CASE("what others hook into fork may allocate") {
    static void* block = nullptr;
    // Registered after the engine's own: runs before it on the way in. One that is registered before it runs inside its
    // cut; the engine is set up by the first allocation of the process, so that is forced by hand here.
    heap::detail::stop_threads();
    ::operator delete(::operator new(64));
    heap::detail::resume_threads();
    ::pthread_atfork([] { block = ::operator new(100); }, [] { ::operator delete(block); },
                     [] { ::operator delete(block); });
    Memory memory{"fork"};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::alarm(20);
        const memory_report report = memory.finish();
        ::_exit(*report.heap.allocations == 1 && *report.heap.delta == 0_B ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    const memory_report report = memory.finish();
    CHECK(*report.heap.allocations == 1);
    CHECK(*report.heap.delta == 0_B);
}

} // namespace fork_tests
