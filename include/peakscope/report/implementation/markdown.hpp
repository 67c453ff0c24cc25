// SPDX-License-Identifier: MIT
// The bodies of report/markdown.hpp.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/implementation/console_page.hpp>
#include <peakscope/report/implementation/phase_figures.hpp>
#include <peakscope/report/markdown.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

// Text that stands for itself, in a table too: what Markdown or HTML would read as something else is escaped.
[[nodiscard]] inline std::string escaped(std::string_view text) {
    std::string one_line{text};
    std::replace_if(one_line.begin(), one_line.end(), [](char each) { return each == '\n' || each == '\r'; }, ' ');
    std::string made;
    for (const char each : printable(one_line)) {
        if (std::string_view{"\\`*_[]<>|~&#"}.find(each) != std::string_view::npos) made += '\\';
        made += each;
    }
    return made;
}

// As code, between more backticks than it has in a row. A bar ends a cell, unless it is escaped.
[[nodiscard]] inline std::string code(std::string_view text, bool in_table) {
    std::string made;
    std::size_t row = 0;
    std::size_t longest = 0;
    for (const char each : printable(text)) {
        row = each == '`' ? row + 1 : 0;
        longest = std::max(longest, row);
        if (each == '|' && in_table) made += '\\';
        made += each;
    }
    const std::string fence(longest + 1, '`');
    const char* const gap = longest > 0 ? " " : "";
    return fence + gap + made + gap + fence;
}

class markdown_page {
  public:
    explicit markdown_page(const memory_report& report) : report_(report) {}

    [[nodiscard]] std::string text(std::size_t sites) {
        text_ += "### " + escaped(report_.title) + "\n\n";
        headline();
        if (!report_.phases.empty()) phases();
        if (report_.sites_precision.kind != precision_kind::unavailable) largest(sites);
        legend();
        for (const std::string& note : report_.notes)
            text_ += "\n> " + escaped(note) + "\n";
        return std::move(text_);
    }

  private:
    // A figure above the baseline, as its precision is.
    [[nodiscard]] std::string figure(const std::optional<bytes>& value, const precision& of) {
        if (!value) return std::string{not_known};
        const bool exact = of.kind == precision_kind::exact;
        any_inexact_ = any_inexact_ || !exact;
        return (exact ? "" : "\\~") + format_signed_bytes(*value);
    }
    template <class Figures>
    [[nodiscard]] std::string sentence(const char* what, const Figures& of) {
        return std::string{"**"} + what + "** peak **" + figure(of.peak_delta, of.peak_precision) + "**, " +
               figure(of.delta, of.totals_precision) + " at the end";
    }

    void headline() {
        std::vector<std::string> parts;
        if (report_.heap_source != "none") {
            parts.push_back(sentence("Heap", report_.heap));
            if (const phase_report* const highest = high_water_phase(report_))
                parts.back().insert(parts.back().rfind("**,") + 2, " in " + code(highest->path, false));
        }
        if (report_.rss_source != "none") parts.push_back(sentence("RSS", report_.rss));
        parts.push_back(format_duration(report_.duration));
        if (report_.items) parts.push_back(format_count(report_.items->count) + " × " + escaped(report_.items->name));
        for (const std::string& each : parts)
            text_ += (&each == &parts.front() ? "" : " · ") + each;
        text_ += '\n';
    }

    void row(const std::vector<std::string>& cells) {
        for (const std::string& each : cells)
            text_ += "| " + each + " ";
        text_ += "|\n";
    }

    void phases() {
        text_ += '\n';
        row({"phase", "Δ heap", "peak heap", "Δ RSS", "peak RSS", "entered", "time"});
        row({":--", "--:", "--:", "--:", "--:", "--:", "--:"});
        const phase_report* const highest = high_water_phase(report_);
        for (const phase_report& each : report_.phases) {
            const std::string path = code(each.path, true);
            if (each.entries == 0) {
                row({path, "", "", "", "", "never", ""});
                continue;
            }
            const std::string peak = figure(difference(each.heap.peak, report_.heap.start), each.heap.peak_precision);
            row({path, figure(each.heap.delta, each.heap.totals_precision),
                 &each == highest ? "**" + peak + "**" : peak, figure(each.rss.delta, each.rss.totals_precision),
                 figure(difference(each.rss.peak, report_.rss.start), each.rss.peak_precision),
                 format_count(each.entries), format_duration(each.duration)});
        }
    }

    void largest(std::size_t count) {
        const std::vector<site_line> top = largest_lines(site_lines(report_), count, [](const site_amounts& of) {
            return std::max(of.delta_bytes.magnitude(), of.at_peak_born_inside).count;
        });
        if (top.empty()) return;
        const precision peak = weaker(report_.sites_precision, report_.heap.peak_precision);
        text_ += "\n<details><summary>Top " + std::to_string(top.size()) + " allocators</summary>\n\n";
        row({"site", "at peak", "Δ", "allocated"});
        row({":--", "--:", "--:", "--:"});
        for (const site_line& each : top)
            row({escaped(each.place), figure(each.amounts.at_peak_bytes, peak),
                 figure(each.amounts.delta_bytes, report_.sites_precision),
                 figure(each.amounts.allocated_bytes, report_.sites_precision)});
        text_ += "\n</details>\n";
    }

    void legend() {
        std::string text;
        const auto add = [&](const char* what, const auto& figures) {
            const precision of = weaker(figures.totals_precision, figures.peak_precision);
            if (of.kind == precision_kind::bounded || of.kind == precision_kind::sampled)
                text += (text.empty() ? " " : "; ") + std::string{what} + " " + format_precision(of);
        };
        add("heap", report_.heap);
        add("RSS", report_.rss);
        if (any_inexact_) text_ += "\n\\~ not exact" + (text.empty() ? "" : ":" + text) + "\n";
    }

    const memory_report& report_;
    std::string text_{};
    bool any_inexact_ = false;
};

} // namespace detail

markdown::markdown(destination where, std::size_t sites) : where_(std::move(where)), sites_(sites) {}

std::string markdown::text(const memory_report& report, std::size_t sites) {
    return detail::markdown_page{report}.text(sites);
}

void markdown::operator()(const memory_report& report) const { where_.write(text(report, sites_)); }

} // namespace peakscope::report
