// SPDX-License-Identifier: MIT
// libunwind has a lock, and so have the rules that are learnt from it. A child of fork finds them as they were: locked
// for good, where another thread was inside at that moment. So a fork waits until nobody is inside, and until it is
// done nobody is let in.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace peakscope::sites::detail {

class fork_guard {
  public:
    fork_guard() noexcept {
        ++inside_here_;
        is_inside_ = (state_.fetch_add(1, std::memory_order_acq_rel) & forking) == 0;
        if (!is_inside_) leave();
    }
    ~fork_guard() {
        if (is_inside_) leave();
    }
    fork_guard(const fork_guard&) = delete;
    fork_guard& operator=(const fork_guard&) = delete;

    // False while the process forks. It is not waited for: the fork may wait for this thread to end an event.
    [[nodiscard]] bool is_inside() const noexcept { return is_inside_; }

  private:
    static constexpr std::uint32_t forking = std::uint32_t{1} << 31U;

    static void leave() noexcept {
        state_.fetch_sub(1, std::memory_order_release);
        --inside_here_;
    }

    // Not for ever: who is inside may wait for the loader's lock, and the thread that forks may have it.
    static void begin_fork() noexcept {
        state_.fetch_or(forking, std::memory_order_acq_rel);
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{100};
        while (state_.load(std::memory_order_acquire) != (forking | inside_here_) &&
               std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
    }
    static void end_in_parent() noexcept { state_.fetch_and(~forking, std::memory_order_release); }
    static void end_in_child() noexcept { state_.store(inside_here_, std::memory_order_release); }

    [[nodiscard]] static int watch_forks() noexcept {
#if defined(__unix__) || defined(__APPLE__)
        return ::pthread_atfork(begin_fork, end_in_parent, end_in_child);
#else
        return 0;
#endif
    }

    static inline constinit std::atomic<std::uint32_t> state_{0};        // how many are inside
    static inline constinit thread_local std::uint32_t inside_here_ = 0; // more than one in a signal handler
    static inline const int watches_ = watch_forks();

    bool is_inside_ = false;
};

} // namespace peakscope::sites::detail
