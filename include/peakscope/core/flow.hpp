// SPDX-License-Identifier: MIT
// What has been allocated and freed up to a moment, and what lies between two of them.
#pragma once

#include <peakscope/core/body.hpp>

#include <cstdint>

namespace peakscope {

struct heap_figures;

struct flow {
    std::uint64_t allocated_bytes = 0;
    std::uint64_t freed_bytes = 0;
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;

    [[nodiscard]] std::int64_t live_bytes() const noexcept {
        return static_cast<std::int64_t>(allocated_bytes - freed_bytes);
    }
    [[nodiscard]] std::int64_t live_blocks() const noexcept {
        return static_cast<std::int64_t>(allocations - deallocations);
    }
    // A block has come, or gone.
    [[gnu::always_inline]] void add_allocation(std::uint64_t size_bytes) noexcept {
        allocated_bytes += size_bytes;
        allocations += 1;
    }
    [[gnu::always_inline]] void add_deallocation(std::uint64_t size_bytes) noexcept {
        freed_bytes += size_bytes;
        deallocations += 1;
    }
    flow& operator+=(const flow& other) noexcept {
        allocated_bytes += other.allocated_bytes;
        freed_bytes += other.freed_bytes;
        allocations += other.allocations;
        deallocations += other.deallocations;
        return *this;
    }
    [[nodiscard]] friend flow operator-(const flow& left, const flow& right) noexcept {
        return {left.allocated_bytes - right.allocated_bytes, left.freed_bytes - right.freed_bytes,
                left.allocations - right.allocations, left.deallocations - right.deallocations};
    }
};

// All figures but the peaks, exact.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] heap_figures figures_between(const flow& start, const flow& end) noexcept;

} // namespace peakscope
