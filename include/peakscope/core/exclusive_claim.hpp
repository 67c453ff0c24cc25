// SPDX-License-Identifier: MIT
// What the process has once and only one measurement at a time can use: the kernel's high-water mark, an allocator's
// statistics, the counted heap.
#pragma once

#include <peakscope/core/body.hpp>

#include <atomic>

namespace peakscope {

/// Constant-initialised: it may be used before main. Any thread.
class exclusive_claim {
  public:
    /// Throws `usage_error`, with the name of the source, while another has it.
    PEAKSCOPE_BODY_ELSEWHERE void take(const char* source);
    void give_back() noexcept { taken_.store(false, std::memory_order_release); }
    [[nodiscard]] bool is_taken() const noexcept { return taken_.load(std::memory_order_acquire); }

  private:
    std::atomic<bool> taken_{false};
};

} // namespace peakscope
