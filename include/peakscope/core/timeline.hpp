// SPDX-License-Identifier: MIT
// When things happened in a measurement. Times are counted from where its window opens.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/duration.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace peakscope {

/// What lived, or was resident, at a moment. Either is empty where it was not read at that moment.
struct timeline_point {
    std::chrono::nanoseconds at{};
    std::optional<bytes> heap{};
    std::optional<bytes> rss{};

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const timeline_point& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const timeline_point& other) const;
};

/// One entry of a phase.
struct phase_entry {
    std::size_t phase = 0; ///< index into `memory_report::phases`
    std::chrono::nanoseconds begin{};
    std::chrono::nanoseconds end{};

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const phase_entry& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const phase_entry& other) const;
};

/// The points are some thousands at most, however long the measurement was: of each stretch of time, the lowest and the
/// highest that were read. Between two of them nothing is known.
///
/// The heap's are as precise as its peak (`heap_figures::peak_precision`), and its peak and that of each phase are
/// among them where its source knows when they were. RSS, without the profiler's share, was read where phases begin and
/// end, and by sources that look at a rate in between: its peak is among them with `rss::procfs_watched` alone. What
/// the share was between two ends of phases is estimated.
struct timeline_report {
    std::vector<timeline_point> points{}; ///< in the order of time
    std::vector<phase_entry> entries{};   ///< in the order in which they ended; up to 100,000 of each phase
    std::uint64_t entries_left_out = 0;   ///< beyond these; they are in the figures of their phases

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const timeline_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const timeline_report& other) const;
};

} // namespace peakscope
