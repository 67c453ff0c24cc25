// SPDX-License-Identifier: MIT
// What the cuts of one measurement have found, by origin and by phase: the flows, what lives, and what lived at the
// peak of each window. Used inside cuts and, when the measurement is over, to hand the attribution on.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/label_names.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace peakscope::engine {

class ledger {
  public:
    // Before the first window: room for the phases, numbered from 0, and for windows that nest `depth` deep in the
    // measurement. May throw std::bad_alloc.
    void make_room(std::size_t phase_count, std::size_t depth) {
        std::vector<part>(phase_count + 1).swap(parts_);
        std::vector<memory::page_array<holding>>(depth + 1).swap(tables_);
        born_live_.assign(phase_count + first_phase, 0);
        for (part& each : parts_)
            each.live_at_end = born_live_;
    }
    // Everything that lives now was born before the measurement.
    void begin(const cut&) noexcept { born_live_[before_measurement] = state.totals.live_bytes(); }
    [[nodiscard]] bool in_use() const noexcept { return !parts_.empty(); }

    // What lived at the last peak: `live` and what the tallies have noted since. The table of a window.
    void note_peak(const cut& standing_still, const interval_peak& peak, std::size_t window) noexcept {
        if (!in_use()) return;
        auto& table = tables_[window];
        const std::size_t count = state.origins.count();
        if (!table.grow(count)) {
            incomplete_ = true;
            return;
        }
        std::copy_n(state.live, count, table.data());
        std::fill_n(table.data() + count, table.capacity() - count, holding{});
        for_each_changed(standing_still, [&](thread_record& record, origin from, tally& changed) {
            const bool noted = !peak.is_now && noted_at_peak(record, from, changed);
            holding& held = table[from];
            if (is_counted(from)) {
                held.bytes += noted ? changed.at_peak_bytes : changed.since_cut.live_bytes();
                held.blocks += noted ? changed.at_peak_blocks : changed.since_cut.live_blocks();
            } else if (changed.special) {
                const special_tally& more = record.specials[from];
                held.add(noted ? more.at_peak : more.live);
            }
        });
    }
    // The outer window reached its peak inside the inner one.
    void take_over(std::size_t outer, std::size_t inner) noexcept {
        if (in_use()) copy(tables_[outer], tables_[inner]);
    }
    // The window was entry of a phase and had the largest peak of all its entries so far.
    void keep_peak(std::size_t window, std::size_t part_number) noexcept {
        if (in_use()) copy(parts_[part_number].at_peak, tables_[window]);
    }
    void keep_end(std::size_t part_number) noexcept {
        if (in_use()) parts_[part_number].live_at_end = born_live_; // of equal length: allocates nothing
    }

    // Ends the interval; its flows are those of `part_number`, the innermost phase + 1, or 0 outside of all.
    void end(const cut& standing_still, std::size_t part_number) noexcept {
        count_ = state.origins.count();
        end_interval(standing_still, [&](origin from, const tally& changed, const special_tally* special) {
            if (!in_use()) return;
            auto& flows = parts_[part_number].flows;
            if (!keeps(flows, from)) return;
            if (is_counted(from)) {
                flows[from].counts += changed.since_cut;
                const std::size_t born = state.origins[from].born(); // that of `not_attributed` is none
                born_live_[std::min(born, born_live_.size() - 1)] += changed.since_cut.live_bytes();
            } else if (special != nullptr) {
                const estimate& in = special->allocated;
                estimate out = in;
                out -= special->live;
                flows[from].counts +=
                    {static_cast<std::uint64_t>(in.bytes), static_cast<std::uint64_t>(out.bytes),
                     static_cast<std::uint64_t>(in.blocks_1024ths), static_cast<std::uint64_t>(out.blocks_1024ths)};
                flows[from].allocated_variance += in.variance;
                flows[from].delta_variance += special->live.variance;
            }
        });
    }

