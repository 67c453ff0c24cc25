// SPDX-License-Identifier: MIT
// The figures of a report by name, for what looks at one figure of many reports.
#pragma once

#include <peakscope/core/report.hpp>

#include <functional>
#include <optional>

namespace peakscope::testing {

/// A figure of a report, by name. Any other is a function of one's own with this shape.
using figure = std::function<std::optional<double>(const memory_report&)>;

namespace figures {

template <class Value>
[[nodiscard]] std::optional<double> number(const std::optional<Value>& value) {
    if (!value) return std::nullopt;
    if constexpr (requires { value->count; })
        return static_cast<double>(value->count);
    else
        return static_cast<double>(*value);
}

// In bytes, but for the last two; peaks above the start of the measurement.
inline const figure heap_delta = [](const memory_report& of) { return number(of.heap.delta); };
inline const figure heap_peak = [](const memory_report& of) { return number(of.heap.peak_delta); };
inline const figure heap_allocated = [](const memory_report& of) { return number(of.heap.allocated); };
inline const figure rss_delta = [](const memory_report& of) { return number(of.rss.delta); };
inline const figure rss_peak = [](const memory_report& of) { return number(of.rss.peak_delta); };
inline const figure allocations = [](const memory_report& of) { return number(of.heap.allocations); };
inline const figure seconds = [](const memory_report& of) {
    return std::optional{static_cast<double>(of.duration.count()) / 1e9};
};

} // namespace figures

} // namespace peakscope::testing
