// SPDX-License-Identifier: MIT
// What the tests of every framework do: the same work, so that the same figures must come out.
#pragma once

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/testing/stacks.hpp>
#include <peakscope/testing/test_memory.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>
#include <string_view>
#include <vector>

namespace work {

using namespace peakscope::literals;
using Memory = peakscope::profiler<peakscope::phases<>, peakscope::heap::counting<>>;

inline void* taken(std::size_t size_bytes) {
    void* volatile block = ::operator new(size_bytes);
    return block;
}
inline void takes(std::size_t size_bytes) { ::operator delete(taken(size_bytes)); }

inline peakscope::memory_report measured(std::size_t size_bytes) {
    Memory memory{"measured"};
    takes(size_bytes);
    return memory.finish();
}

// One name for whatever it is called from here.
struct one_name {
    static void append(peakscope::sites::address, std::vector<peakscope::stack_frame>& frames) {
        frames.push_back({.function = "work::taken", .file = "work.hpp", .line = 22});
    }
};
using named_caller = peakscope::sites::caller<one_name>;

// MEMORY_STACKS=1 captures who allocates. MEMORY_SCOPE=this_thread looks at the thread alone.
inline void set_defaults() {
    const char* const scope = std::getenv("MEMORY_SCOPE");
    const bool thread = scope != nullptr && std::string_view{scope} == "this_thread";
    peakscope::testing::set_test_defaults(
        {.allowed = thread ? peakscope::testing::limits{.heap_delta = 0_B, .allocated = 1_MiB}
                           : peakscope::testing::limits{.heap_peak = 1_MiB, .leaked_blocks = 0},
         .scope = thread ? peakscope::testing::looks_at::this_thread : peakscope::testing::looks_at::process,
         .prints = true,
         .stacks = std::getenv("MEMORY_STACKS") == nullptr ? nullptr : &peakscope::testing::stacks_by<named_caller>});
}

} // namespace work
