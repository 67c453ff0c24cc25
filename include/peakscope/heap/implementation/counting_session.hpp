// SPDX-License-Identifier: MIT
// The bodies of heap/counting_session.hpp, and what they keep.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/label_names.hpp>
#include <peakscope/engine/ledger.hpp>
#include <peakscope/heap/counting_session.hpp>
#include <peakscope/heap/counting_switch.hpp>
#include <peakscope/heap/implementation/counting_tables.hpp>
#include <peakscope/memory/resident.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace peakscope::heap::detail {

// What is the matter where the operators are not counted.
#if defined(__clang__)
inline constexpr bool sanitizer_has_operators = __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool sanitizer_has_operators = false;
#endif
inline constexpr const char* uncounted_operators =
    sanitizer_has_operators
        ? "the counted heap sees no allocations: the sanitizer brings an operator new of its own, and the linker takes "
          "that one. Measure in a build without ThreadSanitizer and MemorySanitizer, or with g++'s ThreadSanitizer"
        : "the counted heap sees no allocations: operator new is not replaced. Include "
          "<peakscope/heap/counting_operators.hpp> in exactly one .cpp file of the program";

const counted_functions operators_of_process{
    "operator new",
    [](bool is_counted) noexcept -> const char* {
        if (!is_counted) return uncounted_operators;
        if (state.malloc_is_replaced.load(std::memory_order_relaxed))
            return "malloc is counted too, and not operator new alone: measure with heap::malloc_counting, or include "
                   "<peakscope/heap/counting_operators.hpp> in the place of malloc_counting_functions.hpp";
        return nullptr;
    },
    []() noexcept { return ::operator new(1, std::nothrow); },
    [](void* block) noexcept { ::operator delete(block); },
};

const counted_functions malloc_of_process{
    "malloc",
    [](bool is_counted) noexcept -> const char* {
        return is_counted ? nullptr
                          : "the counted heap sees no allocations: malloc is not replaced. Include "
                            "<peakscope/heap/malloc_counting_functions.hpp> in exactly one .cpp file of the program";
    },
    []() noexcept { return std::malloc(1); },
    [](void* block) noexcept { std::free(block); },
};

[[nodiscard]] inline bool are_counted(const counted_functions& functions) noexcept {
    const own_memory_scope uncounted;
    const thread_record* const record = current_record;
    if (record == &no_record) return false;
    const std::int64_t before = record->own_blocks;
    void* volatile probe = functions.allocate();      // volatile: the call must not be optimised away
    const bool counted = record->own_blocks > before; // more than one, where who is preloaded allocates as well
    functions.deallocate(probe);
    return counted;
}

counting_session::counting_session() {
    const own_memory_scope uncounted;
    tables_ = new tables;
}
counting_session::~counting_session() { delete tables_; }

void counting_session::open(const counted_functions& counted) {
    state.measured.take("the counted heap");
    if (is_off()) {
        state.measured.give_back();
        throw usage_error("the counted heap is switched off: call peakscope::heap::switch_counting_on() first");
    }
    const char* refusal = counted.refusal(are_counted(counted));
    if (current_record == &no_record)
        refusal = "the counted heap cannot measure: there is no memory for the tables of this thread. Is the address "
                  "space limited (ulimit -v) and used up?";
    if (refusal != nullptr) {
        state.measured.give_back();
        throw source_error(refusal);
    }
    // Made now, when it is no event inside of another.
    other_labels_at_start_ = labels_of_process().others();
    reserve_events_at_start_ = state.reserve_events.load(std::memory_order_relaxed);
    foreign_blocks_at_start_ = state.foreign_blocks.load(std::memory_order_relaxed);
    counted_ = &counted;
}

// Lifetimes, or no more with null.
inline void watch(const cut&, lifetime_table* lives) noexcept {
    const bool on = lives != nullptr;
    state.lives = lives;
    if (on)
        state.gate.fetch_or(engine_state::watched, std::memory_order_relaxed);
    else
        state.gate.fetch_and(~engine_state::watched, std::memory_order_relaxed);
    state.watches.store(on, std::memory_order_relaxed);
    const bool stays = on || state.injects.load(std::memory_order_relaxed);
    state.slow_from_bytes.store(stays ? slow_from::any_size : slow_from::too_large, std::memory_order_relaxed);
}

