// SPDX-License-Identifier: MIT
// The counts of one memory resource or allocator.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/flow.hpp>
#include <peakscope/core/report.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peakscope::heap {

/// Counts what is allocated and deallocated through it, in requested bytes. Any thread; every count is shared and
/// atomic, so that peaks are exact with any number of threads.
class instance_counter {
  public:
    /// One window of it. Windows nest.
    class window {
        friend instance_counter;
        flow start_{};
        std::int64_t outer_peak_bytes_ = 0;
    };

    instance_counter() = default;
    instance_counter(const instance_counter&) = delete;
    instance_counter& operator=(const instance_counter&) = delete;

    void count_allocation(std::size_t size_bytes) noexcept {
        allocated_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
        allocations_.fetch_add(1, std::memory_order_relaxed);
        const auto size = static_cast<std::int64_t>(size_bytes);
        const std::int64_t live = live_bytes_.fetch_add(size, std::memory_order_relaxed) + size;
        std::int64_t peak = peak_bytes_.load(std::memory_order_relaxed);
        while (live > peak && !peak_bytes_.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
        }
    }
    void count_deallocation(std::size_t size_bytes) noexcept {
        freed_bytes_.fetch_add(size_bytes, std::memory_order_relaxed);
        deallocations_.fetch_add(1, std::memory_order_relaxed);
        live_bytes_.fetch_sub(static_cast<std::int64_t>(size_bytes), std::memory_order_relaxed);
    }

    /// Bytes allocated and not deallocated yet.
    [[nodiscard]] bytes live() const noexcept { return bytes{live_bytes_.load(std::memory_order_relaxed)}; }
    /// The largest that `live` has been: since the innermost open window began, or since the beginning.
    [[nodiscard]] bytes peak() const noexcept { return bytes{peak_bytes_.load(std::memory_order_relaxed)}; }
    [[nodiscard]] std::uint64_t allocations() const noexcept { return allocations_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t deallocations() const noexcept {
        return deallocations_.load(std::memory_order_relaxed);
    }

    /// Opens a window. All threads that use the counter must pause for it and for `leave`, or the figures may be off by
    /// what they do meanwhile.
    void enter(window& inner) noexcept {
        inner.start_ = now();
        inner.outer_peak_bytes_ = peak_bytes_.exchange(inner.start_.live_bytes(), std::memory_order_relaxed);
    }

    /// Closes the innermost window.
    PEAKSCOPE_BODY_ELSEWHERE heap_figures leave(const window& inner) noexcept;

  private:
    [[nodiscard]] flow now() const noexcept {
        return {allocated_bytes_.load(std::memory_order_relaxed), freed_bytes_.load(std::memory_order_relaxed),
                allocations(), deallocations()};
    }

    std::atomic<std::int64_t> live_bytes_{0};
    std::atomic<std::int64_t> peak_bytes_{0};
    std::atomic<std::uint64_t> allocated_bytes_{0};
    std::atomic<std::uint64_t> freed_bytes_{0};
    std::atomic<std::uint64_t> allocations_{0};
    std::atomic<std::uint64_t> deallocations_{0};
};

} // namespace peakscope::heap
