// SPDX-License-Identifier: MIT
// The bodies of testing/compare.hpp that write: a comparison as Markdown.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/testing/compare.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::testing {

namespace detail {

[[nodiscard]] std::string difference(const figure_change& of) {
    if (!of.baseline || !of.current) return "";
    const double change = *of.current - *of.baseline;
    std::string text = of.in_bytes ? format_signed_bytes(rounded_bytes(change))
                                   : (change > 0   ? "+"
                                      : change < 0 ? "-"
                                                   : "") +
                                         format_count(rounded_count(std::abs(change)));
    if (*of.baseline > 0)
        text += " (" + std::string{change > 0 ? "+" : ""} + format_fixed(100 * change / *of.baseline, 1) + " %)";
    return text;
}
[[nodiscard]] const char* name_of(change_kind kind) noexcept {
    switch (kind) {
    case change_kind::same:
        return "";
    case change_kind::better:
        return "better";
    case change_kind::worse:
        return "**worse**";
    case change_kind::unknown:
        break;
    }
    return "not on both sides";
}
// Titles, labels and functions are anybody's text: none of it is markup.
[[nodiscard]] std::string escaped(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '&')
            safe += "&amp;";
        else if (c == '\n' || c == '\r')
            safe += ' ';
        else {
            if (std::string_view{"|`*_[]\\~#@"}.find(c) != std::string_view::npos) safe += '\\';
            safe += c;
        }
    }
    return safe;
}

[[nodiscard]] std::string verdict(const comparison& of) {
    if (of.worse()) return "more than before";
    if (of.any(change_kind::better)) return "less than before";
    return "no change";
}

template <class Wanted>
[[nodiscard]] std::string table(const std::vector<figure_change>& figures, Wanted wanted) {
    std::string rows;
    for (const figure_change& each : figures) {
        if (!wanted(each)) continue;
        const auto shown = [&](const std::optional<double>& value) -> std::string {
            if (!value) return "n/a";
            return each.in_bytes ? format_bytes(rounded_bytes(*value)) : format_count(rounded_count(*value));
        };
        rows += "| " + escaped(each.what) + " | " + shown(each.baseline) + " | " + shown(each.current) + " | " +
                difference(each) + " | " + name_of(each.kind) + " |\n";
    }
    if (rows.empty()) return rows;
    return "| figure | before | now | change | |\n|---|--:|--:|--:|---|\n" + rows;
}

} // namespace detail

std::string comparison::markdown() const {
    const auto count = [](std::size_t n) { return std::to_string(n) + (n == 1 ? " report" : " reports"); };
    std::string text = "### Memory: " + detail::verdict(*this) + "\n\n" + detail::escaped(title) + ": " +
                       count(baseline_count) + " before, " + count(current_count) + " now. Changes beyond noise and " +
                       format_fixed(100 * options.tolerance, 1) + " % are listed.\n";
    const auto changed = [](const figure_change& each) { return each.kind != change_kind::same; };
    const std::string what_changed = detail::table(figures, changed);
    if (!what_changed.empty()) text += "\n" + what_changed;
    if (!sites.empty() && !what_changed.empty()) {
        text += "\n| held at the peak | before | now | change |\n|---|--:|--:|--:|\n";
        for (const site_change& each : sites)
            text += "| " + detail::escaped(each.place) + " | " + format_bytes({each.baseline_bytes}) + " | " +
                    format_bytes({each.current_bytes}) + " | " +
                    format_signed_bytes(bytes{each.current_bytes} - bytes{each.baseline_bytes}) + " |\n";
    }
    const std::string rest = detail::table(figures, [&](const figure_change& each) { return !changed(each); });
    if (!rest.empty()) text += "\n<details><summary>What has not changed</summary>\n\n" + rest + "\n</details>\n";
    return text;
}

} // namespace peakscope::testing
