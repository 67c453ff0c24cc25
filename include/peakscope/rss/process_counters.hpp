// SPDX-License-Identifier: MIT
// rss::process_counters: what Windows (GetProcessMemoryInfo) and macOS (task_info) tell of the process. On Linux there
// is rss::procfs, which tells more.
//
//     using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::process_counters>;
//
// The resident memory now is exact, and the profiler's own is in it. Its maximum cannot be set back, so a window's peak
// is known where the process's maximum rose inside that window. Elsewhere every figure is `unavailable`.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/high_water_mark.hpp>

#include <optional>

namespace peakscope::rss {

/// Any number of measurements at a time.
class process_counters {
  public:
    static constexpr const char* name = "process_counters";

    class window {
        friend process_counters;
        std::optional<bytes> start_{};
        detail::mark_in_window mark_{};
    };

    static constexpr void open() noexcept {}
    static constexpr void close() noexcept {}

    PEAKSCOPE_BODY_ELSEWHERE static void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static rss_figures leave(window& inner, window* outer) noexcept;

    static constexpr const char* remark() noexcept {
        return "RSS: the profiler's own is in it; a peak is known where the process's maximum rose";
    }

  private:
    struct reading {
        std::optional<bytes> now;
        std::optional<bytes> largest;
    };
    [[nodiscard]] static reading read() noexcept;
};

} // namespace peakscope::rss
