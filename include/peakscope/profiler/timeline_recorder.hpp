// SPDX-License-Identifier: MIT
// What a measurement keeps for its timeline: the entries of its phases, and what its sources read at their ends.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/core/timeline.hpp>
#include <peakscope/memory/bounded_series.hpp>
#include <peakscope/memory/page_array.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace peakscope::profiler_detail {

// In pages of its own, so that no heap source counts it. Times are those of the steady clock until
// `set_peaks` and `write`.
class timeline_recorder {
  public:
    static constexpr std::uint64_t most_entries = 100'000; // of a phase

    // `with_heap`: where the heap source keeps no timeline of its own, which reads the clock as it reads the heap.
    PEAKSCOPE_BODY_ELSEWHERE void begin(std::chrono::nanoseconds start, bool with_heap) noexcept;
    // An entry of a phase is over, its `number`th from 1 on.
    PEAKSCOPE_BODY_ELSEWHERE void add_entry(const phase_entry& entry, std::uint64_t number) noexcept;
    // What was read at both ends of a window.
    PEAKSCOPE_BODY_ELSEWHERE void add_readings(std::chrono::nanoseconds begin, const heap_figures& heap,
                                               const rss_figures& rss, std::chrono::nanoseconds end) noexcept;
    // The times of the report's peaks.
    PEAKSCOPE_BODY_ELSEWHERE void set_peaks(memory_report& report) const noexcept;
    // To the report's, those that lie in the measurement. By the steady clock still.
    PEAKSCOPE_BODY_ELSEWHERE void add_readings(memory_report& report,
                                               const std::vector<timeline_point>& readings) const;
    // Makes the report's timeline of it and of what the sources have put there, when the peaks' times are set.
    PEAKSCOPE_BODY_ELSEWHERE void write(memory_report& report) const;

  private:
    [[nodiscard]] std::chrono::nanoseconds since_start(const memory_report& report,
                                                       std::chrono::nanoseconds at) const noexcept;

    std::chrono::nanoseconds start_{};
    memory::page_array<phase_entry> entries_{};
    std::uint64_t left_out_ = 0;
    memory::bounded_series heap_{}; // at the ends of windows
    memory::bounded_series rss_{};
};

} // namespace peakscope::profiler_detail
