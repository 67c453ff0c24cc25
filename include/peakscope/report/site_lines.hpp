// SPDX-License-Identifier: MIT
// Sites by line: several stacks may lead to one line of the program, which a reader wants to see once.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

/// What was allocated in one line of the program.
struct site_line {
    std::string place{}; ///< "rendering/renderer.cpp:145  Renderer::page"
    site_amounts amounts{};
};

namespace detail {

// The arguments, and the end of a very long name, are in the JSON report.
[[nodiscard]] inline std::string without_arguments(const std::string& function) {
    constexpr std::size_t longest = 60;
    std::string text;
    for (std::size_t i = 0; i < function.size(); ++i) {
        if (function.compare(i, 21, "(anonymous namespace)") == 0) {
            i += 22; // and the colons behind it
            continue;
        }
        if (function.compare(i, 11, "[abi:cxx11]") == 0) {
            i += 10;
            continue;
        }
        if (function[i] == '(' && !text.empty() && !text.ends_with("operator")) break;
        text += function[i];
    }
    if (display_width(text) <= longest) return text;
    return text.substr(0, longest - 3) + "...";
}

[[nodiscard]] inline std::string place_of(const site_report& site) {
    std::string place = site.file;
    if (site.line > 0) place += ":" + std::to_string(site.line);
    if (!place.empty() && !site.function.empty()) place += "  ";
    return place + without_arguments(site.function);
}

inline void add_amounts(site_amounts& to, const site_amounts& more) {
    to.delta_bytes += more.delta_bytes;
    to.delta_blocks += more.delta_blocks;
    to.at_peak_bytes += more.at_peak_bytes;
    to.at_peak_blocks += more.at_peak_blocks;
    to.at_peak_born_inside += more.at_peak_born_inside;
    to.allocated_bytes += more.allocated_bytes;
    to.allocations += more.allocations;
    const auto add_error = [](std::optional<bytes>& sum, const std::optional<bytes>& error) {
        if (error)
            sum = bytes{std::llround(
                std::hypot(sum ? static_cast<double>(sum->count) : 0.0, static_cast<double>(error->count)))};
    };
    add_error(to.delta_error, more.delta_error);
    add_error(to.at_peak_error, more.at_peak_error);
    add_error(to.allocated_error, more.allocated_error);
}

class line_collector {
  public:
    void add(const site_report& site, const site_amounts& amounts) {
        const auto [found, is_new] = places_.try_emplace(place_of(site), lines_.size());
        if (is_new)
            lines_.push_back({found->first, amounts});
        else
            add_amounts(lines_[found->second].amounts, amounts);
    }
    [[nodiscard]] std::vector<site_line> take() { return std::move(lines_); }

  private:
    std::vector<site_line> lines_;
    std::map<std::string, std::size_t> places_;
};

} // namespace detail

/// The lines of the measurement, and of one of its phases.
[[nodiscard]] inline std::vector<site_line> site_lines(const memory_report& report) {
    detail::line_collector lines;
    for (const site_report& site : report.sites)
        lines.add(site, site.amounts);
    return lines.take();
}
[[nodiscard]] inline std::vector<site_line> site_lines(const memory_report& report, const phase_report& phase) {
    detail::line_collector lines;
    for (const phase_site_report& each : phase.sites)
        lines.add(report.sites[each.site], each.amounts);
    return lines.take();
}

/// The `count` lines with the largest weight; those with a weight of 0 or less are left out. Of equal ones, the first
/// by name, so that two runs agree. `weight(amounts)` is an integer.
template <class Weight>
[[nodiscard]] std::vector<site_line> largest_lines(std::vector<site_line> all, std::size_t count, Weight weight) {
    std::ranges::sort(all, [&](const site_line& left, const site_line& right) {
        const std::int64_t of_left = weight(left.amounts);
        const std::int64_t of_right = weight(right.amounts);
        return of_left != of_right ? of_left > of_right : left.place < right.place;
    });
    std::erase_if(all, [&](const site_line& each) { return weight(each.amounts) <= 0; });
    if (all.size() > count) all.resize(count);
    return all;
}

} // namespace peakscope::report
