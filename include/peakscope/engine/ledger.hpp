// SPDX-License-Identifier: MIT
// What the cuts of one measurement have found, by origin and by phase: the flows, what lives, and what lived at the
// peak of each window. Used inside cuts and, when the measurement is over, to hand the attribution on.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/label_names.hpp>
#include <peakscope/memory/hash.hpp>
#include <peakscope/memory/number_index.hpp>
#include <peakscope/memory/page_array.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peakscope::engine {

class ledger {
  public:
    // Before the first window: room for the phases, numbered from 0, and for windows that nest `depth` deep in the
    // measurement. May throw std::bad_alloc.
    void make_room(std::size_t phase_count, std::size_t depth) {
        std::vector<part>(phase_count + 1).swap(parts_);
        std::vector<held_then>(depth + 1).swap(tables_);
        born_live_.assign(phase_slot::of_phase(phase_count).number() + 1, 0);
        for (part& each : parts_)
            each.live_at_end = born_live_;
    }
    // Everything that lives now was born before the measurement.
    void begin(const cut&) noexcept {
        born_live_.back() = state.live[not_attributed].bytes;
        born_live_[phase_slot{}.number()] = state.totals.live_bytes() - born_live_.back();
    }
    [[nodiscard]] bool in_use() const noexcept { return !parts_.empty(); }

    // What lived at the last peak: `live` and what the tallies have noted since. The table of a window. Returns how
    // many blocks these were.
    std::int64_t note_peak(const cut& standing_still, const interval_peak& peak, std::size_t window) noexcept {
        state.reach_live();
        std::int64_t blocks = state.totals.live_blocks();
        // For a moment, `live` is what lived then.
        const auto add_changed = [&](std::int64_t sign) {
            for_each_changed(standing_still, [&](thread_record& record, origin from, tally& changed) {
                const bool noted = !peak.is_now && noted_at_peak(record, from, changed);
                holding& live = state.live[from];
                if (is_counted(from)) {
                    const std::int64_t more = noted ? changed.at_peak_blocks : changed.since_cut.live_blocks();
                    live.bytes += sign * (noted ? changed.at_peak_bytes : changed.since_cut.live_bytes());
                    live.blocks += sign * more;
                    blocks += sign * more;
                } else if (changed.has_extra) {
                    const extra_tally& extra = record.extras[from];
                    live.add(noted ? extra.at_peak : extra.live, sign);
                }
            });
        };
        add_changed(1);
        const std::int64_t blocks_then = blocks;
        if (in_use()) keep_live(tables_[window]);
        add_changed(-1);
        return blocks_then;
    }
    // The outer window reached its peak inside the inner one, which is over.
    void take_over(std::size_t outer, std::size_t inner) noexcept {
        if (in_use()) std::swap(tables_[outer], tables_[inner]);
    }
    // The window was entry of a phase and had the largest peak of all its entries so far.
    void keep_peak(std::size_t window, phase_slot of) noexcept {
        if (in_use() && !parts_[of.window()].at_peak.assign(tables_[window])) incomplete_ = true;
    }
    void keep_end(phase_slot of) noexcept {
        if (in_use()) parts_[of.window()].live_at_end = born_live_; // of equal length: allocates nothing
    }

    // Ends the interval; its flows are those of the innermost phase.
    void end(const cut& standing_still, phase_slot innermost) noexcept {
        count_ = state.origins.count();
        end_interval(standing_still, [&](origin from, const tally& changed, const extra_tally* extra) {
            if (!in_use()) return;
            origin_flow* const flow = parts_[innermost.window()].flow_of(from);
            if (flow == nullptr) {
                incomplete_ = true;
                return;
            }
            if (is_counted(from)) {
                flow->counts += changed.since_cut;
                const std::size_t unknown = born_live_.size() - 1;
                const std::size_t born = from == not_attributed ? unknown : state.origins[from].born().number();
                born_live_[std::min(born, unknown)] += changed.since_cut.live_bytes();
            } else if (extra != nullptr) {
                const estimate& in = extra->allocated;
                estimate out = in;
                out -= extra->live;
                flow->counts +=
                    {static_cast<std::uint64_t>(in.bytes), static_cast<std::uint64_t>(out.bytes),
                     static_cast<std::uint64_t>(in.blocks_1024ths), static_cast<std::uint64_t>(out.blocks_1024ths)};
                flow->allocated_variance += in.variance;
                flow->delta_variance += extra->live.variance;
            }
        });
    }

