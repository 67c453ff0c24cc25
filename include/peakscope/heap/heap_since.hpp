// SPDX-License-Identifier: MIT
// The heap since a moment, beside whatever measurement runs: for test frameworks, which look at every test and must
// not be in the way of those that measure for themselves. Needs the replaced operators, or
// malloc: without them no figure is available.
//
//     const peakscope::heap::heap_since start;                 // the whole process
//     const peakscope::heap::thread_heap_since mine;           // this thread alone
//     work();
//     check(start.figures(), mine.figures());
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/flow.hpp>
#include <peakscope/core/report.hpp>

#include <cstdint>

namespace peakscope::heap {

namespace detail {

PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operators_are_replaced() noexcept;

} // namespace detail

/// The whole process. Objects of it end in the reverse order of their beginnings. The peak is not available where a
/// measurement was running at the beginning, or is at the end; one that has come and gone in between makes no
/// difference.
class heap_since {
  public:
    PEAKSCOPE_BODY_ELSEWHERE heap_since() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE ~heap_since();
    heap_since(const heap_since&) = delete;
    heap_since& operator=(const heap_since&) = delete;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] heap_figures figures() const noexcept;

  private:
    flow start_{};
    std::int64_t outer_peak_bytes_ = 0;
    std::uint64_t generation_ = 0;
    bool has_peak_ = false;
};

/// One thread: what it has allocated and freed itself. Made and asked on that thread. Its live bytes are its own
/// balance, below 0 where it frees what others allocated; a peak of them is not available.
class thread_heap_since {
  public:
    PEAKSCOPE_BODY_ELSEWHERE thread_heap_since() noexcept;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] heap_figures figures() const noexcept;

  private:
    flow start_{};
};

} // namespace peakscope::heap
