// SPDX-License-Identifier: MIT
// Work: what a thread allocates and frees for a phase, whatever window is open meanwhile. The blocks are born in that
// phase, and the thread's flows are booked for it, as differences of all that the thread has ever counted: an event
// costs no more than without.
#pragma once

#include <peakscope/engine/cut.hpp>
#include <peakscope/engine/event.hpp>
#include <peakscope/engine/gate.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peakscope::engine {

// All that the thread has counted. Its record's tallies must stand still: inside an event, an excluded_from_cuts or a
// cut.
[[nodiscard]] inline flow flow_of(const thread_record& record) noexcept {
    flow sum = record.collected;
    for (origin from = record.changed; from != thread_record::end_of_list; from = record.tallies[from].next)
        if (is_counted(from)) sum += record.tallies[from].since_cut;
    return sum;
}

// Books what the thread has done since it was last asked, for the phase it has in scope, if any.
inline void book_work(thread_record& record) noexcept {
    const flow all = flow_of(record);
    const std::int64_t now = std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count();
    const flow before = std::exchange(record.work_flow, all);
    const std::int64_t began = std::exchange(record.scopes.work_nanoseconds, now);
    const phase_slot worked_for = phase_worked_for(record);
    if (!worked_for.is_phase() || !state.books_work) return;
    const std::lock_guard lock{state.tables_lock};
    work_total& total = state.work[worked_for.phase()];
    total.flows += all - before;
    total.nanoseconds += now - began;
}

// What a thread has in scope, packed: the measurement's generation and the phase's slot.
inline void enter_work(thread_record& record, phase_slot phase, std::uint64_t& before) noexcept {
    const excluded_from_cuts in_progress{record};
    book_work(record);
    before = state.generation << 16U | phase_worked_for(record).number();
    record.scopes.work = phase;
    record.scopes.work_generation = state.generation;
    if (state.books_work) {
        const std::lock_guard lock{state.tables_lock};
        ++state.work[phase.phase()].entries;
    }
    if (record.interval == state.interval) set_context(record); // else it will be, with the next event
}

// Of a measurement that is over, nothing is in scope any more.
inline void leave_work(thread_record& record, std::uint64_t before) noexcept {
    const excluded_from_cuts in_progress{record};
    if (before >> 16U != state.generation) return;
    book_work(record);
    record.scopes.work = phase_slot::from_number(before & 0xffffU);
    if (record.interval == state.interval) set_context(record);
}

inline void begin_booking_work(const cut&, std::size_t phase_count) noexcept {
    state.work_pages.reach(state.work, phase_count * sizeof(work_total));
    for (std::size_t phase = 0; phase < phase_count; ++phase)
        state.work[phase] = {};
    state.books_work = true;
}
// What is in scope still is booked up to here.
inline void end_booking_work(const cut&) noexcept {
    for (auto* record = first_record(); record != nullptr; record = record->next)
        book_work(*record);
    state.books_work = false;
}

} // namespace peakscope::engine
