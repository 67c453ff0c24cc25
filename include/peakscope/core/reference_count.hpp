// SPDX-License-Identifier: MIT
// How many refer to an object, on any thread. <atomic> alone would take long to compile: see core/atomic_pointer.hpp.
#pragma once

#include <cstddef>

#if !defined(__GNUC__)
#include <atomic>
#endif

namespace peakscope {

/// 1 at first.
class reference_count {
  public:
    reference_count() noexcept = default;
    reference_count(const reference_count&) = delete;
    reference_count& operator=(const reference_count&) = delete;

#if defined(__GNUC__) // g++ and clang++
    void add() noexcept { __atomic_fetch_add(&count_, 1, __ATOMIC_RELAXED); }
    /// True for the last one, which sees all that the others did before they removed theirs.
    [[nodiscard]] bool remove() noexcept { return __atomic_fetch_sub(&count_, 1, __ATOMIC_ACQ_REL) == 1; }

  private:
    std::size_t count_ = 1;
#else
    void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] bool remove() noexcept { return count_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  private:
    std::atomic<std::size_t> count_{1};
#endif
};

} // namespace peakscope