    // When all windows are closed. What there is no memory for is left out, and a note says so. May throw
    // std::bad_alloc all the same. `of_sites` holds where call stacks were captured, `lives` where these were watched.
    [[nodiscard]] attribution hand_over(std::int64_t rate_bytes, const precision& of_sites,
                                        const lifetime_table* lives) const {
        attribution made;
        for (std::size_t phase = 0; phase + 1 < parts_.size(); ++phase) {
            const work_total& from = state.work[phase];
            made.work.push_back({from.entries, std::chrono::nanoseconds{from.nanoseconds},
                                 bytes::of(from.flows.allocated_bytes), bytes::of(from.flows.freed_bytes),
                                 from.flows.allocations, from.flows.deallocations});
        }
        const std::vector<std::uint32_t> places = hand_over_windows(made, rate_bytes);
        const auto try_to = [&](const char* lost, auto&& hand_over_part) {
            try {
                hand_over_part();
            } catch (const std::bad_alloc&) {
                made.notes.emplace_back(lost);
            }
        };
        try_to("labels are missing: there was no memory for their names", [&] { made.labels = labels(); });
        if (of_sites.kind != precision_kind::unavailable)
            try_to("sites are missing: there was no memory for their call stacks", [&] {
                hand_over_stacks(made, places, lives);
                made.of_sites = of_sites;
            });
        return made;
    }

    // False when the system had no memory for a table, so that amounts are missing.
    [[nodiscard]] bool complete() const noexcept { return !incomplete_; }

  private:
    // What has flowed of one origin.
    struct origin_flow {
        origin from = not_attributed;
        flow counts{};
        std::int64_t allocated_variance = 0;
        std::int64_t delta_variance = 0;

        [[nodiscard]] bool is_zero() const noexcept {
            return counts.allocations == 0 && counts.deallocations == 0 && counts.allocated_bytes == 0 &&
                   counts.freed_bytes == 0;
        }
    };
    // What one origin held; only those are kept that held anything.
    struct held {
        origin from = not_attributed;
        std::int64_t bytes = 0;
        std::int64_t blocks = 0;
        std::int64_t variance = 0;
    };
    using held_then = memory::page_array<held>;
    // The measurement outside of phases, or a phase.
    struct part {
        memory::page_array<origin_flow> flows{}; // in order of appearance
        memory::number_index index{};            // where an origin stands there, from 1 on
        held_then at_peak{};
        std::vector<std::int64_t> live_at_end{};

        part() = default;
        part(const part&) = delete;
        part& operator=(const part&) = delete;
        ~part() { index.give_back(); }

        // Null when the system has no memory.
        [[nodiscard]] origin_flow* flow_of(origin from) noexcept {
            const auto hash_of = [](origin of) { return memory::finished_hash(memory::add_to_hash(0, of)); };
            std::uint32_t number =
                index.find(hash_of(from), [&](std::uint32_t place) { return flows[place - 1].from == from; });
            if (number == 0) {
                if (!flows.append({.from = from})) return nullptr;
                number = static_cast<std::uint32_t>(flows.size());
                if (!index.insert(hash_of(from), number,
                                  [&](std::uint32_t place) { return hash_of(flows[place - 1].from); }))
                    return nullptr;
            }
            return &flows[number - 1];
        }
    };
    static constexpr auto unplaced = static_cast<std::uint32_t>(-1);

    void keep_live(held_then& table) noexcept {
        table.clear();
        const auto count = static_cast<origin>(state.origins.count());
        for (origin from = 0; from < count; ++from) {
            const holding& live = state.live[from];
            if (live.bytes == 0 && live.blocks == 0) continue;
            if (!table.append({from, live.bytes, live.blocks, live.variance})) incomplete_ = true;
        }
    }

