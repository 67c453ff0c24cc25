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

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

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
        : report_(report), limits_(limits), page_(colour, limits.width) {}

    [[nodiscard]] std::string text() {
        const std::string title = cut_in_the_middle(report_.title, limits_.width);
        if (title != report_.title) page_.left_out("the title's middle");
        page_.bold_line(title);
        summary();
        if (!report_.phases.empty()) phases();
        touched();
        work();
        site_tables who{report_, limits_, page_};
        if (report_.sites_precision.kind != precision_kind::unavailable) {
            who.sites();
            who.phase_sites();
            who.lifetimes();
        }
        if (!report_.labels.empty()) who.labels();
        if (has_births()) births();
        legend();
        if (const std::string& what = page_.all_left_out(); !what.empty())
            page_.line("  Left out: " + what + "; see report::console_limits");
        for (const std::string& note : report_.notes)
            page_.line("Note: " + note);
        return page_.take();
    }

  private:
    void summary() {
        text_table table;
        if (report_.heap_source != "none")
            table.add(summary_row("  Heap", report_.heap, report_.heap_source + ", " + report_.heap_unit + " bytes, "));
        if (report_.rss_source != "none") table.add(summary_row("  RSS", report_.rss, report_.rss_source + ", "));
        for (const std::string& each : page_.fitted(table))
            page_.plain_line(each);
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access)
        if (has_births()) birth_tables{report_, *report_.measurement_births, page_}.of_the_peak();
        if (report_.heap.allocator) allocator(*report_.heap.allocator);
        if (report_.rss.at_end) resident(*report_.rss.at_end);
        if (report_.rss.touched)
            page_.line("  Touched  " + range(*report_.rss.touched) + "; " +
                       format_bytes(report_.rss.touched->resident) + " resident at the end");
        if (report_.items) per_item(*report_.items);
        std::string time = "  Time  " + format_duration(report_.duration);
        if (report_.heap.start || report_.rss.start)
            time += "   Baseline  heap " +
                    page_.marked(plain_or_na(report_.heap.start), report_.heap.totals_precision) + ", RSS " +
                    page_.marked(plain_or_na(report_.rss.start), report_.rss.totals_precision) +
                    ", in none of these figures";
        page_.line(time);
        if (report_.profiler_bytes)
            page_.line(
                "  Profiler  " + format_bytes(*report_.profiler_bytes) + " of its own, not in the heap" +
                (report_.rss.profiler_bytes
                     ? "; " + page_.marked(format_bytes(*report_.rss.profiler_bytes), report_.rss.totals_precision) +
                           " resident with blocks' rests, not in RSS"
                     : ""));
        if (report_.process_peak_rss)
            page_.line("  Process  largest RSS since it began " +
                       page_.marked(format_bytes(*report_.process_peak_rss), report_.rss.peak_precision) +
                       ", the profiler's own in it");
    }

    // At the end, side by side: what the program asked for and what it takes to hold it.
    void allocator(const allocator_state& state) {
        parts("  Allocator  " + report_.allocator + ", at the end:", exact,
              {{"requested", report_.heap_unit == "requested" ? report_.heap.end : std::nullopt},
               {"usable", state.usable},
               {"active", state.active},
               {"resident", state.resident},
               {"retained", state.retained}});
    }
    void resident(const resident_state& state) {
        parts("  Resident  at the end:", report_.rss.totals_precision,
              {{"anonymous", state.anonymous},
               {"file", state.file},
               {"shmem", state.shmem},
               {"PSS", state.pss},
               {"USS", state.uss},
               {"shared", state.shared},
               {"swap", state.swap},
               {"limit", state.limit}});
    }
    void parts(std::string text, const precision& of,
               const std::vector<std::pair<const char*, std::optional<bytes>>>& all) {
        for (const auto& [what, value] : all)
            if (value)
                text += std::string{text.ends_with(':') ? " " : ", "} + what + " " +
                        page_.marked(format_bytes(*value), std::string_view{what} == "limit" ? exact : of);
        if (!text.ends_with(':')) page_.line(text);
    }

    template <class Figures>
    [[nodiscard]] text_table::row summary_row(const char* title, const Figures& figures, const std::string& source) {
        return {{title, "Δ " + page_.marked(signed_or_na(figures.delta), figures.totals_precision),
                 "peak " + page_.marked(signed_or_na(figures.peak_delta), figures.peak_precision)},
                "(" + source + precision_text(figures) + ")"};
    }

    void per_item(const item_count& items) {
        const auto one = [&](const std::optional<bytes>& whole, const precision& of) {
            precision shared = of;
            shared.bound = share(of.bound, items.count).value_or(bytes{});
            return page_.marked(signed_or_na(share(whole, items.count)), shared);
        };
        page_.line("  Per " + items.name + "  Δ " + one(report_.heap.delta, report_.heap.totals_precision) + " heap, " +
                   one(report_.rss.delta, report_.rss.totals_precision) + " RSS   peak " +
                   one(report_.heap.peak_delta, report_.heap.peak_precision) + " heap, " +
                   one(report_.rss.peak_delta, report_.rss.peak_precision) + " RSS   (" + format_count(items.count) +
                   ")");
    }

    void phases() {
        text_table table;
        table.add({{"Memory by phase", "Δ heap", "peak heap", "Δ RSS", "peak RSS", "entered", "time"}});
        const phase_report* const highest = high_water_phase(report_);
        std::string never;
        bool once_each = true;
        bool any = false;
        for (const phase_report& phase : report_.phases) {
            once_each &= phase.entries <= 1;
            any |= phase.entries > 0 || phase.work;
            if (phase.entries > 0 || phase.work)
                table.add(phase_row(phase, &phase == highest));
            else
                never += (never.empty() ? "" : ", ") + phase.path;
        }
        add_rest(table, highest == nullptr);
        if (once_each) table.may_go(5, true);
        for (const std::size_t column : {6U, 5U, 3U, 4U})
            table.may_go(column);
        if (any) page_.table_with_head(table);
        if (!never.empty()) page_.line("  never entered: " + never);
    }

    // In a table of its own, because nearly no RSS source tells it.
    void touched() {
        text_table table;
        const bool once_each =
            std::ranges::all_of(report_.phases, [](const phase_report& each) { return each.entries <= 1; });
        table.add(
            {{once_each ? "Touched by phase" : "Touched by phase (largest entry)", "touched", "resident at the end"}});
        bool any = false;
        for (const phase_report& phase : report_.phases) {
            if (!phase.rss.touched) continue;
            any = true;
            table.add({{indented_name(phase), range(*phase.rss.touched), format_bytes(phase.rss.touched->resident)}});
        }
        if (any) page_.table_with_head(table);
    }
    [[nodiscard]] std::string range(const touched_memory& of) {
        const std::string least = format_bytes(of.at_least);
        const std::string most = format_bytes(of.at_most);
        return least == most ? page_.marked(most, bounded(of.at_most - of.at_least)) : least + " to " + most;
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
        for (const std::size_t column : {5U, 4U, 6U})
            table.may_go(column);
        if (any) page_.table_with_head(table);
    }

    [[nodiscard]] bool has_births() const { return report_.measurement_births && !report_.phases.empty(); }
    void births() {
        if (limits_.births == 0) return page_.left_out("births by phase");
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access)
        birth_tables when{report_, *report_.measurement_births, page_};
        when.births(limits_.births);
        when.fates(limits_.births);
    }

    void legend() {
        if (const std::string meaning = page_.meaning_of_mark(); !meaning.empty()) page_.line("  " + meaning);
    }

    [[nodiscard]] static std::string indented_name(const phase_report& phase) {
        return std::string(2 + 2 * depth_of(phase.path), ' ') + std::string{last_name(phase.path)};
    }
    [[nodiscard]] text_table::row phase_row(const phase_report& phase, bool highest) {
        const std::string name = indented_name(phase);
        if (phase.entries == 0) return {{name, "", "", "", "", phase.work ? "as work" : "never", ""}};
        const auto of = [&](const std::string& source, const std::string& figure, const precision& how) {
            return source == "none" ? std::string{} : page_.marked(figure, how);
        };
        return {{name, of(report_.heap_source, signed_or_na(phase.heap.delta), phase.heap.totals_precision),
                 of(report_.heap_source, plain_or_na(difference(phase.heap.peak, report_.heap.start)),
                    phase.heap.peak_precision),
                 of(report_.rss_source, signed_or_na(phase.rss.delta), phase.rss.totals_precision),
                 of(report_.rss_source, plain_or_na(difference(phase.rss.peak, report_.rss.start)),
                    phase.rss.peak_precision),
                 format_count(phase.entries), format_duration(phase.duration)},
                highest ? high_water_mark : ""};
    }

    // The heap alone: the bounds of all its parts add up in such a difference, and make nothing of that of the RSS.
    void add_rest(text_table& table, bool peak_is_outside) {
        const heap_outside_phases rest{report_};
        const bool has_peak = peak_is_outside && report_.heap.peak_delta.has_value();
        if (rest.delta.value_or(bytes{}) == bytes{} && !has_peak) return;
        table.add({{"  outside phases", page_.marked(signed_or_na(rest.delta), rest.of_delta),
                    has_peak ? page_.marked(plain_or_na(report_.heap.peak_delta), report_.heap.peak_precision) : "", "",
                    "", "", ""},
                   has_peak ? high_water_mark : ""});
    }

    const memory_report& report_;
    console_limits limits_;
    console_page page_;
};

} // namespace peakscope::report::detail
