// SPDX-License-Identifier: MIT
// What counting costs: one deallocation and one allocation of 16 to 1,024 bytes among 4,096 live blocks, with bare
// malloc and with the counted operators, in turns in one run. Prints the median of the repetitions, their spread (the
// range between the quartiles, in percent of the median), and the ratio to bare malloc with as many threads.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_operators.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

struct bare {
    static void* allocate(std::size_t size_bytes) { return std::malloc(size_bytes); }
    static void release(void* block) { std::free(block); }
};
struct counted {
    static void* allocate(std::size_t size_bytes) { return ::operator new(size_bytes); }
    static void release(void* block) { ::operator delete(block); }
};

// The same sizes in the same places for every benchmark and every repetition.
struct plan {
    static constexpr std::size_t live_blocks = 4'096;
    static constexpr std::size_t steps = 65'536;
    std::array<std::uint16_t, steps> size_bytes{};
    std::array<std::uint16_t, steps> place{};

    explicit plan(unsigned seed) {
        std::mt19937 random{seed};
        for (auto& each : size_bytes)
            each = static_cast<std::uint16_t>(16 + random() % 1'009);
        for (auto& each : place)
            each = static_cast<std::uint16_t>(random() % live_blocks);
    }
};

template <class Allocator>
void pair(benchmark::State& state) {
    const auto planned = std::make_unique<plan>(static_cast<unsigned>(state.thread_index()));
    std::vector<void*> live(plan::live_blocks);
    for (std::size_t i = 0; i < live.size(); ++i)
        live[i] = Allocator::allocate(planned->size_bytes[i]);
    std::size_t step = 0;
    for (auto _ : state) {
        void*& block = live[planned->place[step]];
        Allocator::release(block);
        block = Allocator::allocate(planned->size_bytes[step]);
        benchmark::DoNotOptimize(block);
        step = (step + 1) % plan::steps;
    }
    for (void* block : live)
        Allocator::release(block);
}

// Keeps the time of every repetition, and prints nothing until all is done.
class table final : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(const Context&) override { return true; }

    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs)
            if (run.run_type == Run::RT_Iteration && !run.error_occurred)
                nanoseconds_[{run.threads, run.run_name.function_name}].push_back(run.GetAdjustedRealTime() *
                                                                                  static_cast<double>(run.threads));
    }

    void print() {
        std::printf("%-8s %-18s %10s %8s %8s %12s\n", "threads", "allocator", "median ns", "spread", "ratio",
                    "repetitions");
        for (auto& [key, times] : nanoseconds_) {
            const auto& [threads, name] = key;
            std::sort(times.begin(), times.end());
            const auto at = [&times = times](double part) {
                return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
            };
            auto& base = nanoseconds_[{threads, "bare malloc"}];
            std::nth_element(base.begin(), base.begin() + static_cast<long>(base.size() / 2), base.end());
            std::printf("%-8lld %-18s %10.2f %7.1f%% %8.3f %12zu\n", static_cast<long long>(threads), name.c_str(),
                        at(0.5), 100 * (at(0.75) - at(0.25)) / at(0.5), at(0.5) / base[base.size() / 2], times.size());
        }
    }

  private:
    std::map<std::pair<std::int64_t, std::string>, std::vector<double>> nanoseconds_;
};

void add(const char* name, void (*run)(benchmark::State&)) {
    for (const int threads : {1, 2})
        benchmark::RegisterBenchmark(name, run)->Threads(threads)->UseRealTime()->Repetitions(15)->MinTime(0.1);
}

} // namespace

int main(int argc, char** argv) {
    // Interleaved, so that a change of the machine's speed meets all of them: an option of the library.
    std::vector<char*> arguments(argv, argv + argc);
    std::string interleaving = "--benchmark_enable_random_interleaving=true";
    arguments.push_back(interleaving.data());
    int count = static_cast<int>(arguments.size());
    add("bare malloc", pair<bare>);
    add("counting", pair<counted>);
    benchmark::Initialize(&count, arguments.data());
    table results;
    benchmark::RunSpecifiedBenchmarks(&results);
    results.print();
}
