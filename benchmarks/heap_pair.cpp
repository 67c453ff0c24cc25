// SPDX-License-Identifier: MIT
// What counting costs: one deallocation and one allocation of 16 to 1,024 bytes among 4,096 live blocks, with bare
// malloc and with the counted operators inside a measurement, in turns in one run. Prints the median of the
// repetitions, their spread (the range between the quartiles, in percent of the median), and the ratio to bare malloc
// with as many threads. Twelve calls deep, so that stacks of eight frames are of the benchmark's own code.
//
// With --bare, bare malloc alone: to be run under another profiler.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/heap/counting_switch.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct bare {
    static void* allocate(std::size_t size_bytes) { return std::malloc(size_bytes); }
    static void release(void* block) { std::free(block); }
};
// The C++ library's own operators, which those that count stand in for.
template <class Function>
Function* replaced(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}
struct bare_operators {
    static inline void* (*const operator_new)(std::size_t) = replaced<void*(std::size_t)>("_Znwm");
    static inline void (*const operator_delete)(void*) = replaced<void(void*)>("_ZdlPv");

    static void* allocate(std::size_t size_bytes) { return operator_new(size_bytes); }
    static void release(void* block) { operator_delete(block); }
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
[[gnu::noinline]] void pair(benchmark::State& state) {
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

template <class Allocator, int Depth>
[[gnu::noinline]] void called_deep(benchmark::State& state) {
    if constexpr (Depth == 0)
        pair<Allocator>(state);
    else
        called_deep<Allocator, Depth - 1>(state);
    benchmark::ClobberMemory(); // no tail call
}

// The measurement that runs around a benchmark.
template <class Source>
class measured {
  public:
    static void begin(const benchmark::State&) {
        source_ = std::make_unique<Source>();
        window_ = std::make_unique<typename Source::window>();
        source_->open();
        source_->attribute(0, 0);
        source_->enter(*window_, nullptr);
    }
    static void end(const benchmark::State&) {
        source_->leave(*window_, nullptr);
        source_->close();
    }

  private:
    static inline std::unique_ptr<Source> source_;
    static inline std::unique_ptr<typename Source::window> window_;
};

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

benchmark::internal::Benchmark* add(const char* name, void (*run)(benchmark::State&)) {
    return benchmark::RegisterBenchmark(name, run)->Threads(1)->Threads(2)->UseRealTime()->Repetitions(15)->MinTime(
        0.1);
}

template <class Source>
void add_measured(const char* name) {
    add(name, called_deep<counted, 12>)->Setup(measured<Source>::begin)->Teardown(measured<Source>::end);
}

} // namespace

int main(int argc, char** argv) {
    // Interleaved, so that a change of the machine's speed meets all of them: an option of the library.
    std::vector<char*> arguments(argv, argv + argc);
    std::string interleaving = "--benchmark_enable_random_interleaving=true";
    arguments.push_back(interleaving.data());
    int count = static_cast<int>(arguments.size());
    using namespace peakscope::heap;
    namespace sites = peakscope::sites;
    add("bare malloc", called_deep<bare, 12>);
    if (count < 3 || std::string_view{arguments[1]} != "--bare") {
        add("bare operators", called_deep<bare_operators, 12>);
        add("not measured", called_deep<counted, 12>);
        add("switched off", called_deep<counted, 12>)
            ->Setup([](const benchmark::State&) { switch_counting_off(); })
            ->Teardown([](const benchmark::State&) { switch_counting_on(); });
        add_measured<counting<>>("counting");
        add_measured<counting<sites::caller<>>>("caller");
        add_measured<counting<sites::frames<8>>>("frames<8>");
        add_measured<counting<sites::frames<8>, lifetimes>>("frames<8>, lifetimes");
        add_measured<counting<sites::unwind<8>>>("unwind<8>");
        add_measured<sampling<peakscope::bytes{512 * 1024}, sites::frames<8>>>("sampling 512 KiB");
    }
    benchmark::Initialize(&count, arguments.data());
    table results;
    benchmark::RunSpecifiedBenchmarks(&results);
    results.print();
}
