// SPDX-License-Identifier: MIT
// The console report's tables of who allocated: sites, sites by phase, and labels.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/console_page.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

/// How much of the long tables is shown. The JSON report has all of it.
struct console_limits {
    std::size_t sites = 10;         ///< of the measurement
    std::size_t sites_by_phase = 3; ///< of each phase
    std::size_t labels = 20;
};

namespace detail {

class site_tables {
  public:
    site_tables(const memory_report& report, const console_limits& limits, console_page& page)
        : report_(report), limits_(limits), page_(page) {}

    void sites() {
        std::vector<shown_site> all;
        std::map<std::string, std::size_t> places;
        for (const site_report& site : report_.sites)
            collect(all, places, site, site.amounts);
        const std::vector<shown_site> top = largest(std::move(all), limits_.sites);
        if (top.empty()) return;
        text_table table;
        table.add({{"Top " + std::to_string(top.size()) + " allocators", "Δ", "blocks", "at peak", "allocated"}});
        for (const shown_site& each : top)
            table.add(site_row(each, "  ", report_.heap.peak_precision));
        page_.table_with_head(table);
    }

    void phase_sites() {
        text_table table;
        table.add({{"Top allocators by phase", "Δ", "blocks", "at peak", "allocated"}});
        bool any = false;
        for (const phase_report& phase : report_.phases) {
            std::vector<shown_site> all;
            std::map<std::string, std::size_t> places;
            for (const phase_site_report& each : phase.sites)
                collect(all, places, report_.sites[each.site], each.amounts);
            const std::vector<shown_site> top = largest(std::move(all), limits_.sites_by_phase);
            if (top.empty()) continue;
            any = true;
            table.add({{"  " + phase.path}});
            for (const shown_site& each : top)
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
        std::size_t shown = 0;
        for (const label_report& each : report_.labels) {
            if (++shown > limits_.labels) break;
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
    // Several stacks may lead to one line: a table shows the line once.
    [[nodiscard]] static std::string place_of(const site_report& site) {
        std::string place = site.file;
        if (site.line > 0) place += ":" + std::to_string(site.line);
        if (!place.empty() && !site.function.empty()) place += "  ";
        return place + without_arguments(site.function);
    }

    // The arguments, and the end of a very long name, are in the JSON report.
    [[nodiscard]] static std::string without_arguments(const std::string& function) {
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

    struct shown_site {
        std::string place;
        site_amounts amounts;
    };

    static void add(site_amounts& to, const site_amounts& more) {
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

    // The first sites by what they added, and by what they held at the peak: a site that holds much at the peak and
    // nothing at the end is the one that is looked for most.
    [[nodiscard]] static std::vector<shown_site> largest(std::vector<shown_site> all, std::size_t count) {
        const auto weight = [](const site_amounts& of) {
            return std::max(std::abs(of.delta_bytes.count), of.at_peak_born_inside.count);
        };
        std::ranges::sort(all, [&](const shown_site& left, const shown_site& right) {
            const auto of_left = weight(left.amounts);
            const auto of_right = weight(right.amounts);
            return of_left != of_right ? of_left > of_right : left.place < right.place;
        });
        std::erase_if(all, [&](const shown_site& each) { return weight(each.amounts) == 0; });
        if (all.size() > count) all.resize(count);
        return all;
    }

    static void collect(std::vector<shown_site>& into, std::map<std::string, std::size_t>& places,
                        const site_report& site, const site_amounts& amounts) {
        const auto [found, is_new] = places.try_emplace(place_of(site), into.size());
        if (is_new)
            into.push_back({found->first, amounts});
        else
            add(into[found->second].amounts, amounts);
    }

    [[nodiscard]] text_table::row site_row(const shown_site& site, const std::string& indent,
                                           const precision& of_peak) {
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

} // namespace detail

} // namespace peakscope::report
