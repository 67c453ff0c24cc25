// SPDX-License-Identifier: MIT
// From an attribution to the sites of a report: sums over origins by call stack.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/implementation/rank.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/profiler/implementation/attribution_sums.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace peakscope::profiler_detail {

class sites_report {
  public:
    template <class ParentOf>
    sites_report(const attribution& of, named_stacks& named, ParentOf parent_of)
        : of_(of),
          named_(named),
          sums_(of, parent_of, of.stacks.size() + 2),
          keys_(keys_of(of)),
          numbers_(of.stacks.size() + 2, unnumbered) {}

    // In the measurement.
    void write(memory_report& report) {
        const std::vector<keyed_sums> all = sums_of_window(0);
        report.sites.reserve(all.size());
        for (const auto& [key, amounts] : all)
            report.sites[number_of(report, key)].amounts = amounts_of(key, amounts);
    }
    // In its phases, and outside of them.
    void write_by_phase(memory_report& report) {
        const auto sites_of = [&](const std::vector<keyed_sums>& all) {
            std::vector<phase_site_report> made;
            made.reserve(all.size());
            for (const auto& [key, amounts] : all)
                made.push_back({number_of(report, key), amounts_of(key, amounts)});
            return made;
        };
        report.outside_sites = sites_of(sums_outside_phases());
        for (std::size_t window = 1; window < of_.windows.size() && window <= report.phases.size(); ++window) {
            phase_report& phase = report.phases[window - 1];
            phase.sites = sites_of(phase.entries == 0 && phase.work ? sums_of_work(window) : sums_of_window(window));
        }
    }

  private:
    static constexpr std::size_t unnumbered = static_cast<std::size_t>(-1);

    // What has no stack in a measurement that captures them was allocated before it, or could not be kept.
    [[nodiscard]] std::size_t not_attributed() const noexcept { return of_.stacks.size(); }
    [[nodiscard]] std::size_t before_measurement() const noexcept { return of_.stacks.size() + 1; }
    [[nodiscard]] bool sampled() const noexcept { return of_.of_sites.kind == precision_kind::sampled; }
    [[nodiscard]] site_amounts amounts_of(std::size_t key, const amount_sums& sums) const {
        return sums.amounts(sampled() && key < not_attributed());
    }

    // By origin: the number of its stack, or one of the two above.
    [[nodiscard]] std::vector<std::size_t> keys_of(const attribution& of) const {
        const std::vector<std::size_t> same = first_of_same(of.stacks);
        std::vector<std::size_t> keys;
        keys.reserve(of.origins.size());
        for (const attributed_origin& from : of.origins) {
            const bool has_none = from.stack == attributed_origin::no_stack;
            const bool before = has_none && from.born == attributed_origin::before_measurement;
            if (sampled() && !from.sampled && !before) // their sample stands for them
                keys.push_back(attribution_sums::no_key);
            else if (has_none)
                keys.push_back(before ? before_measurement() : not_attributed());
            else
                keys.push_back(same[from.stack]);
        }
        return keys;
    }

    [[nodiscard]] std::vector<keyed_sums> sums_of_window(std::size_t window) const {
        return sums_.of_window(window, [&](std::size_t origin) { return keys_[origin]; });
    }
    [[nodiscard]] std::vector<keyed_sums> sums_outside_phases() const {
        const auto is_outside = [](const attributed_origin& from) {
            return from.allocated_in == attributed_origin::outside_phases;
        };
        auto all = sums_.of_windows(
            {0}, [&](std::size_t origin) { return keys_[origin]; }, 0,
            [&](std::size_t origin) {
                return is_outside(of_.origins[origin]) ? keys_[origin] : attribution_sums::no_key;
            },
            is_outside);
        std::erase_if(all, [](const keyed_sums& each) { // alive at the peak, and no more
            const amount_sums& of = each.amounts;
            return of.allocations == 0 && of.deallocations == 0 && of.at_peak_blocks == 0;
        });
        return all;
    }
    // What was born in a phase by work alone, through the whole measurement.
    [[nodiscard]] std::vector<keyed_sums> sums_of_work(std::size_t window) const {
        const auto is_of_phase = [&](const attributed_origin& from) {
            return from.born >= attributed_origin::first_phase && from.born != attributed_origin::not_attributed &&
                   sums_.lies_inside(from.born, window);
        };
        const auto key_of = [&](std::size_t origin) {
            return is_of_phase(of_.origins[origin]) ? keys_[origin] : attribution_sums::no_key;
        };
        return sums_.of_windows(sums_.inside(0), key_of, 0, key_of, is_of_phase);
    }

    // Among the report's sites, before they are sorted.
    [[nodiscard]] std::size_t number_of(memory_report& report, std::size_t key) {
        if (numbers_[key] == unnumbered) {
            report.sites.push_back(site(key));
            numbers_[key] = report.sites.size() - 1;
        }
        return numbers_[key];
    }
    [[nodiscard]] site_report site(std::size_t key) {
        site_report made;
        if (key < named_.stacks.size()) {
            made = site_of(std::move(named_.stacks[key]), named_.root);
            if (!of_.lifetimes.empty()) made.lifetimes = of_.lifetimes[key];
            return made;
        }
        made.function = key == before_measurement() ? site_report::from_before : "(not attributed)";
        return made;
    }

    const attribution& of_;
    named_stacks& named_; // each is moved to its site
    attribution_sums sums_;
    std::vector<std::size_t> keys_;    // by origin
    std::vector<std::size_t> numbers_; // by key
};

// The largest delta first; of equal ones, what held more at the peak, and at last by name, so that two runs agree.
inline void sort_sites(memory_report& report) {
    const auto rank_of = [](const site_amounts& of) {
        return rank{(-of.delta_bytes).count, (-of.at_peak_bytes).count};
    };
    const std::vector<std::size_t> order = sort_by_rank(report.sites, [&](const site_report& each) {
        rank made = rank_of(each.amounts);
        made.place = each.file;
        made.number = each.line;
        made.name = each.function;
        return made;
    });
    std::vector<std::size_t> place(order.size());
    for (std::size_t sorted = 0; sorted < order.size(); ++sorted)
        place[order[sorted]] = sorted;
    const auto renumber = [&](std::vector<phase_site_report>& sites) {
        for (phase_site_report& each : sites)
            each.site = place[each.site];
        sort_by_rank(sites, [&](const phase_site_report& each) {
            rank made = rank_of(each.amounts);
            made.number = each.site;
            return made;
        });
    };
    renumber(report.outside_sites);
    for (phase_report& phase : report.phases)
        renumber(phase.sites);
}

} // namespace peakscope::profiler_detail