    // Origins without their stacks. Returns the place of each among them, by its number.
    [[nodiscard]] std::vector<std::uint32_t> hand_over_windows(attribution& made, std::int64_t rate_bytes) const {
        std::vector<std::uint32_t> places(count_, unplaced);
        std::vector<std::uint32_t> rows(count_, unplaced); // in the window
        made.windows.reserve(parts_.size());
        for (const part& from : parts_) {
            attribution::window& window = made.windows.emplace_back();
            window.amounts.reserve(std::max(from.flows.size(), from.at_peak.size()));
            const auto row_of = [&](origin number) -> attributed_amounts& {
                if (rows[number] == unplaced) {
                    if (places[number] == unplaced) places[number] = place(made, number);
                    rows[number] = static_cast<std::uint32_t>(window.amounts.size());
                    window.amounts.push_back({.origin = places[number]});
                }
                return window.amounts[rows[number]];
            };
            for (const origin_flow& each : from.flows)
                if (!each.is_zero()) set_flow(row_of(each.from), each, units_of(each.from, rate_bytes));
            for (const held& each : from.at_peak)
                set_peak(row_of(each.from), each, units_of(each.from, rate_bytes));
            for (const origin_flow& each : from.flows)
                rows[each.from] = unplaced;
            for (const held& each : from.at_peak)
                rows[each.from] = unplaced;
            for (const std::int64_t bytes_at_end : from.live_at_end)
                window.live_at_end.push_back({bytes_at_end});
            window.not_attributed_at_end = window.live_at_end.back();
            window.live_at_end.pop_back();
        }
        return places;
    }

    // Of the numbers of an origin. The variance is kept in units of rate^2 / 2^20, the blocks of a sampled origin in
    // 1,024ths.
    struct units {
        double block;
        double variance;
    };
    [[nodiscard]] static units units_of(origin number, std::int64_t rate_bytes) {
        const auto rate = static_cast<double>(rate_bytes);
        return {is_sampled(number) ? 1.0 / 1024 : 1, rate * rate / 0x1p20};
    }
    static void set_flow(attributed_amounts& row, const origin_flow& flow, const units& in) {
        row.allocated_bytes = static_cast<double>(flow.counts.allocated_bytes);
        row.freed_bytes = static_cast<double>(flow.counts.freed_bytes);
        row.allocations = static_cast<double>(flow.counts.allocations) * in.block;
        row.deallocations = static_cast<double>(flow.counts.deallocations) * in.block;
        row.allocated_variance = static_cast<double>(flow.allocated_variance) * in.variance;
        row.delta_variance = static_cast<double>(flow.delta_variance) * in.variance;
    }
    static void set_peak(attributed_amounts& row, const held& peak, const units& in) {
        row.at_peak_bytes = static_cast<double>(peak.bytes);
        row.at_peak_blocks = static_cast<double>(peak.blocks) * in.block;
        row.at_peak_variance = static_cast<double>(peak.variance) * in.variance;
    }

    [[nodiscard]] static bool is_sampled(origin number) { return state.origins[number].kind == origin_kind::sampled; }

    [[nodiscard]] static std::uint32_t place(attribution& made, origin number) {
        const origin_info& info = state.origins[number];
        attributed_origin placed{.born = info.born().number(),
                                 .allocated_in = info.phase.number(),
                                 .label = info.label,
                                 .sampled = is_sampled(number)};
        if (number == not_attributed) placed.born = placed.allocated_in = attributed_origin::not_attributed;
        made.origins.push_back(placed);
        return static_cast<std::uint32_t>(made.origins.size() - 1);
    }

    // Each stack once.
    void hand_over_stacks(attribution& made, const std::vector<std::uint32_t>& places,
                          const lifetime_table* lives) const {
        std::unordered_map<sites::stored_stack, std::size_t> numbers;
        for (std::size_t number = 0; number < places.size(); ++number) {
            const sites::stored_stack stored = state.origins[static_cast<origin>(number)].stack;
            if (places[number] == unplaced || stored == nullptr) continue;
            const auto [found, is_new] = numbers.try_emplace(stored, made.stacks.size());
            if (is_new) {
                const sites::stack_view stack = sites::view_of(stored);
                made.stacks.emplace_back(stack.frames, stack.frames + stack.depth);
                if (lives != nullptr) made.lifetimes.push_back(figures_of(lives->find(stored)));
            }
            made.origins[places[number]].stack = found->second;
        }
    }

    [[nodiscard]] static std::vector<attribution::label> labels() {
        std::vector<attribution::label> all;
        for (const std::string& name : label_names())
            all.push_back({name, {state.labels[all.size()].peak_bytes.load(std::memory_order_relaxed)}});
        return all;
    }

    std::vector<part> parts_{};
    std::vector<held_then> tables_{};       // by the depth of the window
    std::size_t count_ = 1;                 // of origins, at the last cut
    std::vector<std::int64_t> born_live_{}; // by the phase of birth, at last what has none
    bool incomplete_ = false;
};

} // namespace peakscope::engine
