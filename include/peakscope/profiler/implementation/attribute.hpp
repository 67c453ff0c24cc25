// SPDX-License-Identifier: MIT
// From an attribution, numbers by origin, to the parts of the report: sites, labels, births. All of them are sums over
// origins.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/report.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace peakscope::profiler_detail {

// Sums of amounts, and the variances of estimates.
struct amount_sums {
    double allocated_bytes = 0;
    double freed_bytes = 0;
    double allocations = 0;
    double deallocations = 0;
    double at_peak_bytes = 0;
    double at_peak_blocks = 0;
    double at_peak_born_inside = 0;
    double allocated_variance = 0;
    double delta_variance = 0;
    double at_peak_variance = 0;

    void add_flow(const attributed_amounts& more) noexcept {
        allocated_bytes += more.allocated_bytes;
        freed_bytes += more.freed_bytes;
        allocations += more.allocations;
        deallocations += more.deallocations;
        allocated_variance += more.allocated_variance;
        // Blocks of one origin are born in one phase: in a window they only come, or only go. What of them comes and
        // goes again cancels out, and so does its variance.
        delta_variance += more.delta_variance;
    }
    void add_peak(const attributed_amounts& more, bool born_inside) noexcept {
        at_peak_bytes += more.at_peak_bytes;
        at_peak_born_inside += born_inside ? more.at_peak_bytes : 0;
        at_peak_blocks += more.at_peak_blocks;
        at_peak_variance += more.at_peak_variance;
    }
    void add(const amount_sums& more) noexcept {
        allocated_bytes += more.allocated_bytes;
        freed_bytes += more.freed_bytes;
        allocations += more.allocations;
        deallocations += more.deallocations;
        at_peak_bytes += more.at_peak_bytes;
        at_peak_blocks += more.at_peak_blocks;
        at_peak_born_inside += more.at_peak_born_inside;
        allocated_variance += more.allocated_variance;
        delta_variance += std::abs(more.delta_variance);
        at_peak_variance += more.at_peak_variance;
    }

    [[nodiscard]] static bytes rounded(double value) noexcept { return {std::llround(value)}; }
    [[nodiscard]] static std::optional<bytes> error(double variance, bool sampled) noexcept {
        return sampled ? std::optional{rounded(std::sqrt(std::max(variance, 0.0)))} : std::nullopt;
    }

    [[nodiscard]] site_amounts amounts(bool sampled) const noexcept {
        return {rounded(allocated_bytes - freed_bytes),
                std::llround(allocations - deallocations),
                rounded(at_peak_bytes),
                std::llround(at_peak_blocks),
                rounded(at_peak_born_inside),
                rounded(allocated_bytes),
                static_cast<std::uint64_t>(std::llround(allocations)),
                error(std::abs(delta_variance), sampled),
                error(at_peak_variance, sampled),
                error(allocated_variance, sampled)};
    }
};

// For each window of an attribution, the windows inside it, itself among them: those whose flows are its own too.
// `parent_of(phase)` gives the number of the phase a phase lies in, or anything else at the root.
template <class ParentOf>
[[nodiscard]] std::vector<std::vector<std::size_t>> windows_inside(std::size_t count, ParentOf parent_of) {
    std::vector<std::vector<std::size_t>> inside(count);
    for (std::size_t window = 0; window < count; ++window) {
        inside[0].push_back(window);
        for (std::size_t outer = window; outer > 0 && outer < count; outer = parent_of(outer - 1) + 1)
            inside[outer].push_back(window);
    }
    return inside;
}

// A stack as a report shows it, without amounts. Files are relative to `root`.
[[nodiscard]] inline site_report site_of(const named_stack& named, const std::string& root) {
    site_report made;
    made.stack = named.frames;
    if (named.shown >= named.frames.size()) return made;
    const stack_frame& shown = named.frames[named.shown];
    made.function = shown.function;
    made.line = shown.line;
    made.file = !root.empty() && shown.file.starts_with(root) ? shown.file.substr(root.size()) : shown.file;
    if (made.line == 0) made.file = made.file.substr(made.file.rfind('/') + 1); // a program or a library
    return made;
}

class attribution_report {
  public:
    template <class ParentOf>
    attribution_report(const attribution& of, const named_stacks& named, ParentOf parent_of)
        : of_(of), named_(named), inside_(windows_inside(of.windows.size(), parent_of)) {}

