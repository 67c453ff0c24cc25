// SPDX-License-Identifier: MIT
// The console report's tables of who allocated: sites, sites by phase, and labels.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/implementation/console_page.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/report/text_table.hpp>

#include <range/v3/view/take.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

class site_tables {
  public:
    site_tables(const memory_report& report, const console_limits& limits, console_page& page)
        : report_(report), limits_(limits), page_(page) {}

    void sites() {
        const std::vector<site_line> top = largest(site_lines(report_), limits_.sites);
        if (top.empty()) return;
        text_table table;
        table.add({{"Top " + std::to_string(top.size()) + " allocators", "Δ", "blocks", "at peak", "allocated"}});
        for (const site_line& each : top)
            table.add(site_row(each, "  ", report_.heap.peak_precision));
        page_.table_with_head(table);
    }

    void phase_sites() {
        text_table table;
        table.add({{"Top allocators by phase", "Δ", "blocks", "at peak", "allocated"}});
        bool any = false;
        for (const phase_report& phase : report_.phases) {
            const std::vector<site_line> top = largest(site_lines(report_, phase), limits_.sites_by_phase);
            if (top.empty()) continue;
            any = true;
            table.add({{"  " + phase.path}});
            for (const site_line& each : top)
                table.add(site_row(each, "    ", phase.heap.peak_precision));
        }
        if (any) page_.table_with_head(table);
    }

    void labels() {
        text_table table;
        const bool by_item = report_.items.has_value();
        text_table::row head{{"Memory by label", "Δ", "peak", "at the peak", "allocated"}};
        if (by_item) head.cells.push_back("peak per " + report_.items->name);
        table.add(std::move(head));
        const precision& peak = report_.heap.peak_precision;
        for (const label_report& each : report_.labels | ranges::views::take(limits_.labels)) {
            text_table::row row{{"  " + each.name, format_signed_bytes(each.delta_bytes),
                                 page_.marked(format_bytes(each.peak_bytes), peak),
                                 page_.marked(format_bytes(each.at_peak_bytes), peak),
                                 format_bytes(each.allocated_bytes)}};
            if (by_item)
                row.cells.push_back(page_.marked(
                    format_bytes(each.peak_bytes / static_cast<std::int64_t>(report_.items->count)), peak));
            table.add(std::move(row));
        }
        page_.table_with_head(table);
        if (report_.labels.size() > limits_.labels)
            page_.line("  and " + format_count(report_.labels.size() - limits_.labels) + " more labels");
    }

  private:
    // The first sites by what they added, and by what they held at the peak: a site that holds much at the peak and
    // nothing at the end is the one that is looked for most.
    [[nodiscard]] static std::vector<site_line> largest(std::vector<site_line> all, std::size_t count) {
        return largest_lines(std::move(all), count, [](const site_amounts& of) {
            return std::max(std::abs(of.delta_bytes.count), of.at_peak_born_inside.count);
        });
    }

    [[nodiscard]] text_table::row site_row(const site_line& site, const std::string& indent, const precision& of_peak) {
        const site_amounts& amounts = site.amounts;
        const precision peak = weaker(report_.sites_precision, of_peak);
        return {{indent + site.place,
                 page_.marked(page_.with_error(format_signed_bytes(amounts.delta_bytes), amounts.delta_error),
                              report_.sites_precision),
                 signed_count(amounts.delta_blocks),
                 page_.marked(page_.with_error(format_bytes(amounts.at_peak_bytes), amounts.at_peak_error), peak),
                 page_.marked(page_.with_error(format_bytes(amounts.allocated_bytes), amounts.allocated_error),
                              report_.sites_precision)}};
    }

    [[nodiscard]] static std::string signed_count(std::int64_t count) {
        const auto magnitude = static_cast<std::uint64_t>(std::abs(count));
        return (count > 0 ? "+" : count < 0 ? "-" : "") + format_count(magnitude);
    }

    const memory_report& report_;
    const console_limits& limits_;
    console_page& page_;
};

} // namespace peakscope::report::detail
