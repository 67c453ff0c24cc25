// SPDX-License-Identifier: MIT
// The console report's tables of who allocated: sites, sites by phase, and labels.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/implementation/rank.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/implementation/console_page.hpp>
#include <peakscope/report/implementation/phase_figures.hpp>
#include <peakscope/report/implementation/site_callers.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/report/text_table.hpp>

#include <range/v3/algorithm/any_of.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

class site_tables {
  public:
    site_tables(const memory_report& report, const console_limits& limits, console_page& page)
        : report_(report), limits_(limits), page_(page) {}

    void sites() {
        const std::vector<site_line> all = largest(site_lines(report_), any);
        if (all.empty()) return;
        const line_callers callers{report_, held};
        const std::span shown = std::span{all}.first(std::min(all.size(), limits_.sites));
        text_table table = headed("Top " + std::to_string(shown.size()) + " allocators");
        for (const site_line& each : shown) {
            table.add(site_row(each, "  ", report_.heap.peak_precision));
            add_callers(table, callers.of(each.place), limits_.callers);
        }
        page_.table_with_head(table);
        left_out_any_ = all.size() > shown.size();
        page_.left_out(all.size() - shown.size(), "call site", "call sites");
        allocated(shown);
    }

    void phase_sites() {
        text_table table = headed("Top allocators by phase");
        std::size_t left_out = 0;
        std::size_t shown = 0;
        const auto add = [&](const std::string& name, const std::vector<phase_site_report>& sites,
                             const precision& peak) {
            const std::vector<site_line> all = largest(site_lines(report_, sites), any);
            std::size_t count = std::min(all.size(), limits_.sites_by_phase);
            if (limits_.sites_by_phase == 1 && count == 1 && says_nothing(all.front())) count = 0;
            left_out += all.size() - count;
            if (count > 1) table.add({{"  " + name}});
            for (const site_line& each : std::span{all}.first(count))
                table.add(site_row(each, count > 1 ? "    " : "  " + name + ": ", peak));
            shown += count;
        };
        for (const phase_report& phase : report_.phases)
            if (limits_.sites_by_phase > 1 || !shows_nothing_new(phase))
                add(limits_.sites_by_phase > 1 ? phase.path : short_path(phase), phase.sites,
                    phase.entries > 0 ? phase.heap.peak_precision : report_.heap.peak_precision);
        if (!report_.phases.empty()) add("outside phases", report_.outside_sites, report_.heap.peak_precision);
        if (shown > 0) page_.table_with_head(table);
        if (left_out_any_)
            page_.left_out(left_out, "in phases", "in phases");
        else
            page_.left_out(left_out, "call site in phases", "call sites in phases");
    }

    void labels() {
        text_table table;
        const bool by_item = report_.items.has_value();
        text_table::row head{{"Memory by label", "Δ", "peak", "at the peak", "allocated"}};
        if (by_item) head.cells.push_back("peak per " + cut_in_the_middle(report_.items->name, 12));
        table.add(std::move(head));
        const precision& peak = report_.heap.peak_precision;
        const std::size_t count = std::min(report_.labels.size(), limits_.labels);
        for (const label_report& each : std::span{report_.labels}.first(count)) {
            text_table::row row{{"  " + each.name, format_signed_bytes(each.delta_bytes),
                                 page_.marked(format_bytes(each.peak_bytes), peak),
                                 page_.marked(format_bytes(each.at_peak_bytes), peak),
                                 format_bytes(each.allocated_bytes)}};
            if (by_item)
                row.cells.push_back(page_.marked(plain_or_na(share(each.peak_bytes, report_.items->count)), peak));
            table.add(std::move(row));
        }
        for (const std::size_t column : {4U, 5U, 3U})
            table.may_go(column);
        page_.table_with_head(table);
        page_.left_out(report_.labels.size() - count, "label", "labels");
    }

