// SPDX-License-Identifier: MIT
// The bodies of heap/counting_switch.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/heap/counting_switch.hpp>
#include <peakscope/heap/implementation/allocator_statistics.hpp>

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

bool switch_counting_off() {
    if (!detail::blocks_come_from_glibc()) return false;
    if (engine::state.measured.is_taken())
        throw usage_error("the counted heap cannot be switched off while a measurement uses it: finish() it first");
    engine::state.slow_from_bytes.store(engine::slow_from::any_size, std::memory_order_relaxed);
    return true;
}

void switch_counting_on() noexcept {
    engine::state.slow_from_bytes.store(engine::slow_from::too_large, std::memory_order_relaxed);
}

} // namespace peakscope::heap
