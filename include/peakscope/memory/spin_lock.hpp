// SPDX-License-Identifier: MIT
// A lock that allocates nothing and may be used before main.
#pragma once

#include <atomic>

#if defined(__linux__)
#include <sched.h>
#else
#include <thread>
#endif

namespace peakscope::memory {

// std::this_thread::yield, whose header is a large one.
inline void yield() noexcept {
#if defined(__linux__)
    static_cast<void>(::sched_yield());
#else
    std::this_thread::yield();
#endif
}

/// Held for some instructions at a time, by threads that may not call the allocator.
class spin_lock {
  public:
    void lock() noexcept {
        while (taken_.exchange(true, std::memory_order_acquire))
            yield();
    }
    void unlock() noexcept { taken_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> taken_{false};
};

} // namespace peakscope::memory
