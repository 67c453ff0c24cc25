// SPDX-License-Identifier: MIT
// The heap since a moment, beside whatever measurement runs: for test frameworks, which look at every test and must
// not be in the way of those that measure for themselves. Needs the replaced operators, or
// malloc: without them no figure is available.
//
//     const peakscope::heap::heap_since start;                 // the whole process
//     const peakscope::heap::thread_heap_since mine;           // this thread alone
//     work();
//     check(start.figures(), mine.figures());
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/own_memory.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>

namespace peakscope::heap {

namespace detail {

using namespace engine;

// Asked once, by calling one: what is linked decides.
[[nodiscard]] inline bool operators_are_replaced() noexcept {
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

[[nodiscard]] inline heap_figures figures_between(const flow& start, const flow& end) noexcept {
    if (!operators_are_replaced()) return {};
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
[[nodiscard]] inline flow totals_now(const cut& standing_still) noexcept {
    flow all = engine::state.totals;
    for_each_changed(standing_still, [&](thread_record&, origin from, const tally& changed) {
        if (is_counted(from)) all += changed.since_cut;
    });
    return all;
}

} // namespace detail

/// The whole process. Objects of it end in the reverse order of their beginnings. The peak is not available where a
/// measurement was running at the beginning, or is at the end; one that has come and gone in between makes no
/// difference.
class heap_since {
  public:
    heap_since() noexcept {
        static_cast<void>(detail::operators_are_replaced()); // asked before anything is looked at
        const detail::cut standing_still;
        outer_peak_bytes_ = detail::flush_all(standing_still).peak_bytes;
        generation_ = engine::state.generation;
        has_peak_ = !measures();
        if (has_peak_) {
            detail::end_interval(standing_still,
                                 [](detail::origin, const detail::tally&, const detail::special_tally*) {});
            engine::state.peak_bytes.store(engine::state.totals.live_bytes(), std::memory_order_relaxed);
        }
        start_ = detail::totals_now(standing_still);
    }
    ~heap_since() {
        if (!has_peak_ || measures()) return;
        const detail::cut standing_still;
        const std::int64_t peak_bytes = detail::flush_all(standing_still).peak_bytes;
        detail::end_interval(standing_still, [](detail::origin, const detail::tally&, const detail::special_tally*) {});
        engine::state.peak_bytes.store(std::max(outer_peak_bytes_, peak_bytes), std::memory_order_relaxed);
    }
    heap_since(const heap_since&) = delete;
    heap_since& operator=(const heap_since&) = delete;

    [[nodiscard]] heap_figures figures() const noexcept {
        const detail::cut standing_still;
        const detail::interval_peak now = detail::flush_all(standing_still);
        heap_figures figures = detail::figures_between(start_, detail::totals_now(standing_still));
        if (!has_peak_ || measures() || !figures.start) return figures;
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

  private:
    [[nodiscard]] static bool measures() noexcept { return engine::state.measured.load(std::memory_order_acquire); }

    detail::flow start_;
    std::int64_t outer_peak_bytes_ = 0;
    std::uint64_t generation_ = 0;
    bool has_peak_ = false;
};

/// One thread: what it has allocated and freed itself. Made and asked on that thread. Its live bytes are its own
/// balance, below 0 where it frees what others allocated; a peak of them is not available.
class thread_heap_since {
  public:
    thread_heap_since() noexcept {
        static_cast<void>(detail::operators_are_replaced());
        start_ = now();
    }

    [[nodiscard]] heap_figures figures() const noexcept { return detail::figures_between(start_, now()); }

  private:
    static void read(detail::thread_record& record, detail::flow& into) noexcept {
        const detail::aside in_progress{record};
        into = detail::flow_of(record);
    }
    [[nodiscard]] static detail::flow now() noexcept {
        detail::flow all;
        detail::with_record<read>(all);
        return all;
    }

    detail::flow start_;
};

} // namespace peakscope::heap
