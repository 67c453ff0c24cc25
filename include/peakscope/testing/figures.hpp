// SPDX-License-Identifier: MIT
// The figures of a report as functions, for what takes one figure of many reports.
#pragma once

#include <peakscope/core/body.hpp>

#include <functional>
#include <optional>

namespace peakscope {
struct memory_report;
} // namespace peakscope

namespace peakscope::testing {

/// A figure of a report, empty where the report does not have it: one of those below, or a function of your own.
using figure = std::function<std::optional<double>(const memory_report&)>;

namespace figures {

// In bytes, but for the last two. Peaks are above the start of the measurement.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> heap_delta(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> heap_peak(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> heap_allocated(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> rss_delta(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> rss_peak(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> allocations(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> seconds(const memory_report& of);

} // namespace figures

} // namespace peakscope::testing