    void write(memory_report& report) {
        report.sites_precision = of_.of_sites;
        const bool with_sites = of_.of_sites.kind != precision_kind::unavailable;
        if (with_sites) write_sites(report);
        write_labels(report);
        write_work(report);
        write_births(report);
        if (with_sites) report.notes.insert(report.notes.end(), named_.notes.begin(), named_.notes.end());
    }

  private:
    static constexpr std::size_t not_by_stack = attributed_origin::no_stack;

    [[nodiscard]] const attributed_origin& origin_of(const attributed_amounts& amounts) const {
        return of_.origins[amounts.origin];
    }
    [[nodiscard]] bool born_inside(const attributed_origin& from, std::size_t window) const {
        return from.allocated_in != attributed_origin::before_measurement &&
               std::ranges::count(inside_[window], from.allocated_in - attributed_origin::outside_phases) > 0;
    }
    [[nodiscard]] bool sampled() const noexcept { return of_.of_sites.kind == precision_kind::sampled; }

    // What belongs to one window, summed by a key of the origin; origins for which there is no key are left out.
    template <class Key, class KeyOf>
    [[nodiscard]] std::map<Key, amount_sums> sums(std::size_t window, KeyOf key_of) const {
        std::map<std::size_t, amount_sums> by_origin; // of one origin, what comes and goes cancels out first
        for (const std::size_t inner : inside_[window])
            for (const attributed_amounts& each : of_.windows[inner].amounts)
                by_origin[each.origin].add_flow(each);
        for (const attributed_amounts& each : of_.windows[window].amounts)
            by_origin[each.origin].add_peak(each, born_inside(origin_of(each), window));
        std::map<Key, amount_sums> all;
        for (const auto& [number, amounts] : by_origin)
            if (const std::optional<Key> key = key_of(of_.origins[number])) all[*key].add(amounts);
        return all;
    }

    // By stack. What has none in a measurement that captures stacks was allocated before it, or could not be kept.
    [[nodiscard]] std::map<std::pair<std::size_t, bool>, amount_sums> sums_by_stack(std::size_t window) const {
        return sums<std::pair<std::size_t, bool>>(
            window, [&](const attributed_origin& from) -> std::optional<std::pair<std::size_t, bool>> {
                const bool before = from.stack == not_by_stack && from.born == attributed_origin::before_measurement;
                if (sampled() && !from.sampled && !before) return std::nullopt; // their sample stands for them
                return std::pair{from.stack == not_by_stack ? not_by_stack : stack_number(from.stack), before};
            });
    }

    // Stacks are handed over by origin: the same stack comes several times.
    [[nodiscard]] std::size_t stack_number(std::size_t stack) const {
        if (same_.empty()) {
            std::map<std::vector<std::uintptr_t>, std::size_t> first;
            for (std::size_t i = 0; i < of_.stacks.size(); ++i)
                same_.push_back(first.try_emplace(of_.stacks[i], i).first->second);
        }
        return same_[stack];
    }

    void write_sites(memory_report& report) {
        std::map<std::pair<std::size_t, bool>, std::size_t> numbers; // of sites, before they are sorted
        const auto number_of = [&](const std::pair<std::size_t, bool>& key) {
            const auto [found, is_new] = numbers.try_emplace(key, numbers.size());
            if (is_new) report.sites.push_back(site(key.first, key.second));
            return found->second;
        };
        for (const auto& [key, amounts] : sums_by_stack(0))
            report.sites[number_of(key)].amounts = amounts.amounts(sampled() && key.first != not_by_stack);
        for (std::size_t window = 1; window < of_.windows.size() && window <= report.phases.size(); ++window)
            for (const auto& [key, amounts] : sums_by_stack(window))
                report.phases[window - 1].sites.push_back(
                    {number_of(key), amounts.amounts(sampled() && key.first != not_by_stack)});
        sort(report);
    }

    [[nodiscard]] site_report site(std::size_t stack, bool before) const {
        site_report made;
        if (stack == not_by_stack) {
            made.function = before ? "(allocated before the measurement)" : "(not attributed)";
            return made;
        }
        return site_of(named_.stacks[stack], named_.root);
    }