    // Where lifetimes were watched: all blocks, and the lines with the most that did not live long.
    void lifetimes() {
        struct lived {
            std::uint64_t allocations = 0;
            std::uint64_t temporary = 0;
            std::uint64_t short_lived = 0;

            void add(const site_amounts& amounts, const lifetime_figures& lifetimes) {
                allocations += amounts.allocations;
                temporary += lifetimes.temporary;
                short_lived += lifetimes.short_lived;
            }
            [[nodiscard]] std::uint64_t most() const noexcept { return std::max(temporary, short_lived); }
        };
        lived all;
        std::map<std::string, lived> by_place;
        for (const site_report& site : report_.sites) {
            if (!site.lifetimes) continue;
            all.add(site.amounts, *site.lifetimes);
            by_place[place_of(site)].add(site.amounts, *site.lifetimes);
        }
        if (by_place.empty()) return;
        std::vector<std::pair<std::string, lived>> lines{by_place.begin(), by_place.end()};
        std::erase_if(lines, [](const auto& each) { return each.second.most() == 0; });
        sort_by_rank(lines, [](const auto& each) { return rank{-static_cast<std::int64_t>(each.second.most())}; });
        text_table table;
        table.add({{"Short-lived blocks", "allocated", "within their phase", "temporary"}});
        const auto add = [&](const std::string& name, const lived& of) {
            table.add({{"  " + name, format_count(of.allocations), format_count(of.short_lived),
                        format_count(of.temporary)}});
        };
        add("all", all);
        const std::size_t count = std::min(lines.size(), limits_.sites);
        for (const auto& [place, of] : std::span{lines}.first(count))
            add(place, of);
        page_.table_with_head(table);
        page_.left_out(lines.size() - count, "line with short-lived blocks", "lines with short-lived blocks");
    }

  private:
    static constexpr auto any = static_cast<std::size_t>(-1);

    // The first sites by what they added, and by what they held at the peak: a site that holds much at the peak and
    // nothing at the end is the one that is looked for most.
    [[nodiscard]] static std::int64_t held(const site_amounts& of) {
        return std::max(of.delta_bytes.magnitude(), of.at_peak_born_inside).count;
    }
    [[nodiscard]] static std::vector<site_line> largest(std::vector<site_line> all, std::size_t count) {
        return largest_lines(std::move(all), count, held);
    }

    [[nodiscard]] static text_table headed(const std::string& title) {
        text_table table;
        table.add({{title, "Δ", "blocks", "at peak", "allocated"}});
        for (const std::size_t column : {2U, 4U, 1U})
            table.may_go(column);
        return table;
    }

    static void add_callers(text_table& table, const std::vector<std::string>& callers, std::size_t most) {
        std::string text = "      called by ";
        for (std::size_t i = 0; i < std::min(callers.size(), most); ++i)
            text += (i == 0 ? "" : ", ") + callers[i];
        if (callers.size() > most) text += " and " + format_count(callers.size() - most) + " more";
        if (callers.size() > 1 && most > 0) table.add({{std::move(text)}});
    }

    // Those of the lines that allocated most which held too little to be shown already: work for the allocator, and
    // time.
    void allocated(std::span<const site_line> shown) {
        std::vector<site_line> most = largest_lines(site_lines(report_), limits_.allocated,
                                                    [](const site_amounts& of) { return of.allocated_bytes.count; });
        std::erase_if(most, [&](const site_line& each) {
            return ranges::any_of(shown, [&](const site_line& other) { return other.place == each.place; });
        });
        if (most.empty()) return;
        text_table table = headed("Top by bytes allocated");
        for (const site_line& each : most)
            table.add(site_row(each, "  ", report_.heap.peak_precision));
        page_.table_with_head(table);
    }

    // Less than a hundredth of what the whole measurement held at its peak.
    [[nodiscard]] bool says_nothing(const site_line& line) const {
        return report_.heap.peak_delta && held(line.amounts) < report_.heap.peak_delta->count / 100;
    }

    // Its last name, where no other phase has it too.
    [[nodiscard]] std::string short_path(const phase_report& phase) const {
        const std::string_view name = last_name(phase.path);
        return report_.find_phase(name) == nullptr ? phase.path : std::string{name};
    }

    // A phase whose first line is that of a phase inside it: there it is shown.
    [[nodiscard]] bool shows_nothing_new(const phase_report& phase) const {
        const auto first = [&](const phase_report& of) { return largest(site_lines(report_, of.sites), 1); };
        const std::vector<site_line> own = first(phase);
        return ranges::any_of(report_.phases, [&](const phase_report& inner) {
            if (own.empty() || !inner.path.starts_with(phase.path + "/")) return false;
            const std::vector<site_line> of_inner = first(inner);
            return !of_inner.empty() && of_inner.front().place == own.front().place;
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
        const auto magnitude = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
        return (count > 0 ? "+" : count < 0 ? "-" : "") + format_count(magnitude);
    }

    const memory_report& report_;
    const console_limits& limits_;
    console_page& page_;
    bool left_out_any_ = false;
};

} // namespace peakscope::report::detail
