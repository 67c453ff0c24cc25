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
// total_allocated_bytes and net_heap_growth of that run (in its JSON; --benchmark_format=json). The library's own
// block, which it allocates first and frees last, is in none of them.
#pragma once

#include <peakscope/heap/heap_since.hpp>
#include <peakscope/testing/test_memory.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <optional>

namespace peakscope::testing {

class benchmark_memory final : public benchmark::MemoryManager {
  public:
    // Not marked `override`: of the two forms of Stop, newer versions of the library have the second alone.
    // NOLINTBEGIN(modernize-use-override,cppcoreguidelines-explicit-virtual-functions)
    void Start() {
        library_.reset();
        since_.reset();
        since_.emplace();
        library_.emplace();
    }
    void Stop(Result* result) { stop(*result); }
    void Stop(Result& result) { stop(result); }
    // NOLINTEND(modernize-use-override,cppcoreguidelines-explicit-virtual-functions)

  private:
    void stop(Result& result) noexcept {
        const heap_figures figures = since_->figures();
        since_.reset();
        // The mark for what is not known, never 0, is what the library has put there.
        const std::int64_t unknown = result.net_heap_growth;
        const auto size = [&](const std::optional<bytes>& value) { return value ? value->count : unknown; };
        const auto own = static_cast<std::int64_t>(library_->requested_bytes());
        library_.reset();
        result.num_allocs =
            figures.allocations ? static_cast<std::int64_t>(*figures.allocations) - (own > 0 ? 1 : 0) : unknown;
        result.max_bytes_used = figures.peak_delta ? figures.peak_delta->count - own : unknown;
        result.total_allocated_bytes = figures.allocated ? figures.allocated->count - own : unknown;
        result.net_heap_growth = size(figures.delta);
    }

    std::optional<heap::heap_since> since_;
    std::optional<detail::first_block> library_;
};

} // namespace peakscope::testing