void counting_session::attribute(std::size_t phase_count, std::size_t depth, std::int64_t batch_bytes,
                                 const capture_mode* mode) {
    std::vector<tables::peak_of_phase>(phase_count + 1).swap(tables_->best);
    tables_->entries.make_room(phase_count, depth);
    const bool watches = mode != nullptr && mode->watches;
    tables_->watches = watches && tables_->lives.begin(state.origins.limit(), depth);
    const cut standing_still;
    static_cast<void>(flush_all(standing_still)); // nothing may be pending when the batch changes
    end_interval(standing_still, [](origin, const tally&, const extra_tally*) {});
    state.origins.begin([](origin from) {
        holding& live = state.live[from];
        // What sampled blocks stood for is forgotten (see `was_sampled`), but not the blocks.
        if (!is_counted(from)) live = {0, 0, 0, live.samples};
        return !live.is_zero();
    });
    tables_->entries.begin(standing_still);
    state.timeline = tables_->timeline.begin(nanoseconds_now()) ? &tables_->timeline : nullptr;
    begin_booking_work(standing_still, phase_count);
    for (std::size_t label = 1; label < state.label_count.load(std::memory_order_acquire); ++label)
        state.labels[label].peak_bytes.store(state.labels[label].live_bytes.load(std::memory_order_relaxed),
                                             std::memory_order_relaxed);
    ++state.generation;
    state.phase = phase_slot::outside_phases();
    state.batch_bytes.store(batch_bytes, std::memory_order_relaxed);

    if (mode != nullptr) state.mode.store(mode, std::memory_order_release);
    if (tables_->watches) watch(standing_still, &tables_->lives);
}

void counting_session::end() noexcept {
    {
        const cut standing_still;
        static_cast<void>(flush_all(standing_still));
        end_interval(standing_still, [](origin, const tally&, const extra_tally*) {});
        state.phase = {};
        state.timeline = nullptr;
        if (tables_->watches) watch(standing_still, nullptr);
        state.mode.store(nullptr, std::memory_order_release);
    }
    tables_->entries = {};
}

void counting_session::close() noexcept {
    end();
    state.measured.give_back();
}

void counting_session::settle() noexcept {
#if defined(__GLIBC__)
    static_cast<void>(::malloc_trim(0)); // whether it could give anything back makes no difference here
#endif
}

void counting_session::enter(counting_window& inner, counting_window* outer, std::size_t window) noexcept {
    const cut standing_still;
    const interval_peak now = flush_all(standing_still);
    tables_->look_at_threads(standing_still);
    if (outer != nullptr) {
        tables_->update(standing_still, *outer, now);
        tables_->note_if_new(standing_still, *outer, now);
        outer->bound_bytes_ = std::max(outer->bound_bytes_, now.bound_bytes);
        inner.depth_ = outer->depth_ + 1;
    }
    inner.outer_peak_bytes_ = now.peak_bytes;
    inner.phase_ = phase_slot::of_window(window);
    tables_->entries.end(standing_still, outer != nullptr ? outer->phase_ : phase_slot::outside_phases());
    if (state.lives != nullptr && outer != nullptr) state.lives->enter();
    inner.start_ = state.totals;
    inner.known_peak_bytes_ = inner.start_.live_bytes();
    state.peak_bytes.store(inner.known_peak_bytes_, std::memory_order_relaxed);
    if (state.timeline != nullptr) inner.peak_nanoseconds_ = nanoseconds_now();
    state.phase = inner.phase_;
    residence_ = tables_->residence(standing_still);
}

heap_figures counting_session::leave(counting_window& inner, counting_window* outer) noexcept {
    const cut standing_still;
    const interval_peak now = flush_all(standing_still);
    inner.bound_bytes_ = std::max(inner.bound_bytes_, now.bound_bytes);
    tables_->look_at_threads(standing_still);
    tables_->update(standing_still, inner, now);
    const bool outer_takes_it = outer != nullptr && now.peak_bytes > outer->known_peak_bytes_;
    const bool is_best = tables_->part_takes_it(inner.phase_.window(), now.peak_bytes);
    if (outer_takes_it || is_best) tables_->note_if_new(standing_still, inner, now);
    if (is_best) tables_->entries.keep_peak(inner.depth_, inner.phase_);
    if (outer == nullptr) {
        end_booking_work(standing_still);
        state.timeline = nullptr; // it is read from now on, and other threads go on
        state.lives = nullptr;
    }
    if (state.lives != nullptr) state.lives->leave();
    tables_->entries.end(standing_still, inner.phase_);
    tables_->entries.keep_end(inner.phase_);
    if (outer != nullptr) {
        outer->bound_bytes_ = std::max(outer->bound_bytes_, inner.bound_bytes_);
        if (outer_takes_it) {
            tables_->entries.take_over(outer->depth_, inner.depth_);
            outer->known_peak_bytes_ = now.peak_bytes;
            outer->peak_nanoseconds_ = inner.peak_nanoseconds_;
            outer->peak_is_noted_ = true;
        }
        state.peak_bytes.store(std::max(inner.outer_peak_bytes_, now.peak_bytes), std::memory_order_relaxed);
        state.phase = outer->phase_;
    } else { // what looks at the heap from outside of the measurement (heap_since.hpp) has a peak too
        state.peak_bytes.store(std::max(inner.outer_peak_bytes_, now.peak_bytes), std::memory_order_relaxed);
    }
    residence_ = tables_->residence(standing_still);
    return tables::figures_of(inner, state.totals, now.peak_bytes);
}

