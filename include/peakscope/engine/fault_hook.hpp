// SPDX-License-Identifier: MIT
// Where allocations are made to fail, for tests. The counting engine calls the hook for each allocation that has
// succeeded and is counted, on threads that ask for it; where it says so, the allocation is undone and has failed.
#pragma once

#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/state.hpp>

namespace peakscope::engine {

/// What is known of an allocation that could be made to fail.
struct faultable {
    std::uint64_t requested_bytes = 0;
    std::uint16_t label = 0;             ///< the one in scope; 0 for none
    sites::stored_stack stack = nullptr; ///< null where no stack is captured
};

/// While one is alive, each allocation of its thread fails for which `fails(context, allocation)` says so: with
/// std::bad_alloc, a null pointer or errno, by the form of the call, after the new_handler was asked. The function must
/// not allocate. One in the process at a time, and not while the counting is switched off; all threads take the long
/// way of counting meanwhile.
class fault_scope {
  public:
    fault_scope(fault_function* fails, void* context) noexcept {
        fault_context = context;
        faults_here = fails;
        was_off_ = is_off();
        state.injects.store(true, std::memory_order_relaxed);
        state.slow_from_bytes.store(slow_from::any_size, std::memory_order_relaxed);
    }
    ~fault_scope() {
        const bool stays = was_off_ || state.watches.load(std::memory_order_relaxed);
        state.slow_from_bytes.store(stays ? slow_from::any_size : slow_from::too_large, std::memory_order_relaxed);
        state.injects.store(false, std::memory_order_relaxed);
        faults_here = nullptr;
    }
    fault_scope(const fault_scope&) = delete;
    fault_scope& operator=(const fault_scope&) = delete;

  private:
    bool was_off_ = false;
};

} // namespace peakscope::engine
