// SPDX-License-Identifier: MIT
// report::console: the report for a person. UTF-8; plain text where the output is no terminal or NO_COLOR is set.
//
// A peak is shown above the measurement's baseline, as are all deltas: what was there before is in none of the figures,
// and the baseline itself has a line of its own. A '~' stands before a figure that is not exact.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

inline constexpr std::string_view not_known = "n/a";

[[nodiscard]] inline std::optional<bytes> difference(const std::optional<bytes>& value,
                                                     const std::optional<bytes>& base) {
    return value && base ? std::optional{*value - *base} : std::nullopt;
}

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

[[nodiscard]] inline std::string_view last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }
[[nodiscard]] inline std::size_t depth_of(std::string_view path) {
    return static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

// The innermost phase whose window held the measurement's peak; null when it lay outside of all.
[[nodiscard]] inline const phase_report* high_water_phase(const memory_report& report) {
    const phase_report* found = nullptr;
    if (!report.heap.peak) return found;
    for (const phase_report& phase : report.phases)
        if (phase.heap.peak == report.heap.peak && (found == nullptr || phase.path.starts_with(found->path + "/")))
            found = &phase;
    return found;
}

// What the phases at the root leave of a figure of the measurement.
template <class Get>
[[nodiscard]] std::optional<bytes> outside_phases(const memory_report& report, Get figure) {
    std::optional<bytes> rest = figure(report);
    for (const phase_report& phase : report.phases)
        if (phase.entries > 0 && depth_of(phase.path) == 0) rest = difference(rest, figure(phase));
    return rest;
}

// The precision of that difference: the errors of all its parts may add up.
template <class Get>
[[nodiscard]] precision outside_phases_precision(const memory_report& report, Get precision_of) {
    precision sum = precision_of(report);
    for (const phase_report& phase : report.phases) {
        if (phase.entries == 0 || depth_of(phase.path) != 0) continue;
        const bytes both = sum.bound + precision_of(phase).bound;
        sum = weaker(sum, precision_of(phase));
        sum.bound = both;
    }
    return sum;
}

} // namespace detail

/// How much of the long tables is shown. The JSON report has all of it.
struct console_limits {
    std::size_t sites = 10;         ///< of the measurement
    std::size_t sites_by_phase = 3; ///< of each phase
    std::size_t labels = 20;
};

namespace detail {

// Terminal styles, or nothing.
struct style {
    bool on;
    [[nodiscard]] std::string bold(const std::string& text) const { return on ? "\x1b[1m" + text + "\x1b[0m" : text; }
    [[nodiscard]] std::string accent(const std::string& text) const {
        return on ? "\x1b[1;33m" + text + "\x1b[0m" : text;
    }
};

class console_writer {
  public:
    console_writer(const memory_report& report, bool colour, const console_limits& limits)
        : report_(report), style_{colour}, limits_(limits) {}

    [[nodiscard]] std::string text() {
        line(style_.bold(report_.title));
        summary();
        if (!report_.phases.empty()) phases();
        if (report_.sites_precision.kind != precision_kind::unavailable) {
            sites();
            phase_sites();
        }
        if (!report_.labels.empty()) labels();
        births();
        legend();
        if (!report_.notes.empty()) text_ += '\n';
        for (const std::string& note : report_.notes)
            line("Note: " + note);
        return std::move(text_);
    }

  private:
    void line(const std::string& content) { text_ += content + "\n"; }

    void summary() {
        text_table table;
        if (report_.heap_source != "none")
            table.add(summary_row("Heap", report_.heap, report_.heap_source + ", " + report_.heap_unit + " bytes, "));
        if (report_.rss_source != "none") table.add(summary_row("RSS", report_.rss, report_.rss_source + ", "));
        for (const std::string& each : table.lines())
            line("  " + each);
        if (report_.items) per_item(*report_.items);
        if (report_.heap.start || report_.rss.start)
            line("  Baseline  heap " + marked(plain_or_na(report_.heap.start), report_.heap.totals_precision) +
                 ", RSS " + marked(plain_or_na(report_.rss.start), report_.rss.totals_precision) +
                 "; in none of these figures");
        line("  Time  " + format_duration(report_.duration));
        if (report_.profiler_bytes)
            line("  Profiler  " + format_bytes(*report_.profiler_bytes) + " of its own, not in the heap");
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
            return marked(signed_or_na(whole ? std::optional{*whole / count} : std::nullopt), shared);
        };
        line("  Per " + items.name + "  Δ " + share(report_.heap.delta, report_.heap.totals_precision) + " heap, " +
             share(report_.rss.delta, report_.rss.totals_precision) + " RSS   peak " +
             share(report_.heap.peak_delta, report_.heap.peak_precision) + " heap, " +
             share(report_.rss.peak_delta, report_.rss.peak_precision) + " RSS   (" + format_count(items.count) + ")");
    }

