// SPDX-License-Identifier: MIT
// Switches the counting of the replaced functions off, for a run that is not going to measure.
//
//     if (!options.profile_memory) peakscope::heap::switch_counting_off();
//
// Counting is on from the first allocation of the process. Off, a new block costs a predictable branch more than
// without peakscope, and so does its end. Blocks from before go on being counted, till they are freed.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/heap/statistics/serves_malloc.hpp>

#include <atomic>

namespace peakscope::heap {

namespace detail {

using namespace engine;

// A block without a header is known by what stands in front of it, and there must be something to look at. glibc has a
// header of its own there; in other allocators, a block may begin where their memory does.
[[nodiscard]] inline bool blocks_come_from_glibc() noexcept {
    if (engine::state.malloc_is_replaced.load(std::memory_order_relaxed))
        return true; // over glibc's, see glibc_allocator.hpp
    return serves_malloc("__libc_malloc");
}

} // namespace detail

/// From here on, new blocks are not counted, and no measurement of the counted heap can start. Returns whether that is
/// so: where another allocator than glibc's is linked or preloaded, the counting stays on. Throws `usage_error` while a
/// measurement runs. Any thread.
inline bool switch_counting_off() {
    if (!detail::blocks_come_from_glibc()) return false;
    if (engine::state.measured.load(std::memory_order_acquire))
        throw usage_error("the counted heap cannot be switched off while a measurement uses it: finish() it first");
    engine::state.slow_from_bytes.store(0, std::memory_order_relaxed);
    return true;
}

/// From here on, new blocks are counted again. Those from in between are in no figure; the report of a measurement in
/// which they are freed tells how many.
inline void switch_counting_on() noexcept {
    engine::state.slow_from_bytes.store(detail::largest_block_bytes + 1, std::memory_order_relaxed);
}

} // namespace peakscope::heap
