// SPDX-License-Identifier: MIT
// The bodies of testing/figures.hpp.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/testing/figures.hpp>

#include <optional>

namespace peakscope::testing::figures {

template <class Value>
[[nodiscard]] std::optional<double> number(const std::optional<Value>& value) {
    if (!value) return std::nullopt;
    if constexpr (requires { value->count; })
        return static_cast<double>(value->count);
    else
        return static_cast<double>(*value);
}

std::optional<double> heap_delta(const memory_report& of) { return number(of.heap.delta); }
std::optional<double> heap_peak(const memory_report& of) { return number(of.heap.peak_delta); }
std::optional<double> heap_allocated(const memory_report& of) { return number(of.heap.allocated); }
std::optional<double> rss_delta(const memory_report& of) { return number(of.rss.delta); }
std::optional<double> rss_peak(const memory_report& of) { return number(of.rss.peak_delta); }
std::optional<double> allocations(const memory_report& of) { return number(of.heap.allocations); }
std::optional<double> seconds(const memory_report& of) { return static_cast<double>(of.duration.count()) / 1e9; }

} // namespace peakscope::testing::figures
