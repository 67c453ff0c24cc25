// SPDX-License-Identifier: MIT
// malloc is counted from the first call in the process on, before constructors run, and in what is loaded later.
#include <peakscope/heap/malloc_counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/symboliser.hpp>
#include <peakscope/sites/unwind.hpp>

#include <doctest/doctest.h>

#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <thread>
#include <vector>

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"load", "call", "unload", "again">, heap::malloc_counting<>>;

constexpr std::size_t early_bytes = 54'321;
void* early = nullptr;

// Before the constructors of this program and of the libraries it is linked with.
void run_first() { early = std::malloc(early_bytes); }
[[gnu::section(".preinit_array"), gnu::used]] void (*const first)() = run_first;

} // namespace

TEST_CASE("a block from before all constructors is one of ours, and is freed as one") {
    CHECK(heap::detail::has_header(early));
    Memory memory{"early"};
    std::free(early);
    const memory_report report = memory.finish();
    CHECK(report.heap.freed == bytes{early_bytes});
    CHECK(report.heap.deallocations == 1);
    CHECK(report.heap.allocations == 0);
}

TEST_CASE("a plugin's constructors, functions and destructors are counted") {
    void* block = nullptr;
    Memory memory{"plugin"};
    void* plugin = nullptr;
    {
        auto phase = Memory::phase<"load">();
        plugin = ::dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    }
    REQUIRE(plugin != nullptr);
    auto* const plugin_allocates = reinterpret_cast<void* (*)()>(::dlsym(plugin, "plugin_allocates"));
    REQUIRE((plugin_allocates != nullptr));
    {
        auto phase = Memory::phase<"call">();
        block = plugin_allocates();
    }
    {
        auto phase = Memory::phase<"unload">();
        CHECK(::dlclose(plugin) == 0);
    }
    const memory_report report = memory.finish();
    const heap_figures& load = report.phases[0].heap;
    const heap_figures& call = report.phases[1].heap;
    const heap_figures& unload = report.phases[2].heap;
    CHECK(*load.delta >= 150'001_B); // the loader has a block or two of its own
    CHECK(*load.delta < 180'000_B);
    CHECK(call.allocated == 3'007_B);
    CHECK(call.allocations == 3U);
    CHECK(call.delta == 1'000_B);
    CHECK(call.peak_delta == 3'007_B);
    CHECK(*unload.freed >= 150'001_B);
    CHECK(report.heap.delta == *load.delta + *call.delta + *unload.delta);
    CHECK(*report.heap.delta < 30'000_B);
    std::free(block);
}

// The loader allocates under a lock of its own, which a stack walk may want as well.
TEST_CASE_TEMPLATE("plugins come and go on other threads while phases begin and end", Sites,
                   sites::unwind<8, sites::addresses>, sites::frames<8, sites::addresses>) {
    using Walking = profiler<phases<"again">, heap::malloc_counting<Sites>>;
    std::atomic<bool> over{false};
    std::atomic<int> loads{0};
    Walking memory{"loading"};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            while (!over) {
                void* const plugin = ::dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
                if (plugin == nullptr) continue;
                std::free(reinterpret_cast<void* (*)()>(::dlsym(plugin, "plugin_allocates"))());
                ::dlclose(plugin);
                ++loads;
            }
        });
    for (int i = 0; i < 2'000 || loads < 50; ++i) {
        auto phase = Walking::template phase<"again">();
        std::free(std::malloc(100));
    }
    over = true;
    for (std::thread& each : threads)
        each.join();
    const memory_report report = memory.finish();
    CHECK(report.phases[0].entries >= 2'000);
    CHECK(*report.heap.delta == *report.heap.allocated - *report.heap.freed);
    CHECK(*report.heap.allocated >= bytes{50 * 3'007});
    MESSAGE(loads.load() << " times loaded meanwhile");
}