bytes counting_session::own_bytes() const noexcept {
    const cut standing_still;
    std::int64_t own = memory::resident_table_bytes.load(std::memory_order_relaxed);
    std::int64_t blocks = state.totals.live_blocks();
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        own += record->own_bytes;
        blocks += record->own_blocks;
    }
    for_each_changed(standing_still, [&](thread_record&, origin from, tally& changed) {
        if (is_counted(from)) blocks += changed.since_cut.live_blocks();
    });
    return bytes{own + blocks * static_cast<std::int64_t>(sizeof(block_header))};
}

std::string counting_session::remark() const {
    std::string text;
    const auto add = [&](const std::string& sentence) { text += (text.empty() ? "heap: " : ". heap: ") + sentence; };
    if (const auto foreign = state.foreign_blocks.load(std::memory_order_relaxed) - foreign_blocks_at_start_;
        foreign > 0)
        add(std::to_string(foreign) + " blocks were freed that the counted " + counted_->allocates +
            " did not allocate; they are in no figure");
    if (const auto lent = state.reserve_events.load(std::memory_order_relaxed) - reserve_events_at_start_; lent > 0)
        add("there was no memory for the tables of some threads; " + std::to_string(lent) +
            " of their calls were counted in one table for all of them, which takes much longer");
    if (labels_of_process().others() > other_labels_at_start_)
        add("there are numbers for " + std::to_string(label_registry::limit() - 2) +
            " labels in the life of a process, and there were more; the rest are '(other labels)'");
    if (state.origins.was_full())
        add("there are numbers for " + std::to_string(state.origins.limit() - 1) +
            " combinations of call stack, phase and label, and there were more; the blocks of the rest are "
            "'(not attributed)', in whole or by call stack");
    if (const capture_mode* const mode = state.mode.load(std::memory_order_relaxed);
        mode != nullptr && mode->watches && !tables_->watches)
        add("the system had no address space for the tables of lifetimes; they are missing");
    if (!tables_->entries.complete())
        add("the system had no memory for a table of the profiler's; amounts by site, label and birth are missing");
    return text;
}

std::vector<timeline_point> counting_session::timeline() const {
    std::vector<timeline_point> points;
    tables_->timeline.for_each([&](const memory::series_point& each) {
        points.push_back({std::chrono::nanoseconds{each.nanoseconds}, bytes{each.value}, {}});
    });
    return points;
}

attribution counting_session::attributed(std::int64_t rate_bytes, const precision& of_sites) const {
    return tables_->entries.hand_over(rate_bytes, of_sites, tables_->watches ? &tables_->lives : nullptr);
}

void counting_session::switch_counting(bool on) noexcept {
    if (on) return switch_counting_on();
    const own_memory_scope uncounted; // an error's text
    try {
        static_cast<void>(switch_counting_off());
        // NOLINTNEXTLINE(bugprone-empty-catch)
    } catch (const usage_error&) { // another measurement needs it
    }
}

std::uint16_t counting_session::enter_label(std::string_view name) {
    return exchange_label(labels_of_process().number_of(name));
}
void counting_session::leave_label(std::uint16_t before) noexcept { static_cast<void>(exchange_label(before)); }

std::uint64_t counting_session::enter_work(std::size_t phase) noexcept {
    std::uint64_t before = 0;
    with_record<engine::enter_work>(phase_slot::of_phase(phase), before);
    return before;
}
void counting_session::leave_work(std::uint64_t before) noexcept { with_record<engine::leave_work>(before); }

} // namespace peakscope::heap::detail