    // When all windows are closed. Allocates.
    [[nodiscard]] attribution hand_over(std::int64_t rate_bytes) const {
        attribution made;
        const std::size_t count = count_;
        std::vector<std::size_t> places(count, unplaced);
        made.windows.resize(parts_.size());
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            const part& from = parts_[i];
            for (std::size_t number = 0; number < count; ++number) {
                const origin_flow flow = from.flows.at(number);
                const holding peak = from.at_peak.at(number);
                if (flow.is_zero() && peak.bytes == 0 && peak.blocks == 0) continue;
                if (places[number] == unplaced) places[number] = place(made, static_cast<origin>(number));
                made.windows[i].amounts.push_back(amounts(places[number], made.origins[places[number]].sampled, flow,
                                                          peak, static_cast<double>(rate_bytes)));
            }
            for (const std::int64_t bytes_at_end : from.live_at_end)
                made.windows[i].live_at_end.push_back({bytes_at_end});
        }
        made.labels = labels();
        for (std::size_t phase = 0; phase + 1 < parts_.size(); ++phase) {
            const work_total& from = state.work[phase];
            made.work.push_back({from.entries, from.thread_time,
                                 bytes{static_cast<std::int64_t>(from.flows.allocated_bytes)},
                                 bytes{static_cast<std::int64_t>(from.flows.freed_bytes)}, from.flows.allocations,
                                 from.flows.deallocations});
        }
        return made;
    }

    // False when the system had no memory for a table, so that amounts are missing.
    [[nodiscard]] bool complete() const noexcept { return !incomplete_; }

    [[nodiscard]] std::int64_t resident() const noexcept {
        std::int64_t sum = 0;
        for (const auto& table : tables_)
            sum += table.resident();
        for (const part& each : parts_)
            sum += each.flows.resident() + each.at_peak.resident();
        return sum;
    }

  private:
    struct origin_flow {
        flow counts;
        std::int64_t allocated_variance = 0;
        std::int64_t delta_variance = 0;

        [[nodiscard]] bool is_zero() const noexcept {
            return counts.allocations == 0 && counts.deallocations == 0 && counts.allocated_bytes == 0 &&
                   counts.freed_bytes == 0;
        }
    };
    // The measurement outside of phases, or a phase.
    struct part {
        memory::page_array<origin_flow> flows;
        memory::page_array<holding> at_peak;
        std::vector<std::int64_t> live_at_end;
    };
    static constexpr std::size_t unplaced = static_cast<std::size_t>(-1);

    template <class Value>
    [[nodiscard]] bool keeps(memory::page_array<Value>& array, origin from) noexcept {
        const bool fits = array.grow(from + std::size_t{1});
        incomplete_ = incomplete_ || !fits;
        return fits;
    }
    void copy(memory::page_array<holding>& to, const memory::page_array<holding>& from) noexcept {
        const std::size_t count = from.capacity();
        if (!to.grow(count)) {
            incomplete_ = true;
            return;
        }
        if (count > 0) std::copy_n(&from[0], count, to.data());
        std::fill_n(to.data() + count, to.capacity() - count, holding{});
    }

    // The variance is kept in units of rate^2 / 2^20, the blocks of a sampled origin in 1,024ths.
    [[nodiscard]] static attributed_amounts amounts(std::size_t place, bool sampled, const origin_flow& flow,
                                                    const holding& peak, double rate_bytes) {
        const double block = sampled ? 1.0 / 1024 : 1;
        const double variance = rate_bytes * rate_bytes / 0x1p20;
        const auto of = [](auto number) { return static_cast<double>(number); };
        return {place,
                of(flow.counts.allocated_bytes),
                of(flow.counts.freed_bytes),
                of(flow.counts.allocations) * block,
                of(flow.counts.deallocations) * block,
                of(peak.bytes),
                of(peak.blocks) * block,
                of(flow.allocated_variance) * variance,
                of(flow.delta_variance) * variance,
                of(peak.variance) * variance};
    }

    [[nodiscard]] static std::size_t place(attribution& made, origin number) {
        const origin_info& info = state.origins[number];
        attributed_origin placed{.born = info.born(),
                                 .allocated_in = info.phase,
                                 .label = info.label,
                                 .sampled = info.kind == origin_kind::sampled};
        if (info.stack != nullptr) {
            const sites::stack_view stack = sites::view_of(info.stack);
            placed.stack = made.stacks.size();
            made.stacks.emplace_back(stack.frames, stack.frames + stack.depth);
        }
        made.origins.push_back(placed);
        return made.origins.size() - 1;
    }

    [[nodiscard]] static std::vector<attribution::label> labels() {
        std::vector<attribution::label> all;
        for (const std::string& name : label_names())
            all.push_back({name, {state.labels[all.size()].peak_bytes.load(std::memory_order_relaxed)}});
        return all;
    }

    std::vector<part> parts_;
    std::vector<memory::page_array<holding>> tables_; // by the depth of the window
    std::size_t count_ = 1;                           // of origins, at the last cut
    std::vector<std::int64_t> born_live_;             // by the phase of birth
    bool incomplete_ = false;
};

} // namespace peakscope::engine
