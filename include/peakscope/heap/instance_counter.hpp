// SPDX-License-Identifier: MIT
// The counts of one memory resource or allocator.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/report.hpp>

#include <algorithm>
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
        std::int64_t live_bytes_ = 0;
        std::int64_t outer_peak_bytes_ = 0;
        std::uint64_t allocated_bytes_ = 0;
        std::uint64_t freed_bytes_ = 0;
        std::uint64_t allocations_ = 0;
        std::uint64_t deallocations_ = 0;
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
        inner.live_bytes_ = live().count;
        inner.outer_peak_bytes_ = peak_bytes_.exchange(inner.live_bytes_, std::memory_order_relaxed);
        inner.allocated_bytes_ = allocated_bytes_.load(std::memory_order_relaxed);
        inner.freed_bytes_ = freed_bytes_.load(std::memory_order_relaxed);
        inner.allocations_ = allocations();
        inner.deallocations_ = deallocations();
    }

    /// Closes the innermost window.
    heap_figures leave(const window& inner) noexcept {
        const std::int64_t end_bytes = live().count;
        const std::int64_t peak_bytes = peak().count;
        peak_bytes_.store(std::max(peak_bytes, inner.outer_peak_bytes_), std::memory_order_relaxed);
        const auto difference = [](std::uint64_t end, std::uint64_t start) {
            return bytes{static_cast<std::int64_t>(end - start)};
        };
        heap_figures figures{.totals_precision = exact, .peak_precision = exact};
        figures.start = bytes{inner.live_bytes_};
        figures.end = bytes{end_bytes};
        figures.delta = bytes{end_bytes - inner.live_bytes_};
        figures.peak = bytes{peak_bytes};
        figures.peak_delta = bytes{peak_bytes - inner.live_bytes_};
        figures.allocated = difference(allocated_bytes_.load(std::memory_order_relaxed), inner.allocated_bytes_);
        figures.freed = difference(freed_bytes_.load(std::memory_order_relaxed), inner.freed_bytes_);
        figures.allocations = allocations() - inner.allocations_;
        figures.deallocations = deallocations() - inner.deallocations_;
        figures.blocks_start = inner.allocations_ - inner.deallocations_;
        figures.blocks_end = allocations() - deallocations();
        return figures;
    }

  private:
    std::atomic<std::int64_t> live_bytes_{0};
    std::atomic<std::int64_t> peak_bytes_{0};
    std::atomic<std::uint64_t> allocated_bytes_{0};
    std::atomic<std::uint64_t> freed_bytes_{0};
    std::atomic<std::uint64_t> allocations_{0};
    std::atomic<std::uint64_t> deallocations_{0};
};

} // namespace peakscope::heap
