// SPDX-License-Identifier: MIT
// The bodies of testing/repetitions.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/repetitions.hpp>

#include <range/v3/algorithm/all_of.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

[[nodiscard]] std::string line_of(const summary& of) {
    const auto size = [](double value) { return format_bytes(rounded_bytes(value)); };
    return "median " + size(of.median) + " [" + size(of.confidence.low) + ", " + size(of.confidence.high) + "], MAD " +
           size(of.mad) + ", ±" + format_fixed(100 * of.spread, 2) + " %";
}

} // namespace detail

summary repetitions::of(const figure& wanted, double level) const {
    std::vector<double> values;
    for (const memory_report& report : reports) {
        const std::optional<double> value = wanted(report);
        if (!value) throw usage_error("the figure is not available in the report '" + report.title + "'");
        values.push_back(*value);
    }
    return summarise(std::move(values), level);
}

std::string repetitions::text() const {
    std::string lines = std::to_string(reports.size()) + " repetitions" +
                        (failures.empty() ? "" : ", and " + std::to_string(failures.size()) + " that failed") + "\n";
    using figure_function = std::optional<double> (*)(const memory_report&);
    const std::pair<const char*, figure_function> all[] = {{"heap delta", figures::heap_delta},
                                                           {"heap peak", figures::heap_peak},
                                                           {"RSS delta", figures::rss_delta},
                                                           {"RSS peak", figures::rss_peak}};
    for (const auto& [name, wanted] : all) {
        const bool is_known = ranges::all_of(reports, [&](const auto& each) { return wanted(each).has_value(); });
        if (!reports.empty() && is_known) lines += "  " + std::string{name} + "  " + detail::line_of(of(wanted)) + "\n";
    }
    for (const failed_repetition& each : failures)
        lines += "  repetition " + std::to_string(each.number) + " failed: " + each.reason + "\n";
    return lines;
}

} // namespace peakscope::testing
