// SPDX-License-Identifier: MIT
// A scope whose allocations are in no figure: of a logger, of a cache that is allowed to grow, of a test framework.
//
//     {
//         const peakscope::heap::ignoring scope;
//         logger << "rendered " << page.title;
//     }
//
// For the sources over the counting engine (counting, malloc_counting and their sampling kin). What the scope's thread
// allocates is never counted, wherever and whenever it is freed; a block from before is counted when it is freed, here
// as elsewhere. A block that is resized belongs to where that happens. Scopes nest, and are closed on their thread.
// The profiler's header before each block is still its own memory, and all of it is resident.
#pragma once

#include <peakscope/engine/own_memory.hpp>

namespace peakscope::heap {

class [[nodiscard, maybe_unused]] ignoring {
  public:
    ignoring() noexcept : scope_(&engine::thread_scopes::ignoring) {}
    ~ignoring() = default;
    ignoring(const ignoring&) = delete;
    ignoring& operator=(const ignoring&) = delete;

  private:
    engine::set_apart_scope scope_;
};

} // namespace peakscope::heap
