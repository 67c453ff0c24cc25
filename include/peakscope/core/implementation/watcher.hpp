// SPDX-License-Identifier: MIT
// A thread that looks at an amount of memory again and again, and keeps the largest and what it was over time.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/memory/blocked_signals.hpp>
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
    // `look` returns std::optional<bytes>, on the thread: empty when there was nothing to see. Throws std::system_error
    // when there can be no thread.
    template <class Look>
    watcher(Look look, std::chrono::nanoseconds interval) {
        const memory::blocked_signals are_not_for_it; // it has the mask of who starts it
        thread_ = std::thread{[this, look = std::move(look), interval]() mutable {
            std::unique_lock lock{guard_};
            static_cast<void>(over_time_.begin(now())); // without memory for it, nothing is kept of that
            while (!wakes_.wait_for(lock, interval, [&] { return ends_; })) {
                const std::int64_t begin = now();
                if (const std::optional<bytes> seen = look()) keep(seen->count, begin);
            }
        }};
    }
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

    // A child of fork has no such thread, and so nothing to end: it lets go of the object without its destructor, and
    // calls nothing else.
    [[nodiscard]] bool is_of_this_process() const noexcept { return process_ == this_process(); }

    // The largest since the last call, this moment's among them. A look that has begun is waited for: it may have seen
    // what is no longer there.
    [[nodiscard]] bytes take(bytes now) {
        const std::lock_guard lock{guard_};
        return std::max(now, std::exchange(largest_, now));
    }

    // Hands over what it has seen since the last call, as `memory::series_point_beside`, by the steady clock.
    template <class Use>
    void take_readings(Use use) {
        const std::lock_guard lock{guard_};
        over_time_.for_each(use);
        over_time_.begin_again(now());
    }

    // What is noted beside each reading from now on; on the thread.
    using number_beside = std::int64_t (*)() noexcept;
    void note_beside(number_beside number) noexcept { beside_.store(number, std::memory_order_relaxed); }

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

    void keep(std::int64_t seen, std::int64_t begin) noexcept {
        largest_ = std::max(largest_, bytes{seen});
        const std::int64_t end = now();
        if (!was_held_up(end - begin)) {
            const number_beside beside = beside_.load(std::memory_order_relaxed);
            over_time_.add({{end, seen}, beside != nullptr ? beside() : 0});
        }
    }

    // A look that took much longer than they do: when it was that it saw what it did, is not known.
    [[nodiscard]] bool was_held_up(std::int64_t nanoseconds) noexcept {
        constexpr std::int64_t scheduling = 100'000;
        const std::int64_t longest = 4 * usual_look_ + scheduling;
        // So that what is usual follows the looks, which take longer the more there is to look at, and not one of them.
        usual_look_ += (std::min(nanoseconds, longest) - usual_look_) / 8;
        return nanoseconds > longest;
    }

    const long process_ = this_process();
    std::mutex guard_{}; // held by the thread while it looks
    std::condition_variable wakes_{};
    bool ends_ = false;
    bytes largest_{};
    memory::series_of<memory::series_point_beside> over_time_{};
    std::int64_t usual_look_ = 0; // nanoseconds
    std::atomic<number_beside> beside_{nullptr};
    std::thread thread_{}; // std::jthread is not in every standard library
};

// Ends a watcher and returns null, for its pointer.
template <class Watcher>
[[nodiscard]] Watcher* ended(Watcher* made) noexcept {
    if (made != nullptr && made->is_of_this_process()) delete made;
    return nullptr;
}

} // namespace peakscope::detail
