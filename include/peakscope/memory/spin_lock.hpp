// SPDX-License-Identifier: MIT
// A lock that allocates nothing and may be used before main.
#pragma once

#include <atomic>
#include <thread>

namespace peakscope::memory {

/// Held for some instructions at a time, by threads that may not call the allocator.
class spin_lock {
  public:
    void lock() noexcept {
        while (taken_.exchange(true, std::memory_order_acquire))
            std::this_thread::yield();
    }
    void unlock() noexcept { taken_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> taken_{false};
};

} // namespace peakscope::memory
