// SPDX-License-Identifier: MIT
// The bodies of heap/heap_since.hpp.
#pragma once

#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/heap/heap_since.hpp>
#include <peakscope/heap/implementation/counting_session.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

namespace peakscope::heap {

namespace detail {

using namespace engine;

// Asked once: what is linked decides.
bool operators_are_replaced() noexcept {
    static const bool replaced = are_counted(operators_of_process);
    return replaced;
}

[[nodiscard]] heap_figures figures_since(const flow& start, const flow& now) noexcept {
    return operators_are_replaced() ? figures_between(start, now) : heap_figures{};
}

// Of all threads, without ending the interval.
[[nodiscard]] flow totals_now(const cut& standing_still) noexcept {
    flow all = engine::state.totals;
    for_each_changed(standing_still, [&](thread_record&, origin from, const tally& changed) {
        if (is_counted(from)) all += changed.since_cut;
    });
    return all;
}

[[nodiscard]] bool a_measurement_runs() noexcept { return engine::state.measured.is_taken(); }

void read_totals(thread_record& record, flow& into) noexcept {
    const excluded_from_cuts in_progress{record};
    into = engine::flow_of(record);
}
[[nodiscard]] flow thread_totals_now() noexcept {
    flow all;
    with_record<read_totals>(all);
    return all;
}

} // namespace detail

heap_since::heap_since() noexcept {
    static_cast<void>(detail::operators_are_replaced()); // asked before anything is looked at
    const detail::cut standing_still;
    outer_peak_bytes_ = detail::flush_all(standing_still).peak_bytes;
    generation_ = engine::state.generation;
    has_peak_ = !detail::a_measurement_runs();
    if (has_peak_) {
        detail::end_interval(standing_still, [](detail::origin, const detail::tally&, const detail::extra_tally*) {});
        engine::state.peak_bytes.store(engine::state.totals.live_bytes(), std::memory_order_relaxed);
    }
    start_ = detail::totals_now(standing_still);
}

heap_since::~heap_since() {
    if (!has_peak_ || detail::a_measurement_runs()) return;
    const detail::cut standing_still;
    const std::int64_t peak_bytes = detail::flush_all(standing_still).peak_bytes;
    detail::end_interval(standing_still, [](detail::origin, const detail::tally&, const detail::extra_tally*) {});
    engine::state.peak_bytes.store(std::max(outer_peak_bytes_, peak_bytes), std::memory_order_relaxed);
}

heap_figures heap_since::figures() const noexcept {
    const detail::cut standing_still;
    const detail::interval_peak now = detail::flush_all(standing_still);
    heap_figures figures = detail::figures_since(start_, detail::totals_now(standing_still));
    if (!has_peak_ || detail::a_measurement_runs() || !figures.start) return figures;
    std::int64_t bound_bytes = now.bound_bytes;
    if (generation_ != engine::state.generation) { // the measurement's intervals are no longer known
        std::int64_t records = 0;
        for (auto* record = detail::first_record(); record != nullptr; record = record->next)
            ++records;
        bound_bytes = (records + 1) * engine::state.batch_bytes.load(std::memory_order_relaxed);
    }
    set_peak(figures, bytes{std::max(now.peak_bytes, figures.start->count)}, *figures.start, bounded({bound_bytes}));
    return figures;
}

thread_heap_since::thread_heap_since() noexcept {
    static_cast<void>(detail::operators_are_replaced());
    start_ = detail::thread_totals_now();
}

heap_figures thread_heap_since::figures() const noexcept {
    heap_figures figures = detail::figures_since(start_, detail::thread_totals_now());
    figures.blocks_start = figures.blocks_end = std::nullopt; // a balance is no number of blocks
    return figures;
}

} // namespace peakscope::heap
