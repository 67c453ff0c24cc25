// SPDX-License-Identifier: MIT
// A thread that looks at a number again and again, and keeps the largest.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

#if defined(__unix__)
#include <unistd.h>
#endif

namespace peakscope::detail {

class watcher {
  public:
    // `look` returns the number, on the thread.
    template <class Look>
    watcher(Look look, std::chrono::nanoseconds interval)
        : thread_{[this, look = std::move(look), interval]() mutable {
              std::unique_lock lock{guard_};
              while (!wakes_.wait_for(lock, interval, [&] { return ends_; }))
                  keep(look());
          }} {}
    ~watcher() {
        {
            const std::lock_guard lock{guard_};
            ends_ = true;
        }
        wakes_.notify_one();
        thread_.join();
    }
    watcher(const watcher&) = delete;
    watcher& operator=(const watcher&) = delete;

    // A child of fork has no such thread, and so nothing to end: it lets go of the object without its destructor.
    [[nodiscard]] bool is_of_this_process() const noexcept { return process_ == this_process(); }

    // The largest since the last call, this moment's among them.
    [[nodiscard]] std::int64_t take(std::int64_t now) noexcept {
        return std::max(now, largest_.exchange(now, std::memory_order_acq_rel));
    }

  private:
    [[nodiscard]] static long this_process() noexcept {
#if defined(__unix__)
        return ::getpid();
#else
        return 0;
#endif
    }
    void keep(std::int64_t now) noexcept {
        std::int64_t largest = largest_.load(std::memory_order_relaxed);
        while (now > largest && !largest_.compare_exchange_weak(largest, now, std::memory_order_acq_rel)) {
        }
    }

    const long process_ = this_process();
    std::atomic<std::int64_t> largest_{0};
    std::mutex guard_{};
    std::condition_variable wakes_{};
    bool ends_ = false;
    std::thread thread_; // the last, so that it finds the rest (std::jthread is not in every standard library)
};

// Ends it and returns null, for its pointer.
[[nodiscard]] inline watcher* ended(watcher* made) noexcept {
    if (made != nullptr && made->is_of_this_process()) delete made;
    return nullptr;
}

} // namespace peakscope::detail