    void phases() {
        text_ += '\n';
        text_table table;
        table.add({{"Memory by phase", "Δ heap", "peak heap", "Δ RSS", "peak RSS", "entered", "time"}});
        const phase_report* const highest = high_water_phase(report_);
        for (const phase_report& phase : report_.phases)
            table.add(phase_row(phase, &phase == highest));
        add_rest(table, highest == nullptr);
        bool first = true;
        for (const std::string& each : table.lines())
            line(std::exchange(first, false) ? style_.bold(each) : each);
    }

    // What the mark before a figure means, where one has it.
    void legend() {
        if (!any_inexact_) return;
        line(std::string{"  ~ not exact"} +
             (widest_bound_ > bytes{} ? ", within " + format_bytes(widest_bound_) + " or less" : ""));
    }

    [[nodiscard]] text_table::row phase_row(const phase_report& phase, bool highest) {
        const std::string name = std::string(2 + 2 * depth_of(phase.path), ' ') + std::string{last_name(phase.path)};
        if (phase.entries == 0) return {{name, "", "", "", "", "never", ""}};
        return {{name, marked(signed_or_na(phase.heap.delta), phase.heap.totals_precision),
                 marked(plain_or_na(difference(phase.heap.peak, report_.heap.start)), phase.heap.peak_precision),
                 marked(signed_or_na(phase.rss.delta), phase.rss.totals_precision),
                 marked(plain_or_na(difference(phase.rss.peak, report_.rss.start)), phase.rss.peak_precision),
                 format_count(phase.entries), format_duration(phase.duration)},
                highest ? style_.accent("<- the high-water mark") : ""};
    }

    // The heap alone: the bounds of all its parts add up in such a difference, and make nothing of that of the RSS.
    void add_rest(text_table& table, bool peak_is_outside) {
        const auto rest = outside_phases(report_, [](const auto& part) { return part.heap.delta; });
        const auto of_rest =
            outside_phases_precision(report_, [](const auto& part) { return part.heap.totals_precision; });
        const bool has_peak = peak_is_outside && report_.heap.peak_delta.has_value();
        if (rest.value_or(bytes{}) == bytes{} && !has_peak) return;
        table.add({{"  outside phases", marked(signed_or_na(rest), of_rest),
                    has_peak ? marked(plain_or_na(report_.heap.peak_delta), report_.heap.peak_precision) : "", "", "",
                    "", ""},
                   has_peak ? style_.accent("<- the high-water mark") : ""});
    }

    // A figure in a table has no room for its precision: a mark, and the legend below says what it means.
    [[nodiscard]] std::string marked(const std::string& figure, const precision& of) {
        if (of.kind == precision_kind::exact || figure == not_known) return figure;
        any_inexact_ = true;
        widest_bound_ = std::max(widest_bound_, of.bound);
        return "~" + figure;
    }

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

    [[nodiscard]] std::string with_error(const std::string& figure, const std::optional<bytes>& error) {
        return error ? figure + " ±" + format_bytes(*error) : figure;
    }

    [[nodiscard]] text_table::row site_row(const shown_site& site, const std::string& indent,
                                           const precision& of_peak) {
        const site_amounts& amounts = site.amounts;
        const precision peak = weaker(report_.sites_precision, of_peak);
        return {
            {indent + site.place,
             marked(with_error(format_signed_bytes(amounts.delta_bytes), amounts.delta_error), report_.sites_precision),
             signed_count(amounts.delta_blocks),
             marked(with_error(format_bytes(amounts.at_peak_bytes), amounts.at_peak_error), peak),
             marked(with_error(format_bytes(amounts.allocated_bytes), amounts.allocated_error),
                    report_.sites_precision)}};
    }

    [[nodiscard]] static std::string signed_count(std::int64_t count) {
        const auto magnitude = static_cast<std::uint64_t>(std::abs(count));
        return (count > 0 ? "+" : count < 0 ? "-" : "") + format_count(magnitude);
    }

