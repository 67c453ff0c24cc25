// SPDX-License-Identifier: MIT
// Sums over the origins of an attribution, by a key that is a small number: a label's, a call stack's.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/phase_slot.hpp>
#include <peakscope/profiler/implementation/amount_sums.hpp>

#include <range/v3/algorithm/sort.hpp>
#include <range/v3/view/chunk_by.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace peakscope::profiler_detail {

struct keyed_sums {
    std::size_t key = 0;
    amount_sums amounts{};
};

class attribution_sums {
  public:
    static constexpr std::size_t no_key = static_cast<std::size_t>(-1);
    static constexpr std::size_t no_window = static_cast<std::size_t>(-1);

    // Keys are below `keys`.
    template <class ParentOf>
    attribution_sums(const attribution& of, ParentOf parent_of, std::size_t keys)
        : of_(of), inside_(windows_inside(of.windows.size(), parent_of)), rows_(keys, no_row) {}

    // The windows inside a window, itself among them.
    [[nodiscard]] const std::vector<std::size_t>& inside(std::size_t window) const { return inside_[window]; }
    [[nodiscard]] bool lies_inside(std::size_t phase_number, std::size_t window) const {
        return std::ranges::binary_search(inside_[window], phase_slot::from_number(phase_number).window());
    }

    // What belongs to one window.
    template <class KeyOf>
    [[nodiscard]] std::vector<keyed_sums> of_window(std::size_t window, KeyOf key_of) const {
        return of_windows(inside_[window], key_of, window, key_of, [&](const attributed_origin& from) {
            return from.allocated_in != attributed_origin::before_measurement &&
                   from.allocated_in != attributed_origin::not_attributed && lies_inside(from.allocated_in, window);
        });
    }

    // The flows of some windows, and what lived at the peak of one, in the order of the keys. `flow_key(origin)` and
    // `peak_key(origin)` take numbers; origins with `no_key` are left out.
    template <class FlowKey, class PeakKey, class IsBornInside>
    [[nodiscard]] std::vector<keyed_sums> of_windows(const std::vector<std::size_t>& flows, FlowKey flow_key,
                                                     std::size_t window, PeakKey peak_key,
                                                     IsBornInside is_born_inside) const {
        std::vector<keyed_sums> all;
        add_windows(all, flows, flow_key, window, peak_key, is_born_inside);
        ranges::sort(all, ranges::less{}, &keyed_sums::key);
        return all;
    }

  private:
    static constexpr std::size_t no_row = static_cast<std::size_t>(-1);
    struct variance_of_origin {
        std::size_t origin;
        std::size_t key;
        double delta_variance;
    };

    template <class FlowKey, class PeakKey, class IsBornInside>
    void add_windows(std::vector<keyed_sums>& all, const std::vector<std::size_t>& flows, FlowKey flow_key,
                     std::size_t window, PeakKey peak_key, IsBornInside is_born_inside) const {
        // Also when there is no memory to go on: others are summed up after it.
        const struct reset {
            std::vector<std::size_t>& rows;
            const std::vector<keyed_sums>& all;
            ~reset() {
                for (const keyed_sums& each : all)
                    rows[each.key] = no_row;
            }
        } at_the_end{rows_, all};
        const auto sums_of = [&](std::size_t key) -> amount_sums& {
            if (rows_[key] == no_row) {
                all.push_back({key});
                rows_[key] = all.size() - 1;
            }
            return all[rows_[key]].amounts;
        };
        std::vector<variance_of_origin> variances;
        for (const std::size_t inner : flows)
            for (const attributed_amounts& each : of_.windows[inner].amounts)
                if (const std::size_t key = flow_key(each.origin); key != no_key) {
                    sums_of(key).add_flow(each);
                    if (each.delta_variance != 0) variances.push_back({each.origin, key, each.delta_variance});
                }
        static const std::vector<attributed_amounts> none;
        for (const attributed_amounts& each : window == no_window ? none : of_.windows[window].amounts)
            if (each.at_peak_bytes != 0 || each.at_peak_blocks != 0)
                if (const std::size_t key = peak_key(each.origin); key != no_key)
                    sums_of(key).add_peak(each, is_born_inside(of_.origins[each.origin]) ? each.at_peak_bytes : 0);
        add_variances(variances, sums_of);
    }

    // Blocks of one origin are born in one phase: in a window they only come, or only go. What of them comes and goes
    // again has cancelled out, and so has its variance; those of several origins add up.
    template <class SumsOf>
    static void add_variances(std::vector<variance_of_origin>& of, SumsOf sums_of) {
        ranges::sort(of, ranges::less{}, &variance_of_origin::origin);
        for (auto&& one : ranges::views::chunk_by(of, [](auto& a, auto& b) { return a.origin == b.origin; })) {
            double sum = 0;
            for (const variance_of_origin& each : one)
                sum += each.delta_variance;
            sums_of(one.front().key).delta_variance += std::abs(sum);
        }
    }

    const attribution& of_;
    std::vector<std::vector<std::size_t>> inside_;
    mutable std::vector<std::size_t> rows_; // by key, while sums are made
};

} // namespace peakscope::profiler_detail
