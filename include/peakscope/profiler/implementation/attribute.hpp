// SPDX-License-Identifier: MIT
// From an attribution, numbers by origin, to what of the report needs no call stacks: work, labels, births.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/implementation/rank.hpp>
#include <peakscope/core/members.hpp>
#include <peakscope/core/phase_slot.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/profiler/implementation/attribution_sums.hpp>

#include <range/v3/algorithm/contains.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::profiler_detail {

class attribution_report {
  public:
    template <class ParentOf>
    attribution_report(const attribution& of, ParentOf parent_of) : of_(of), sums_(of, parent_of, of.labels.size()) {}

    void write_work(memory_report& report) const {
        for (std::size_t phase = 0;
             phase + 1 < of_.windows.size() && phase < of_.work.size() && phase < report.phases.size(); ++phase) {
            work_figures sum;
            for (const std::size_t window : sums_.inside(phase + 1))
                add_members(sum, of_.work[window - 1]);
            if (sum.entries > 0) report.phases[phase].work = sum;
        }
    }

    void write_labels(memory_report& report) const {
        const auto label_of = [&](std::size_t origin) {
            const attributed_origin& from = of_.origins[origin];
            const bool has_one = from.label != 0 && from.label < of_.labels.size() && !from.sampled;
            return has_one ? from.label : attribution_sums::no_key;
        };
        std::vector<label_report> labels;
        for (const auto& [label, amounts] : sums_.of_window(0, label_of)) {
            const site_amounts all = amounts.amounts(false);
            labels.push_back({of_.labels[label].name, all.allocated_bytes, all.allocations, all.delta_bytes,
                              of_.labels[label].peak, all.at_peak_bytes});
        }
        sort_by_rank(labels, [](const label_report& each) {
            return rank{.first = (-each.peak_bytes).count, .name = each.name};
        });
        report.labels = std::move(labels);
    }

    void write_births(memory_report& report) const {
        std::vector<std::string> births{"before the measurement", "outside phases"};
        for (const phase_report& phase : report.phases)
            births.push_back(phase.path);
        const std::size_t unknown = births.size();
        if (ranges::contains(of_.origins, attributed_origin::not_attributed, &attributed_origin::born))
            births.emplace_back("(not attributed)");
        const std::size_t windows = std::min(of_.windows.size(), report.phases.size() + 1);
        const auto was_entered = [&](std::size_t window) {
            return window == 0 || report.phases[window - 1].entries > 0;
        };
        std::vector<birth_report> all(windows);
        for (std::size_t window = 0; window < windows; ++window) {
            all[window].freed_in.resize(births.size());
            if (!was_entered(window)) continue;
            all[window].at_end = of_.windows[window].live_at_end;
            if (auto& at_end = all[window].at_end; !at_end.empty()) {
                at_end.resize(unknown);
                at_end.resize(births.size(), of_.windows[window].not_attributed_at_end);
            }
            all[window].at_peak.resize(births.size());
        }
        for (std::size_t window = 0; window < windows; ++window)
            for (const attributed_amounts& each : of_.windows[window].amounts) {
                const attributed_origin& from = of_.origins[each.origin];
                const std::size_t born = from.born == attributed_origin::not_attributed ? unknown : from.born;
                if (from.sampled || born >= births.size()) continue;
                if (was_entered(window)) all[window].at_peak[born] += rounded_bytes(each.at_peak_bytes);
                if (born == attributed_origin::before_measurement || born == unknown) continue;
                const std::size_t born_in = phase_slot::from_number(born).window();
                if (born_in >= windows) continue;
                all[born_in].allocated += rounded_bytes(each.allocated_bytes);
                all[born_in].freed_in[phase_slot::of_window(window).number()] += rounded_bytes(each.freed_bytes);
            }
        report.births = std::move(births);
        report.measurement_births = std::move(all[0]);
        for (std::size_t window = 1; window < windows; ++window)
            if (phase_report& phase = report.phases[window - 1]; was_entered(window) || phase.work)
                phase.births = std::move(all[window]);
    }

  private:
    const attribution& of_;
    attribution_sums sums_;
};

} // namespace peakscope::profiler_detail
