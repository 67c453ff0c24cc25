// SPDX-License-Identifier: MIT
// The bodies of report/site_lines.hpp.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/report/text_table.hpp>

#include <range/v3/algorithm/sort.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>

#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace peakscope::report {

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

std::string place_of(const site_report& site) {
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

std::vector<site_line> largest_of(std::vector<weighed_line> all, std::size_t count) {
    const auto rank = [](const weighed_line& each) {
        return std::tuple{-each.weight, std::string_view{each.line.place}}; // of weights above 0, which have a negative
    };
    std::erase_if(all, [](const weighed_line& each) { return each.weight <= 0; });
    ranges::sort(all, ranges::less{}, rank);
    return all | ranges::views::take(count) |
           ranges::views::transform([](weighed_line& each) { return std::move(each.line); }) |
           ranges::to<std::vector>();
}

} // namespace detail

std::vector<site_line> site_lines(const memory_report& report) {
    detail::line_collector lines;
    for (const site_report& site : report.sites)
        lines.add(site, site.amounts);
    return lines.take();
}

std::vector<site_line> site_lines(const memory_report& report, const phase_report& phase) {
    detail::line_collector lines;
    for (const phase_site_report& each : phase.sites)
        lines.add(report.sites[each.site], each.amounts);
    return lines.take();
}

} // namespace peakscope::report