    // The largest delta first; of equal ones, what held more at the peak, and at last by name, so that two runs agree.
    static void sort(memory_report& report) {
        const auto larger = [](const site_amounts& left, const site_amounts& right) {
            return std::pair{left.delta_bytes, left.at_peak_bytes} <=>
                   std::pair{right.delta_bytes, right.at_peak_bytes};
        };
        const auto before = [&](const site_report& left, const site_report& right) {
            if (const auto order = larger(left.amounts, right.amounts); order != 0) return order > 0;
            return std::tie(left.file, left.line, left.function) < std::tie(right.file, right.line, right.function);
        };
        std::vector<std::size_t> order(report.sites.size());
        for (std::size_t i = 0; i < order.size(); ++i)
            order[i] = i;
        std::ranges::sort(order, [&](std::size_t left, std::size_t right) {
            if (before(report.sites[left], report.sites[right])) return true;
            return !before(report.sites[right], report.sites[left]) && left < right;
        });
        std::vector<site_report> sorted;
        std::vector<std::size_t> place(order.size());
        for (const std::size_t number : order) {
            place[number] = sorted.size();
            sorted.push_back(std::move(report.sites[number]));
        }
        report.sites = std::move(sorted);
        for (phase_report& phase : report.phases) {
            for (phase_site_report& each : phase.sites)
                each.site = place[each.site];
            std::ranges::sort(phase.sites, [&](const phase_site_report& left, const phase_site_report& right) {
                if (const auto by_amount = larger(left.amounts, right.amounts); by_amount != 0) return by_amount > 0;
                return left.site < right.site;
            });
        }
    }

    void write_labels(memory_report& report) const {
        const auto by_label = sums<std::size_t>(0, [](const attributed_origin& from) {
            return from.label == 0 || from.sampled ? std::nullopt : std::optional{from.label};
        });
        for (const auto& [label, amounts] : by_label) {
            const site_amounts all = amounts.amounts(false);
            report.labels.push_back({of_.labels[label].name, all.allocated_bytes, all.allocations, all.delta_bytes,
                                     of_.labels[label].peak, all.at_peak_bytes});
        }
        std::ranges::sort(report.labels, [](const label_report& left, const label_report& right) {
            return std::tie(right.peak_bytes, left.name) < std::tie(left.peak_bytes, right.name);
        });
    }

    void write_work(memory_report& report) const {
        for (std::size_t phase = 0; phase < of_.work.size() && phase < report.phases.size(); ++phase) {
            work_figures sum;
            for (const std::size_t window : inside_[phase + 1]) {
                const work_figures& more = of_.work[window - 1];
                sum.entries += more.entries;
                sum.thread_time += more.thread_time;
                sum.allocated += more.allocated;
                sum.freed += more.freed;
                sum.allocations += more.allocations;
                sum.deallocations += more.deallocations;
            }
            if (sum.entries > 0) report.phases[phase].work = sum;
        }
    }

    void write_births(memory_report& report) const {
        report.births = {"before the measurement", "outside phases"};
        for (const phase_report& phase : report.phases)
            report.births.push_back(phase.path);
        for (std::size_t window = 0; window < of_.windows.size() && window <= report.phases.size(); ++window) {
            birth_report made;
            const bool entered = window == 0 || report.phases[window - 1].entries > 0;
            if (entered) {
                made.at_end = of_.windows[window].live_at_end;
                made.at_peak.resize(report.births.size());
            }
            made.freed_in.resize(report.births.size());
            for (const attributed_amounts& each : of_.windows[window].amounts)
                if (const attributed_origin& from = origin_of(each); !from.sampled)
                    made.at_peak[from.born] += bytes{std::llround(each.at_peak_bytes)};
            // Born in this window itself, not in a phase inside it.
            const std::size_t born = window + attributed_origin::outside_phases;
            for (std::size_t freeing = 0; freeing < of_.windows.size(); ++freeing)
                for (const attributed_amounts& each : of_.windows[freeing].amounts) {
                    const attributed_origin& from = origin_of(each);
                    if (from.born != born || from.sampled) continue;
                    made.allocated += bytes{std::llround(each.allocated_bytes)};
                    made.freed_in[freeing + attributed_origin::outside_phases] += bytes{std::llround(each.freed_bytes)};
                }
            if (window == 0)
                report.measurement_births = std::move(made);
            else if (entered || report.phases[window - 1].work)
                report.phases[window - 1].births = std::move(made);
        }
    }

    const attribution& of_;
    const named_stacks& named_;
    std::vector<std::vector<std::size_t>> inside_;
    mutable std::vector<std::size_t> same_;
};

} // namespace peakscope::profiler_detail
