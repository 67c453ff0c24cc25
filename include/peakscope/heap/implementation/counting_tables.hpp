// SPDX-License-Identifier: MIT
// What a measurement over the counting engine keeps beside the engine's own tables.
#pragma once

#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/ledger.hpp>
#include <peakscope/heap/counting_session.hpp>
#include <peakscope/memory/bounded_series.hpp>
#include <peakscope/memory/resident.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

namespace peakscope::heap::detail {

struct counting_session::tables {
    struct peak_of_phase {
        bool entered = false;
        std::int64_t peak_bytes = 0;
    };

    // The peak may have risen since the last cut.
    static void update(const cut&, counting_window& of, const interval_peak& now) noexcept {
        if (now.peak_bytes <= of.known_peak_bytes_) return;
        of.known_peak_bytes_ = now.peak_bytes;
        of.peak_nanoseconds_ = state.peak_nanoseconds.load(std::memory_order_relaxed);
        of.peak_is_noted_ = false;
    }
    void note_if_new(const cut& standing_still, counting_window& of, const interval_peak& now) noexcept {
        if (of.peak_is_noted_) return;
        const block_count then{entries.note_peak(standing_still, now, of.depth_), now.peak_bytes};
        look_at(then);
        largest = then;
        before_largest = std::max(before_largest, then.blocks);
        of.peak_is_noted_ = true;
    }
    // How many blocks there were at a time since the last boundary.
    void look_at(const block_count& then) noexcept {
        if (then.blocks > most.blocks) most = then;
    }
    void look_at_threads(const cut&) noexcept {
        block_count then{state.totals.live_blocks(), state.totals.live_bytes()};
        std::int64_t before = then.blocks;
        for (auto* record = first_record(); record != nullptr; record = record->next) {
            then.blocks += record->most_blocks.blocks;
            then.bytes += record->most_blocks.bytes;
            before += record->look_epoch == record->peak_epoch ? record->most_before_peak : record->most_blocks.blocks;
        }
        look_at(then);
        before_largest = before;
    }
    // At the end of a cut. The largest block and the smallest cost the C library eight bytes each, beside the header.
    [[nodiscard]] own_residence residence(const cut&) noexcept {
        constexpr auto header = static_cast<std::int64_t>(sizeof(block_header));
        own_residence now;
        now.tables = {memory::resident_table_bytes.load(std::memory_order_relaxed)};
        for (auto* record = first_record(); record != nullptr; record = record->next)
            now.tables += {record->own_bytes + record->own_blocks * (header + 8)};
        now.headers = {state.totals.live_blocks() * header};
        const auto heap = [](const block_count& of) { return bytes{of.bytes + of.blocks * (header + 8)}; };
        now.heap = heap({state.totals.live_blocks(), state.totals.live_bytes()});
        now.most_headers = {most.blocks * header};
        now.heap_then = heap(most);
        now.largest_heap = heap(largest);
        if (largest.bytes > 0) now.headers_at_largest = {before_largest * header};
        now.live_bytes = +[]() noexcept { return state.live_bytes.load(std::memory_order_relaxed); };
        most = largest = {};
        return now;
    }
    [[nodiscard]] bool part_takes_it(std::size_t part, std::int64_t peak_bytes) noexcept {
        if (part >= best.size()) return false;
        peak_of_phase& its = best[part];
        if (its.entered && peak_bytes <= its.peak_bytes) return false;
        its = {true, peak_bytes};
        return true;
    }

    [[nodiscard]] static heap_figures figures_of(const counting_window& of, const flow& end,
                                                 std::int64_t peak_bytes) noexcept {
        heap_figures figures = figures_between(of.start_, end);
        set_peak(figures, bytes{peak_bytes}, bytes{of.start_.live_bytes()}, bounded({of.bound_bytes_}));
        return figures;
    }

    ledger entries{};
    lifetime_table lives{};
    bool watches = false; // them
    memory::bounded_series timeline{};
    // Since the last boundary.
    block_count most{};
    block_count largest{};
    std::int64_t before_largest = 0;   // the most blocks up to that time
    std::vector<peak_of_phase> best{}; // by window: the measurement, then the phases
};

} // namespace peakscope::heap::detail
