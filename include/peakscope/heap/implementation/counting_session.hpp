// SPDX-License-Identifier: MIT
// The bodies of heap/counting_session.hpp, and what they keep.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/label_names.hpp>
#include <peakscope/engine/ledger.hpp>
#include <peakscope/heap/counting_session.hpp>
#include <peakscope/memory/pages.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace peakscope::heap::detail {

const counted_functions operators_of_process{
    "operator new",
    [](bool is_counted) noexcept -> const char* {
        if (!is_counted)
            return "the counted heap sees no allocations: operator new is not replaced. Include "
                   "<peakscope/heap/counting_operators.hpp> in exactly one .cpp file of the program";
        if (state.malloc_is_replaced.load(std::memory_order_relaxed))
            return "malloc is counted too, and not operator new alone: measure with heap::malloc_counting, or include "
                   "<peakscope/heap/counting_operators.hpp> in the place of malloc_counting_functions.hpp";
        return nullptr;
    },
    [] { return ::operator new(1); },
    [](void* block) noexcept { ::operator delete(block); },
};

const counted_functions malloc_of_process{
    "malloc",
    [](bool is_counted) noexcept -> const char* {
        return is_counted ? nullptr
                          : "the counted heap sees no allocations: malloc is not replaced. Include "
                            "<peakscope/heap/malloc_counting_functions.hpp> in exactly one .cpp file of the program";
    },
    []() -> void* { return std::malloc(1); },
    [](void* block) noexcept { std::free(block); },
};

[[nodiscard]] inline bool are_counted(const counted_functions& functions) {
    const own_memory_scope not_the_programs;
    const thread_record* const record = current_record;
    if (record == &no_record) return false;
    const std::int64_t before = record->own_blocks;
    void* volatile probe = functions.allocate();      // volatile: the call must not be optimised away
    const bool counted = record->own_blocks > before; // more than one, where who is preloaded allocates as well
    functions.deallocate(probe);
    return counted;
}

struct counting_session::tables {
    struct peak_of_phase {
        bool entered = false;
        std::int64_t peak_bytes = 0;
    };

    // The peak may have risen since the last cut.
    static void update(const cut&, counting_window& of, const interval_peak& now) noexcept {
        if (now.peak_bytes <= of.known_peak_bytes_) return;
        of.known_peak_bytes_ = now.peak_bytes;
        of.peak_is_noted_ = false;
    }
    void note_if_new(const cut& standing_still, counting_window& of, const interval_peak& now) noexcept {
        if (of.peak_is_noted_) return;
        entries.note_peak(standing_still, now, of.depth_);
        of.peak_is_noted_ = true;
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
        const flow& start = of.start_;
        heap_figures figures{.totals_precision = exact, .peak_precision = bounded({of.bound_bytes_})};
        figures.start = bytes{start.live_bytes()};
        figures.end = bytes{end.live_bytes()};
        figures.delta = bytes{end.live_bytes() - start.live_bytes()};
        figures.peak = bytes{peak_bytes};
        figures.peak_delta = bytes{peak_bytes - start.live_bytes()};
        figures.allocated = bytes{static_cast<std::int64_t>(end.allocated_bytes - start.allocated_bytes)};
        figures.freed = bytes{static_cast<std::int64_t>(end.freed_bytes - start.freed_bytes)};
        figures.allocations = end.allocations - start.allocations;
        figures.deallocations = end.deallocations - start.deallocations;
        figures.blocks_start = static_cast<std::uint64_t>(start.live_blocks());
        figures.blocks_end = static_cast<std::uint64_t>(end.live_blocks());
        return figures;
    }

    [[nodiscard]] static std::int64_t bytes_of(const thread_record& record) noexcept {
        const std::size_t count = state.origins.count();
        return memory::resident_bytes(record.tallies, count * sizeof(tally)) + record.stacks.resident();
    }

    ledger entries;
    std::vector<peak_of_phase> best; // by phase + 1; the measurement's first
};