    void table_with_head(const text_table& table) {
        text_ += '\n';
        bool first = true;
        for (const std::string& each : table.lines())
            line(std::exchange(first, false) ? style_.bold(each) : each);
    }

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
        table_with_head(table);
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
        if (any) table_with_head(table);
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
                                 marked(format_bytes(each.peak_bytes), peak),
                                 marked(format_bytes(each.at_peak_bytes), peak), format_bytes(each.allocated_bytes)}};
            if (by_item)
                row.cells.push_back(
                    marked(format_bytes(each.peak_bytes / static_cast<std::int64_t>(report_.items->count)), peak));
            table.add(std::move(row));
        }
        table_with_head(table);
        if (report_.labels.size() > limits_.labels)
            line("  and " + format_count(report_.labels.size() - limits_.labels) + " more labels");
    }

    // A row for each window, a column for each phase of birth; columns in which nothing stands are left out.
    void births() {
        if (!report_.measurement_births || report_.phases.empty()) return;
        std::vector<bool> used(report_.births.size());
        const auto look = [&](const std::optional<birth_report>& of) {
            if (!of) return;
            for (std::size_t i = 0; i < used.size() && i < of->at_peak.size(); ++i)
                if (of->at_peak[i] != bytes{}) used[i] = true;
        };
        look(report_.measurement_births);
        for (const phase_report& phase : report_.phases)
            look(phase.births);
        if (std::ranges::count(used, true) < 2) return; // all of it was born in one place
        text_table table;
        text_table::row head{{"Alive at the peak of, born in"}};
        for (std::size_t i = 0; i < used.size(); ++i)
            if (used[i])
                head.cells.emplace_back(i == 0 ? "(before)" : i == 1 ? "(outside)" : last_name(report_.births[i]));
        table.add(std::move(head));
        const auto add_row = [&](const std::string& name, const birth_report& of, const precision& of_peak) {
            text_table::row row{{"  " + name}};
            for (std::size_t i = 0; i < used.size(); ++i)
                if (used[i])
                    row.cells.push_back(of.at_peak[i] == bytes{} ? "" : marked(format_bytes(of.at_peak[i]), of_peak));
            table.add(std::move(row));
        };
        add_row("the whole", *report_.measurement_births, report_.heap.peak_precision);
        for (const phase_report& phase : report_.phases)
            if (phase.births) add_row(phase.path, *phase.births, phase.heap.peak_precision);
        table_with_head(table);

        text_table fate;
        text_table::row fate_head{{"Allocated in, freed in", "allocated", "alive at the end"}};
        std::vector<bool> frees(report_.births.size());
        const auto fates = [&](auto use) {
            use(std::string{"(outside)"}, *report_.measurement_births);
            for (const phase_report& phase : report_.phases)
                if (phase.births) use(phase.path, *phase.births);
        };
        fates([&](const std::string&, const birth_report& of) {
            for (std::size_t i = 0; i < frees.size(); ++i)
                if (of.freed_in[i] != bytes{}) frees[i] = true;
        });
        for (std::size_t i = 0; i < frees.size(); ++i)
            if (frees[i]) fate_head.cells.emplace_back(i == 1 ? "(outside)" : last_name(report_.births[i]));
        fate.add(std::move(fate_head));
        fates([&](const std::string& name, const birth_report& of) {
            if (of.allocated == bytes{}) return;
            bytes rest = of.allocated;
            for (const bytes each : of.freed_in)
                rest = rest - each;
            text_table::row row{{"  " + name, format_bytes(of.allocated), rest == bytes{} ? "" : format_bytes(rest)}};
            for (std::size_t i = 0; i < frees.size(); ++i)
                if (frees[i]) row.cells.push_back(of.freed_in[i] == bytes{} ? "" : format_bytes(of.freed_in[i]));
            fate.add(std::move(row));
        });
        table_with_head(fate);
    }

    const memory_report& report_;
    style style_;
    console_limits limits_;
    std::string text_;
    bool any_inexact_ = false;
    bytes widest_bound_{};
};

} // namespace detail

/// Writes the report as text. Throws `write_error`.
class console {
  public:
    static constexpr const char* name = "console";

    /// To standard output.
    console() = default;
    explicit console(destination where, console_limits limits = {}) : where_(std::move(where)), limits_(limits) {}

    [[nodiscard]] static std::string text(const memory_report& report, bool colour = false,
                                          const console_limits& limits = {}) {
        return detail::console_writer{report, colour, limits}.text();
    }

    void operator()(const memory_report& report) const { where_.write(text(report, where_.wants_colour(), limits_)); }

  private:
    destination where_;
    console_limits limits_;
};

} // namespace peakscope::report
