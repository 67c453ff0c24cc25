// SPDX-License-Identifier: MIT
// The bodies of heap/heap_since.hpp.
#pragma once

#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/own_memory.hpp>
#include <peakscope/heap/heap_since.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>

namespace peakscope::heap {

namespace detail {

using namespace engine;

[[nodiscard]] flow flow_of(const heap_totals& totals) noexcept {
    return {totals.allocated_bytes, totals.freed_bytes, totals.allocations, totals.deallocations};
}
[[nodiscard]] heap_totals totals_of(const flow& all) noexcept {
    return {all.allocated_bytes, all.freed_bytes, all.allocations, all.deallocations};
}

// Asked once, by calling one: what is linked decides.
bool operators_are_replaced() noexcept {
    static const bool replaced = [] {
        const own_memory_scope not_the_programs;
        const thread_record* const record = current_record;
        if (record == &no_record) return false;
        const std::int64_t before = record->own_blocks;
        void* volatile probe = ::operator new(1, std::nothrow); // volatile: the call must not be optimised away
        const bool counted = record->own_blocks > before;
        ::operator delete(probe, std::nothrow);
        return counted;
    }();
    return replaced;
}

[[nodiscard]] heap_figures figures_between(const heap_totals& from, const heap_totals& to) noexcept {
    if (!operators_are_replaced()) return {};
    const flow start = flow_of(from);
    const flow end = flow_of(to);
    heap_figures figures{.totals_precision = exact};
    figures.start = bytes{start.live_bytes()};
    figures.end = bytes{end.live_bytes()};
    figures.delta = *figures.end - *figures.start;
    figures.allocated = bytes{static_cast<std::int64_t>(end.allocated_bytes - start.allocated_bytes)};
    figures.freed = bytes{static_cast<std::int64_t>(end.freed_bytes - start.freed_bytes)};
    figures.allocations = end.allocations - start.allocations;
    figures.deallocations = end.deallocations - start.deallocations;
    return figures;
}

// Of all threads, without ending the interval.
[[nodiscard]] heap_totals totals_now(const cut& standing_still) noexcept {
    flow all = engine::state.totals;
    for_each_changed(standing_still, [&](thread_record&, origin from, const tally& changed) {
        if (is_counted(from)) all += changed.since_cut;
    });
    return totals_of(all);
}

[[nodiscard]] bool a_measurement_runs() noexcept { return engine::state.measured.load(std::memory_order_acquire); }

void read_totals(thread_record& record, flow& into) noexcept {
    const aside in_progress{record};
    into = engine::flow_of(record);
}
[[nodiscard]] heap_totals thread_totals_now() noexcept {
    flow all;
    with_record<read_totals>(all);
    return totals_of(all);
}

} // namespace detail

heap_since::heap_since() noexcept {
    static_cast<void>(detail::operators_are_replaced()); // asked before anything is looked at
    const detail::cut standing_still;
    outer_peak_bytes_ = detail::flush_all(standing_still).peak_bytes;
    generation_ = engine::state.generation;
    has_peak_ = !detail::a_measurement_runs();
    if (has_peak_) {
        detail::end_interval(standing_still, [](detail::origin, const detail::tally&, const detail::special_tally*) {});
        engine::state.peak_bytes.store(engine::state.totals.live_bytes(), std::memory_order_relaxed);
    }
    start_ = detail::totals_now(standing_still);
}

heap_since::~heap_since() {
    if (!has_peak_ || detail::a_measurement_runs()) return;
    const detail::cut standing_still;
    const std::int64_t peak_bytes = detail::flush_all(standing_still).peak_bytes;
    detail::end_interval(standing_still, [](detail::origin, const detail::tally&, const detail::special_tally*) {});
    engine::state.peak_bytes.store(std::max(outer_peak_bytes_, peak_bytes), std::memory_order_relaxed);
}

heap_figures heap_since::figures() const noexcept {
    const detail::cut standing_still;
    const detail::interval_peak now = detail::flush_all(standing_still);
    heap_figures figures = detail::figures_between(start_, detail::totals_now(standing_still));
    if (!has_peak_ || detail::a_measurement_runs() || !figures.start) return figures;
    std::int64_t bound_bytes = now.bound_bytes;
    if (generation_ != engine::state.generation) { // the measurement's intervals are no longer known
        std::int64_t records = 0;
        for (auto* record = detail::first_record(); record != nullptr; record = record->next)
            ++records;
        bound_bytes = (records + 1) * engine::state.batch_bytes.load(std::memory_order_relaxed);
    }
    figures.peak_precision = bounded({bound_bytes});
    figures.peak = bytes{std::max(now.peak_bytes, figures.start->count)};
    figures.peak_delta = *figures.peak - *figures.start;
    return figures;
}

thread_heap_since::thread_heap_since() noexcept {
    static_cast<void>(detail::operators_are_replaced());
    start_ = detail::thread_totals_now();
}

heap_figures thread_heap_since::figures() const noexcept {
    return detail::figures_between(start_, detail::thread_totals_now());
}

} // namespace peakscope::heap
