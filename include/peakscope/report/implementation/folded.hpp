// SPDX-License-Identifier: MIT
// The bodies of report/folded.hpp.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/folded.hpp>
#include <peakscope/report/stack_samples.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

[[nodiscard]] inline std::string folded_stack(const site_report& site) {
    std::string line;
    const std::vector<stack_frame> frames = frames_of(site);
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
        if (frame != frames.rbegin()) line += ';';
        for (const char each : frame_name(*frame))
            line += each == ';' ? ':' : each == '\n' || each == '\r' ? ' ' : each;
    }
    return line;
}

} // namespace detail

folded::folded(destination where, folded_options options) : where_(std::move(where)), options_(std::move(options)) {}

std::string folded::text(const memory_report& report, const folded_options& options) {
    const detail::report_with_sites with_sites{report};
    std::map<std::string, bytes> sums; // in the order of names, so that two runs can be compared
    const auto add = [&](const site_report& site, const site_amounts& amounts) {
        if (const std::int64_t figure = figure_of(amounts, options.figure); figure != 0)
            sums[detail::folded_stack(site)] += bytes{figure};
    };
    if (options.phase.empty()) {
        for (const site_report& each : with_sites->sites)
            add(each, each.amounts);
    } else {
        for (const phase_site_report& each : with_sites->phase(options.phase).sites)
            add(with_sites->sites[each.site], each.amounts);
    }
    std::string made;
    for (const auto& [stack, sum] : sums)
        if (sum > bytes{}) made += stack + ' ' + std::to_string(sum.count) + '\n';
    return made;
}

void folded::operator()(const memory_report& report) const { where_.write(text(report, options_)); }

} // namespace peakscope::report