counting_session::counting_session() {
    const own_memory_scope profilers;
    tables_ = new tables;
}
counting_session::~counting_session() { delete tables_; }

void counting_session::open(const counted_functions& counted) {
    if (state.measured.exchange(true, std::memory_order_acq_rel))
        throw usage_error("the counted heap serves one measurement at a time, and one is running: finish() it before "
                          "the next one starts");
    if (is_off()) {
        state.measured.store(false, std::memory_order_release);
        throw usage_error("the counted heap is switched off: call peakscope::heap::switch_counting_on() first");
    }
    if (const char* const refusal = counted.refusal(are_counted(counted))) {
        state.measured.store(false, std::memory_order_release);
        throw source_error(refusal);
    }
    static_cast<void>(labels_of_process()); // made now, when it is no event inside of another
    foreign_blocks_at_start_ = state.foreign_blocks.load(std::memory_order_relaxed);
    counted_ = &counted;
}

void counting_session::attribute(std::size_t phase_count, std::size_t depth, std::int64_t batch_bytes,
                                 const capture_mode* mode) {
    std::vector<tables::peak_of_phase>(phase_count + 1).swap(tables_->best);
    tables_->entries.make_room(phase_count, depth);
    const cut standing_still;
    static_cast<void>(flush_all(standing_still)); // nothing may be pending when the batch changes
    end_interval(standing_still, [](origin, const tally&, const special_tally*) {});
    state.origins.begin([](origin from) {
        holding& live = state.live[from];
        // What sampled blocks stood for is forgotten (see `was_sampled`), but not the blocks.
        if (!is_counted(from)) live = {0, 0, 0, live.samples};
        return !live.is_zero();
    });
    tables_->entries.begin(standing_still);
    begin_booking_work(standing_still, phase_count);
    for (std::size_t label = 1; label < state.label_count.load(std::memory_order_acquire); ++label)
        state.labels[label].peak_bytes.store(state.labels[label].live_bytes.load(std::memory_order_relaxed),
                                             std::memory_order_relaxed);
    ++state.generation;
    state.phase = outside_phases;
    state.batch_bytes.store(batch_bytes, std::memory_order_relaxed);

    if (mode != nullptr) state.mode.store(mode, std::memory_order_release);
}

void counting_session::close() noexcept {
    {
        const cut standing_still;
        static_cast<void>(flush_all(standing_still));
        end_interval(standing_still, [](origin, const tally&, const special_tally*) {});
        state.phase = before_measurement;
        state.mode.store(nullptr, std::memory_order_release);
    }
    state.measured.store(false, std::memory_order_release);
}

void counting_session::settle() noexcept {
#if defined(__GLIBC__)
    static_cast<void>(::malloc_trim(0)); // whether it could give anything back makes no difference here
#endif
}

void counting_session::enter(counting_window& inner, counting_window* outer, std::size_t phase) noexcept {
    const cut standing_still;
    const interval_peak now = flush_all(standing_still);
    if (outer != nullptr) {
        tables_->update(standing_still, *outer, now);
        tables_->note_if_new(standing_still, *outer, now);
        outer->bound_bytes_ = std::max(outer->bound_bytes_, now.bound_bytes);
        inner.depth_ = outer->depth_ + 1;
    }
    inner.outer_peak_bytes_ = now.peak_bytes;
    inner.part_ = phase;
    tables_->entries.end(standing_still, outer != nullptr ? outer->part_ : 0);
    inner.start_ = state.totals;
    inner.known_peak_bytes_ = inner.start_.live_bytes();
    state.peak_bytes.store(inner.known_peak_bytes_, std::memory_order_relaxed);
    state.phase = static_cast<std::uint16_t>(outside_phases + phase);
}

