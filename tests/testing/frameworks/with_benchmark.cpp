// SPDX-License-Identifier: MIT
#include "work.hpp"

#include <peakscope/testing/benchmark.hpp>

static peakscope::testing::benchmark_memory memory;

static void three_blocks(benchmark::State& state) {
    for (auto _ : state) {
        void* const held = work::taken(1'000);
        work::takes(500);
        work::takes(200);
        ::operator delete(held);
    }
}
BENCHMARK(three_blocks);

static void leaks(benchmark::State& state) {
    for (auto _ : state)
        benchmark::DoNotOptimize(work::taken(64));
}
BENCHMARK(leaks)->Iterations(10);

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    benchmark::RegisterMemoryManager(&memory);
    benchmark::RunSpecifiedBenchmarks();
}
