// SPDX-License-Identifier: MIT
// Heap sources over what an allocator says of itself: read at phase boundaries, and nothing on the hot path.
//
// They see every block of the process's malloc, in all threads, in the allocator's own unit, the profiler's own memory
// with it. A peak between two boundaries they cannot know: it is `unavailable`, or, with the option `watched<...>`,
// `sampled` by a thread that looks now and then.
//
// The allocators are found in the running process, linked or preloaded: nothing needs to be installed to compile.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/fwd.hpp>
#include <peakscope/heap/statistics/serves_malloc.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>

#if defined(__linux__)
#include <dlfcn.h>
#endif

namespace peakscope::heap {

/// An option of the allocators' statistics: a thread reads them every so many microseconds while a measurement runs,
/// and the peaks are the largest it has seen. A reading takes up to 0.1 ms (see each source) and, while it lasts, may
/// hold up threads that allocate.
template <std::uint32_t Microseconds>
struct watched {
    static_assert(Microseconds > 0, "peakscope: watched<...> needs an interval of at least 1 microsecond");
    static constexpr std::chrono::microseconds interval{Microseconds};
};

namespace detail {

// A function of whoever is linked or preloaded; null when there is none of that name.
template <class Function>
[[nodiscard]] Function* function_of_process([[maybe_unused]] const char* name) noexcept {
#if defined(__linux__)
    return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
#else
    return nullptr;
#endif
}

/// What an allocator says: its live bytes, and how far that can be trusted.
struct allocator_reading {
    std::optional<bytes> live{};
    precision of_live = unavailable;
    allocator_state state{};
};

template <class Allocator>
concept tells_statistics = requires {
    { Allocator::name } -> std::convertible_to<const char*>;
    { Allocator::unit } -> std::convertible_to<const char*>;
    { Allocator::missing() } -> std::convertible_to<const char*>; // what to do about it; null when it is there
    { Allocator::settle() } noexcept;
    { Allocator::read() } noexcept -> std::same_as<allocator_reading>;
};

// Reads again and again, and keeps the largest.
template <tells_statistics Allocator>
class peak_watcher {
  public:
    void start(std::chrono::microseconds interval) {
        thread_ = std::jthread{[this, interval](const std::stop_token& stop) {
            std::unique_lock lock{guard_};
            while (!wakes_.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); }))
                look();
        }};
    }
    void stop() {
        thread_.request_stop();
        if (thread_.joinable()) thread_.join();
    }

    // The largest since the last call, this moment's among them.
    [[nodiscard]] bytes take(bytes now) noexcept {
        return std::max(now, bytes{peak_bytes_.exchange(now.count, std::memory_order_acq_rel)});
    }

  private:
    void look() noexcept {
        const std::int64_t now = Allocator::read().live.value_or(bytes{}).count;
        std::int64_t peak = peak_bytes_.load(std::memory_order_relaxed);
        while (now > peak && !peak_bytes_.compare_exchange_weak(peak, now, std::memory_order_acq_rel)) {
        }
    }

    std::atomic<std::int64_t> peak_bytes_{0};
    std::mutex guard_;
    std::condition_variable_any wakes_;
    std::jthread thread_;
};

struct not_watched {};

template <class Option>
inline constexpr bool is_watched = false;
template <std::uint32_t Microseconds>
inline constexpr bool is_watched<watched<Microseconds>> = true;

template <tells_statistics Allocator, class... Options>
class statistics_source {
    static_assert(sizeof...(Options) <= 1 && (is_watched<Options> && ...),
                  "peakscope: the one option of an allocator's statistics is watched<MICROSECONDS>");
    static constexpr bool watches = sizeof...(Options) == 1;

  public:
    using statistics = Allocator;
    static constexpr const char* name = Allocator::name;
    static constexpr const char* unit = Allocator::unit;
    static constexpr const char* allocator_name = Allocator::name;

    class window {
        friend statistics_source;
        allocator_reading start_;
        bytes peak_{};
    };
    /// What the profiler allocates cannot be told from the rest.
    struct own_memory {};

    /// Throws `source_error` when malloc is not this allocator's, and `usage_error` when another measurement uses it.
    void open() {
        if (const char* const what_to_do = Allocator::missing())
            throw source_error(std::string{"heap::"} + name + " cannot measure: " + what_to_do);
        if (measured_.exchange(true, std::memory_order_acq_rel))
            throw usage_error(std::string{"heap::"} + name +
                              " serves one measurement at a time, and one is running: finish() it before the next one "
                              "starts");
        if constexpr (watches) {
            try {
                (watcher_.start(Options::interval), ...);
            } catch (...) {
                measured_.store(false, std::memory_order_release);
                throw;
            }
        }
    }
    void close() noexcept {
        if constexpr (watches) watcher_.stop();
        measured_.store(false, std::memory_order_release);
    }

    /// The allocator gives back what it keeps in vain.
    void settle() noexcept { Allocator::settle(); }

    void enter(window& inner, window* outer) noexcept {
        inner.start_ = Allocator::read();
        if constexpr (watches) {
            const bytes now = inner.start_.live.value_or(bytes{});
            const bytes seen = watcher_.take(now);
            if (outer != nullptr) outer->peak_ = std::max(outer->peak_, seen);
            inner.peak_ = now;
        }
    }

    heap_figures leave(window& inner, window* outer) noexcept {
        const allocator_reading end = Allocator::read();
        heap_figures figures;
        figures.allocator = end.state;
        if (!inner.start_.live || !end.live) return figures;
        figures.totals_precision = of_difference(inner.start_.of_live, end.of_live);
        figures.start = inner.start_.live;
        figures.end = end.live;
        figures.delta = *end.live - *inner.start_.live;
        if constexpr (watches) {
            inner.peak_ = std::max(inner.peak_, watcher_.take(*end.live));
            if (outer != nullptr) outer->peak_ = std::max(outer->peak_, inner.peak_);
            figures.peak_precision = (sampled(std::chrono::nanoseconds{Options::interval}), ...);
            figures.peak = inner.peak_;
            figures.peak_delta = inner.peak_ - *inner.start_.live;
        }
        return figures;
    }

    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept { return std::nullopt; }
    [[nodiscard]] std::string remark() const {
        return watches ? "" : std::string{"heap: "} + name + " does not tell peaks; watched<...> samples them";
    }

  private:
    // Both readings may be off.
    [[nodiscard]] static precision of_difference(const precision& start, const precision& end) noexcept {
        precision both = weaker(start, end);
        both.bound = start.bound + end.bound;
        return both;
    }

    static inline constinit std::atomic<bool> measured_{false};
    [[no_unique_address]] std::conditional_t<watches, peak_watcher<Allocator>, not_watched> watcher_;
};

} // namespace detail

} // namespace peakscope::heap