heap_figures counting_session::leave(counting_window& inner, counting_window* outer) noexcept {
    const cut standing_still;
    const interval_peak now = flush_all(standing_still);
    inner.bound_bytes_ = std::max(inner.bound_bytes_, now.bound_bytes);
    tables_->update(standing_still, inner, now);
    const bool outer_takes_it = outer != nullptr && now.peak_bytes > outer->known_peak_bytes_;
    const bool is_best = tables_->part_takes_it(inner.part_, now.peak_bytes);
    if (outer_takes_it || is_best) tables_->note_if_new(standing_still, inner, now);
    if (is_best) tables_->entries.keep_peak(inner.depth_, inner.part_);
    if (outer == nullptr) end_booking_work(standing_still);
    tables_->entries.end(standing_still, inner.part_);
    tables_->entries.keep_end(inner.part_);
    if (outer != nullptr) {
        outer->bound_bytes_ = std::max(outer->bound_bytes_, inner.bound_bytes_);
        if (outer_takes_it) {
            tables_->entries.take_over(outer->depth_, inner.depth_);
            outer->known_peak_bytes_ = now.peak_bytes;
            outer->peak_is_noted_ = true;
        }
        state.peak_bytes.store(std::max(inner.outer_peak_bytes_, now.peak_bytes), std::memory_order_relaxed);
        state.phase = static_cast<std::uint16_t>(outside_phases + outer->part_);
    } else { // what looks at the heap from outside of the measurement (heap_since.hpp) has a peak too
        state.peak_bytes.store(std::max(inner.outer_peak_bytes_, now.peak_bytes), std::memory_order_relaxed);
    }
    return tables::figures_of(inner, state.totals, now.peak_bytes);
}

bytes counting_session::own_bytes() const noexcept {
    const cut standing_still;
    std::int64_t own = state.record_bytes.load(std::memory_order_relaxed) + state.stacks.resident() +
                       state.origins.resident() + tables_->entries.resident() +
                       memory::resident_bytes(state.live, state.origins.count() * sizeof(holding)) +
                       memory::resident_bytes(state.labels, most_labels * sizeof(label_total)) +
                       memory::resident_bytes(state.work, most_phases * sizeof(work_total));
    std::int64_t blocks = state.totals.live_blocks();
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        own += record->own_bytes + tables::bytes_of(*record);
        blocks += record->own_blocks;
    }
    for_each_changed(standing_still, [&](thread_record&, origin from, tally& changed) {
        if (is_counted(from)) blocks += changed.since_cut.live_blocks();
    });
    return bytes{own + blocks * static_cast<std::int64_t>(sizeof(block_header))};
}

std::string counting_session::remark() const {
    std::string text;
    const auto foreign = state.foreign_blocks.load(std::memory_order_relaxed) - foreign_blocks_at_start_;
    if (foreign > 0)
        text += "heap: " + std::to_string(foreign) + " blocks were freed that the counted " + counted_->allocates +
                " did not allocate; they are in no figure";
    if (!tables_->entries.complete())
        text += std::string{text.empty() ? "" : ". "} + "heap: the system had no memory for a table of the "
                                                        "profiler's; amounts by site, label and birth are missing";
    return text;
}

attribution counting_session::attributed(std::int64_t rate_bytes) const {
    return tables_->entries.hand_over(rate_bytes);
}

std::uint16_t counting_session::enter_label(std::string_view name) {
    std::uint16_t number = 0;
    {
        const own_memory_scope profilers;
        number = labels_of_process().number_of(name);
    }
    return exchange_label(number);
}
void counting_session::leave_label(std::uint16_t before) noexcept { static_cast<void>(exchange_label(before)); }

std::uint64_t counting_session::enter_work(std::size_t phase) noexcept {
    std::uint64_t before = 0;
    with_record<engine::enter_work>(static_cast<std::uint16_t>(first_phase + phase), before);
    return before;
}
void counting_session::leave_work(std::uint64_t before) noexcept { with_record<engine::leave_work>(before); }

} // namespace peakscope::heap::detail
