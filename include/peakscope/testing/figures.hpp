// SPDX-License-Identifier: MIT
// The figures of a report by name, for what looks at one figure of many reports.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>

#include <functional>
#include <optional>

namespace peakscope::testing {

/// A figure of a report, by name. Any other is a function of one's own with this shape.
using figure = std::function<std::optional<double>(const memory_report&)>;

namespace figures {

// In bytes, but for the last two; peaks above the start of the measurement.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> heap_delta(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> heap_peak(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> heap_allocated(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> rss_delta(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> rss_peak(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> allocations(const memory_report& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<double> seconds(const memory_report& of);

} // namespace figures

} // namespace peakscope::testing
