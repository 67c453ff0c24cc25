// SPDX-License-Identifier: MIT
// Who has allocated since a moment, beside heap_since: for test frameworks, which name the lines behind a limit that a
// test has broken.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/body.hpp>
#include <peakscope/engine/capture.hpp>
#include <peakscope/heap/counting_session.hpp>

#include <cstdint>

namespace peakscope::heap {

/// The call stacks of what the whole process allocates between `begin` and `end`, captured by `mode`. A measurement
/// comes first: nothing is known where one runs, or has run in between, or where a heap_since was made in between.
class sites_since {
  public:
    /// Throws std::bad_alloc.
    PEAKSCOPE_BODY_ELSEWHERE explicit sites_since(const engine::capture_mode& mode);
    PEAKSCOPE_BODY_ELSEWHERE ~sites_since();
    sites_since(const sites_since&) = delete;
    sites_since& operator=(const sites_since&) = delete;

    PEAKSCOPE_BODY_ELSEWHERE void begin() noexcept;
    /// Without windows where nothing is known. Throws std::bad_alloc.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] attribution end();

  private:
    const engine::capture_mode& mode_;
    detail::counting_session session_{};
    detail::counting_window window_{};
    std::uint64_t interval_ = 0; // that has begun with the window; 0 without one
};

} // namespace peakscope::heap
