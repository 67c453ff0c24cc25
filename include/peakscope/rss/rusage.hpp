// SPDX-License-Identifier: MIT
// rss::rusage: the maximum RSS of the process so far, from getrusage(2). All that POSIX systems have in common.
//
//     using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::rusage>;
//
// There is no current RSS and no way to set the maximum back. So start, end and delta are `unavailable`, and a window's
// peak is known where the process's maximum rose inside that window: of a measurement that needs more than all before
// it, and of the phase in which it did. Linux takes the maximum from counters that it folds in batches; it is bounded
// as rss::procfs is. Elsewhere it is taken as it is given. The profiler's own memory is in it: how much there was of
// that at the time of the maximum, nobody knows.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/high_water_mark.hpp>

#include <cstdint>
#include <optional>

namespace peakscope::rss {

/// Any number of measurements at a time.
class rusage {
  public:
    static constexpr const char* name = "rusage";

    class window {
        friend rusage;
        detail::mark_in_window mark_{};
    };

    static constexpr void open() noexcept {}
    static constexpr void close() noexcept {}

    PEAKSCOPE_BODY_ELSEWHERE static void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static rss_figures leave(window& inner, window* outer) noexcept;

    static constexpr const char* remark() noexcept {
        return "RSS: getrusage tells the process's maximum alone, the profiler's own memory in it; a peak is known "
               "where "
               "that rose";
    }

  private:
    // The kernel's batches are by thread before Linux 6.2, and nobody says here how many threads there are.
    static constexpr std::int64_t most_threads = 64;

    [[nodiscard]] static std::optional<bytes> maximum() noexcept;
};

} // namespace peakscope::rss
