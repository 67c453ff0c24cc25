// SPDX-License-Identifier: MIT
// The console report from its title to its notes.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/implementation/console_births.hpp>
#include <peakscope/report/implementation/console_page.hpp>
#include <peakscope/report/implementation/console_sites.hpp>
#include <peakscope/report/implementation/phase_figures.hpp>
#include <peakscope/report/text_table.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

[[nodiscard]] inline std::string signed_or_na(const std::optional<bytes>& value) {
    return value ? format_signed_bytes(*value) : std::string{not_known};
}
[[nodiscard]] inline std::string plain_or_na(const std::optional<bytes>& value) {
    return value ? format_bytes(*value) : std::string{not_known};
}

// "exact", or both where the totals and the peaks differ.
template <class Figures>
[[nodiscard]] std::string precision_text(const Figures& figures) {
    const std::string totals = format_precision(figures.totals_precision);
    const std::string peak = format_precision(figures.peak_precision);
    return totals == peak ? totals : totals + ", peak " + peak;
}

class console_writer {
  public:
    console_writer(const memory_report& report, bool colour, const console_limits& limits)
        : report_(report), limits_(limits), page_(colour) {}

    [[nodiscard]] std::string text() {
        page_.line(page_.styles().bold(report_.title));
        summary();
        if (!report_.phases.empty()) phases();
        work();
        site_tables who{report_, limits_, page_};
        if (report_.sites_precision.kind != precision_kind::unavailable) {
            who.sites();
            who.phase_sites();
        }
        if (!report_.labels.empty()) who.labels();
        if (report_.measurement_births && !report_.phases.empty()) {
            birth_tables when{report_, *report_.measurement_births, page_};
            when.births();
            when.fates();
        }
        legend();
        if (!report_.notes.empty()) page_.line("");
        for (const std::string& note : report_.notes)
            page_.line("Note: " + note);
        return page_.take();
    }

  private:
    void summary() {
        text_table table;
        if (report_.heap_source != "none")
            table.add(summary_row("Heap", report_.heap, report_.heap_source + ", " + report_.heap_unit + " bytes, "));
        if (report_.rss_source != "none") table.add(summary_row("RSS", report_.rss, report_.rss_source + ", "));
        for (const std::string& each : table.lines())
            page_.line("  " + each);
        if (report_.heap.allocator) allocator(*report_.heap.allocator);
        if (report_.rss.at_end) resident(*report_.rss.at_end);
        if (report_.items) per_item(*report_.items);
        if (report_.heap.start || report_.rss.start)
            page_.line("  Baseline  heap " +
                       page_.marked(plain_or_na(report_.heap.start), report_.heap.totals_precision) + ", RSS " +
                       page_.marked(plain_or_na(report_.rss.start), report_.rss.totals_precision) +
                       "; in none of these figures");
        page_.line("  Time  " + format_duration(report_.duration));
        if (report_.profiler_bytes)
            page_.line("  Profiler  " + format_bytes(*report_.profiler_bytes) + " of its own, not in the heap");
    }

    // At the end, side by side: what the program asked for and what it takes to hold it.
    void allocator(const allocator_state& state) {
        parts("  Allocator  " + report_.allocator + ", at the end:",
              {{"requested", report_.heap_unit == "requested" ? report_.heap.end : std::nullopt},
               {"usable", state.usable},
               {"active", state.active},
               {"resident", state.resident},
               {"retained", state.retained}});
    }
    void resident(const resident_state& state) {
        parts("  Resident  at the end:", {{"anonymous", state.anonymous},
                                          {"file", state.file},
                                          {"shmem", state.shmem},
                                          {"PSS", state.pss},
                                          {"USS", state.uss},
                                          {"shared", state.shared},
                                          {"swap", state.swap},
                                          {"limit", state.limit}});
    }
    void parts(std::string text, const std::vector<std::pair<const char*, std::optional<bytes>>>& all) {
        for (const auto& [what, value] : all)
            if (value) text += std::string{text.ends_with(':') ? " " : ", "} + what + " " + format_bytes(*value);
        page_.line(text);
    }

