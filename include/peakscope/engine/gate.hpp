// SPDX-License-Identifier: MIT
// The gate: where a cut holds threads up, and how they learn of what they need to know only now and then. It has a
// number that changes when there is something to learn, and a thread that finds another number than it last came
// through with takes the slow path once.
#pragma once

#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/event.hpp>
#include <peakscope/memory/hash.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace peakscope::engine {

// The phase that the thread has in scope (work.hpp), if any.
[[nodiscard]] inline phase_slot phase_worked_for(const thread_record& record) noexcept {
    return record.scopes.work_generation == state.generation ? record.scopes.work : phase_slot{};
}

// An origin for blocks that this thread allocates; `not_attributed` when there are no more numbers. Inside an event
// that is in no other.
[[nodiscard]] inline origin intern_origin(const thread_record& record, sites::stored_stack stack,
                                          origin_kind kind) noexcept {
    const std::lock_guard lock{state.tables_lock};
    return state.origins.intern({stack, state.phase, phase_worked_for(record), record.scopes.label, kind,
                                 stack == nullptr ? not_attributed : record.context});
}

inline void set_context(thread_record& record) noexcept {
    record.context =
        is_nested(record) ? record.interrupted->context : intern_origin(record, nullptr, origin_kind::counted);
    record.context_is_void = false;
    record.context_key = block_header::key_of(sizeof(block_header), record.context);
    record.context_tally = record.tallies + record.context;
    set_upper_bound(record);
}

// Exponentially distributed: the gaps of a Poisson process.
[[nodiscard]] inline std::int64_t bytes_to_next_sample(thread_record& record, std::int64_t rate_bytes) noexcept {
    const double even =
        (static_cast<double>(memory::next_random(record.random_state) >> 11U) + 1) * 0x1p-53; // in (0, 1]
    return static_cast<std::int64_t>(-std::log(even) * static_cast<double>(rate_bytes));
}

// The first event of a measurement on this thread.
inline void join_measurement(thread_record& record) noexcept {
    record.generation = state.generation;
    record.stacks.clear();
    const capture_mode* const mode = state.mode.load(std::memory_order_acquire);
    if (mode == nullptr || mode->rate_bytes == 0) return;
    record.random_state = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
                          reinterpret_cast<std::uintptr_t>(&record) * memory::hash_factor;
    record.until_sample_bytes = bytes_to_next_sample(record, mode->rate_bytes);
}

// The first event since a cut.
inline void join_interval(thread_record& record) noexcept {
    record.context = not_attributed; // what it is now may stand for something else in a new measurement
    record.interval = state.interval;
    record.base_bytes = state.live_bytes.load(std::memory_order_relaxed);
    thread_record* nobody = nullptr;
    record.alone = state.first.compare_exchange_strong(nobody, &record, std::memory_order_acq_rel);
    if (!record.alone && !state.shared.exchange(true, std::memory_order_acq_rel)) // the first one must know
        state.gate.fetch_add(engine_state::next_number, std::memory_order_release);
    record.high_bytes =
        record.alone ? state.peak_bytes.load(std::memory_order_relaxed) - record.base_bytes : std::int64_t{0};
    set_bounds(record);
    record.seen_peaks = state.peaks.load(std::memory_order_relaxed);
    begin_peak_epoch(record);
    if (record.generation != state.generation) join_measurement(record);
    set_context(record);
}

// What the gate's new number may mean. Inside an event.
inline void learn(thread_record& record) noexcept {
    if (record.interval != state.interval)
        join_interval(record);
    else if (record.context_is_void)
        set_context(record);
    if (record.alone && state.shared.load(std::memory_order_acquire)) {
        // All that it has counted up to now, it has counted alone, and knows exactly.
        const bool holds_the_peak = flush_without_notice(record);
        record.alone = false;
        record.high_bytes = 0;
        set_bounds(record);
        if (holds_the_peak) record.seen_peaks = state.peaks.load(std::memory_order_relaxed);
    }
    if (std::exchange(record.seen_peaks, state.peaks.load(std::memory_order_relaxed)) != record.seen_peaks)
        begin_peak_epoch(record);
}

// Between the hooks of a fork, glibc locks what a thread may have locked that stands here: the name service, for
// example. So after a while it goes on, and the child may find its record with one event half done. False then.
[[nodiscard]] inline bool wait_for_cut_to_end() noexcept {
    using clock = std::chrono::steady_clock;
    constexpr auto long_enough = std::chrono::milliseconds{100};
    std::optional<clock::time_point> patience_ends;
    while ((state.gate.load(std::memory_order_acquire) & engine_state::stopped) != 0) {
        std::this_thread::yield();
        if (!state.in_fork.load(std::memory_order_acquire)) continue;
        if (!patience_ends) patience_ends = clock::now() + long_enough;
        if (clock::now() > *patience_ends) return false;
    }
    return true;
}

// Returns when no cut is on, with the number that the gate had then. Busy all the while but for the waiting.
[[nodiscard]] inline std::uint64_t number_at_gate(thread_record& record) noexcept {
    std::uint64_t number = state.gate.load(std::memory_order_acquire);
    if (is_nested(record)) return number & ~engine_state::stopped; // the cut waits for the event that this one is in
    while ((number & (engine_state::stopped | engine_state::needs_fence)) != 0) {
        // Either the exchange comes first and the cut sees that the thread is busy, or the cut's mark on the gate comes
        // first and the thread sees that.
        record.busy.exchange(1, std::memory_order_seq_cst);
        number = state.gate.load(std::memory_order_seq_cst);
        if ((number & engine_state::stopped) == 0) break;
        record.busy.store(0, std::memory_order_release);
        if (!wait_for_cut_to_end()) { // the fork's
            record.busy.store(1, std::memory_order_relaxed);
            break;
        }
        record.busy.store(1, std::memory_order_relaxed);
        number = state.gate.load(std::memory_order_acquire) | engine_state::needs_fence; // once more around
    }
    return number;
}

} // namespace peakscope::engine
