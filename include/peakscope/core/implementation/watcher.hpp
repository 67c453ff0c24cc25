// SPDX-License-Identifier: MIT
// A thread that looks at an amount of memory again and again, and keeps the largest and what it was over time.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/memory/bounded_series.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#if defined(__unix__)
#include <unistd.h>
#endif

namespace peakscope::detail {

class watcher {
  public:
    // `look` returns std::optional<bytes>, on the thread: empty when there was nothing to see.
    template <class Look>
    watcher(Look look, std::chrono::nanoseconds interval)
        : thread_{[this, look = std::move(look), interval]() mutable {
              std::unique_lock lock{guard_};
              static_cast<void>(over_time_.begin(now())); // without memory for it, nothing is kept of that
              while (!wakes_.wait_for(lock, interval, [&] { return ends_; })) {
                  const std::int64_t begin = now();
                  if (const std::optional<bytes> seen = look()) keep(seen->count, begin);
              }
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
    [[nodiscard]] bytes take(bytes now) noexcept {
        return std::max(now, bytes{largest_.exchange(now.count, std::memory_order_acq_rel)});
    }

    // What it has seen, as points of `memory::bounded_series` by the steady clock. The thread does not look meanwhile.
    template <class Use>
    void for_each_reading(Use use) {
        const std::lock_guard lock{guard_};
        over_time_.for_each(use);
    }

    [[nodiscard]] static std::int64_t now() noexcept {
        return std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count();
    }

  private:
    [[nodiscard]] static long this_process() noexcept {
#if defined(__unix__)
        return ::getpid();
#else
        return 0;
#endif
    }
    // A thread that was held up while it looked does not know when what it saw was.
    static constexpr std::int64_t longest_look = 1'000'000; // nanoseconds

    void keep(std::int64_t seen, std::int64_t begin) noexcept {
        if (const std::int64_t end = now(); end - begin <= longest_look) over_time_.add(end, seen);
        std::int64_t largest = largest_.load(std::memory_order_relaxed);
        while (seen > largest && !largest_.compare_exchange_weak(largest, seen, std::memory_order_acq_rel)) {
        }
    }

    const long process_ = this_process();
    std::atomic<std::int64_t> largest_{0};
    memory::bounded_series over_time_{};
    std::mutex guard_{}; // held by the thread while it looks
    std::condition_variable wakes_{};
    bool ends_ = false;
    std::thread thread_; // the last, so that it finds the rest (std::jthread is not in every standard library)
};

// Ends a watcher and returns null, for its pointer.
template <class Watcher>
[[nodiscard]] Watcher* ended(Watcher* made) noexcept {
    if (made != nullptr && made->is_of_this_process()) delete made;
    return nullptr;
}

} // namespace peakscope::detail