    template <class Figures>
    [[nodiscard]] static text_table::row summary_row(const char* title, const Figures& figures,
                                                     const std::string& source) {
        return {{title, "Δ " + signed_or_na(figures.delta), "peak " + signed_or_na(figures.peak_delta)},
                "(" + source + precision_text(figures) + ")"};
    }

    void per_item(const item_count& items) {
        const auto count = static_cast<std::int64_t>(items.count);
        const auto share = [&](const std::optional<bytes>& whole, const precision& of) {
            precision shared = of;
            shared.bound = of.bound / count;
            return page_.marked(signed_or_na(whole ? std::optional{*whole / count} : std::nullopt), shared);
        };
        page_.line("  Per " + items.name + "  Δ " + share(report_.heap.delta, report_.heap.totals_precision) +
                   " heap, " + share(report_.rss.delta, report_.rss.totals_precision) + " RSS   peak " +
                   share(report_.heap.peak_delta, report_.heap.peak_precision) + " heap, " +
                   share(report_.rss.peak_delta, report_.rss.peak_precision) + " RSS   (" + format_count(items.count) +
                   ")");
    }

    void phases() {
        text_table table;
        table.add({{"Memory by phase", "Δ heap", "peak heap", "Δ RSS", "peak RSS", "entered", "time"}});
        const phase_report* const highest = high_water_phase(report_);
        for (const phase_report& phase : report_.phases)
            table.add(phase_row(phase, &phase == highest));
        add_rest(table, highest == nullptr);
        page_.table_with_head(table);
    }

    // Of threads that had a phase in scope.
    void work() {
        text_table table;
        table.add({{"Work of threads by phase", "Δ heap", "allocated", "freed", "blocks", "scopes", "thread time"}});
        bool any = false;
        for (const phase_report& phase : report_.phases) {
            if (!phase.work) continue;
            any = true;
            const work_figures& of = *phase.work;
            table.add({{"  " + phase.path, format_signed_bytes(of.allocated - of.freed), format_bytes(of.allocated),
                        format_bytes(of.freed), format_count(of.allocations), format_count(of.entries),
                        format_duration(of.thread_time)}});
        }
        if (any) page_.table_with_head(table);
    }

    // What the mark before a figure means, where one has it.
    void legend() {
        if (!page_.any_inexact()) return;
        page_.line(std::string{"  ~ not exact"} + (page_.widest_bound() > bytes{}
                                                       ? ", within " + format_bytes(page_.widest_bound()) + " or less"
                                                       : ""));
    }

    [[nodiscard]] text_table::row phase_row(const phase_report& phase, bool highest) {
        const std::string name = std::string(2 + 2 * depth_of(phase.path), ' ') + std::string{last_name(phase.path)};
        if (phase.entries == 0) return {{name, "", "", "", "", "never", ""}};
        return {{name, page_.marked(signed_or_na(phase.heap.delta), phase.heap.totals_precision),
                 page_.marked(plain_or_na(difference(phase.heap.peak, report_.heap.start)), phase.heap.peak_precision),
                 page_.marked(signed_or_na(phase.rss.delta), phase.rss.totals_precision),
                 page_.marked(plain_or_na(difference(phase.rss.peak, report_.rss.start)), phase.rss.peak_precision),
                 format_count(phase.entries), format_duration(phase.duration)},
                highest ? page_.styles().accent("<- the high-water mark") : ""};
    }

    // The heap alone: the bounds of all its parts add up in such a difference, and make nothing of that of the RSS.
    void add_rest(text_table& table, bool peak_is_outside) {
        const auto rest = outside_phases(report_, [](const auto& part) { return part.heap.delta; });
        const auto of_rest =
            outside_phases_precision(report_, [](const auto& part) { return part.heap.totals_precision; });
        const bool has_peak = peak_is_outside && report_.heap.peak_delta.has_value();
        if (rest.value_or(bytes{}) == bytes{} && !has_peak) return;
        table.add({{"  outside phases", page_.marked(signed_or_na(rest), of_rest),
                    has_peak ? page_.marked(plain_or_na(report_.heap.peak_delta), report_.heap.peak_precision) : "", "",
                    "", "", ""},
                   has_peak ? page_.styles().accent("<- the high-water mark") : ""});
    }

    const memory_report& report_;
    console_limits limits_;
    console_page page_;
};

} // namespace peakscope::report::detail
