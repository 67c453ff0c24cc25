// SPDX-License-Identifier: MIT
// Google Benchmark: memory in its output. Needs Google Benchmark.
//
//     static peakscope::testing::benchmark_memory memory;
//     int main(int argc, char** argv) {
//         benchmark::Initialize(&argc, argv);
//         benchmark::RegisterMemoryManager(&memory);
//         benchmark::RunSpecifiedBenchmarks();
//     }
//
// The library runs each benchmark once more, for a few iterations, and shows allocs_per_iter, max_bytes_used,
// total_allocated_bytes and net_heap_growth of that run (in its JSON; --benchmark_format=json).
#pragma once

#include <peakscope/heap/heap_since.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>

namespace peakscope::testing {

class benchmark_memory final : public benchmark::MemoryManager {
  public:
    void Start() override {
        since_.reset();
        since_.emplace();
    }
    void Stop(Result* result) override { stop(*result); }
    void Stop(Result& result) override { stop(result); }

  private:
    void stop(Result& result) noexcept {
        const heap_figures figures = since_->figures();
        since_.reset();
        // The mark for what is not known, never 0, is what the library has put there.
        const std::int64_t unknown = result.net_heap_growth;
        const auto size = [&](const std::optional<bytes>& value) { return value ? value->count : unknown; };
        result.num_allocs = figures.allocations ? static_cast<std::int64_t>(*figures.allocations) : unknown;
        result.max_bytes_used = size(figures.peak_delta);
        result.total_allocated_bytes = size(figures.allocated);
        result.net_heap_growth = size(figures.delta);
    }

    std::optional<heap::heap_since> since_;
};

} // namespace peakscope::testing
