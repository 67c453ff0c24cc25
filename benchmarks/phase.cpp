// SPDX-License-Identifier: MIT
// What entering and leaving a phase costs, with each source alone, and with other threads in the process. Built with
// ALLOCATOR, which must then be linked: with its statistics alone. The replaced operators are linked, or with ALLOCATOR
// the bodies alone.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/glibc.hpp>
#include <peakscope/heap/jemalloc.hpp>
#include <peakscope/heap/mimalloc.hpp>
#include <peakscope/heap/tcmalloc.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/procfs.hpp>
#include <peakscope/rss/rusage.hpp>
#include <peakscope/rss/smaps.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

namespace {

using namespace peakscope;

template <class Heap, class Rss>
void enter_and_leave(benchmark::State& state) {
    using Memory = profiler<phases<"work">, Heap, Rss>;
    std::vector<std::jthread> others;
    for (long i = 0; i < state.range(0); ++i)
        others.emplace_back([](const std::stop_token& stop) {
            while (!stop.stop_requested())
                std::this_thread::sleep_for(std::chrono::milliseconds{10});
        });
    Memory memory{"phases"};
    for (auto _ : state)
        auto open = Memory::template phase<"work">();
}

} // namespace

#ifdef ALLOCATOR
#define NAME_OF(allocator) #allocator
#define NAMED(allocator) NAME_OF(allocator)
BENCHMARK(enter_and_leave<heap::ALLOCATOR<>, rss::none>)->Name("heap::" NAMED(ALLOCATOR) ", idle threads")->Arg(0);
#ifdef BY_THREAD
BENCHMARK(enter_and_leave<heap::ALLOCATOR<heap::this_thread>, rss::none>)
    ->Name("heap::" NAMED(ALLOCATOR) "<this_thread>, idle threads")
    ->Arg(0);
#endif
#else
BENCHMARK(enter_and_leave<heap::counting<>, rss::none>)->Name("heap::counting, idle threads")->Arg(0)->Arg(8);
BENCHMARK(enter_and_leave<heap::glibc<>, rss::none>)->Name("heap::glibc, idle threads")->Arg(0);
BENCHMARK(enter_and_leave<heap::none, rss::procfs>)->Name("rss::procfs, idle threads")->Arg(0);
BENCHMARK(enter_and_leave<heap::none, rss::procfs_shared<100>>)->Name("rss::procfs_shared<100>, idle threads")->Arg(0);
BENCHMARK(enter_and_leave<heap::none, rss::smaps>)->Name("rss::smaps, idle threads")->Arg(0);
BENCHMARK(enter_and_leave<heap::none, rss::rusage>)->Name("rss::rusage, idle threads")->Arg(0);
#endif
BENCHMARK_MAIN();
