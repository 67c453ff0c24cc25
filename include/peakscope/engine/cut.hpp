// SPDX-License-Identifier: MIT
// Cuts: all threads read at one moment. For that, a cut stops every thread between two events. A thread says that it is
// in an event with a plain store (`busy`) and then looks at `gate`; the processor may swap the two, and a fence on
// every event would cost more than all the rest. membarrier(2) lets the cut pay instead: it is a fence on all threads
// at once. Where the kernel has none, `gate` keeps a bit set that sends every event through a fence of its own.
#pragma once

#include <peakscope/engine/event.hpp>

#include <algorithm>
#include <cstdint>
#include <thread>

#if defined(__linux__)
#include <csignal>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace peakscope::engine {

// After it, a thread that is in an event shows as busy, and one that enters an event sees the gate. Where threads fence
// for themselves, the sequentially consistent operations around it are enough.
inline void fence_all_threads() noexcept {
#if defined(__linux__)
    if ((state.gate.load(std::memory_order_relaxed) & engine_state::needs_fence) == 0)
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); // registered for, so it cannot fail
#endif
}

[[nodiscard]] inline thread_record* first_record() noexcept { return state.records.load(std::memory_order_acquire); }

// From `stop_threads` to `resume_threads`, every other thread stands between two events, and all records can be read as
// of one moment. This thread takes no signals: their handlers might allocate.
inline void stop_threads() noexcept {
#if defined(__linux__)
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
#endif
    while (state.in_cut.exchange(true, std::memory_order_acquire))
        std::this_thread::yield();
#if defined(__linux__)
    state.signals_before_cut = before;
#endif
    thread_holds_cut = true;
    state.gate.fetch_or(engine_state::stopped, std::memory_order_seq_cst);
    fence_all_threads();
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        if (record == current_record) continue; // our own thread is here, and so in no event
        while (record->busy.load(std::memory_order_seq_cst) != 0)
            std::this_thread::yield();
    }
}

inline void resume_threads() noexcept {
    thread_holds_cut = false;
    state.gate.fetch_and(~engine_state::stopped, std::memory_order_release);
#if defined(__linux__)
    const sigset_t before = state.signals_before_cut;
#endif
    state.in_cut.store(false, std::memory_order_release);
#if defined(__linux__)
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
#endif
}

class cut {
  public:
    cut() noexcept { stop_threads(); }
    ~cut() { resume_threads(); }
    cut(const cut&) = delete;
    cut& operator=(const cut&) = delete;
};

struct interval_peak {
    std::int64_t peak_bytes = 0;  // of the innermost window, up to now
    std::int64_t bound_bytes = 0; // of what has happened since the last cut
    bool is_now = false;          // the peak is what lives now; what is noted in the tallies is of an older one
};

// Brings the shared sum and the peak up to date. The tallies are left as they are.
[[nodiscard]] inline interval_peak flush_all(const cut&) noexcept {
    interval_peak reading;
    std::int64_t threads_at_work = 0;
    bool rose = false;
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        if (record->interval == state.interval)
            ++threads_at_work;
        else if (record->pending_bytes == 0) // else the cut's own thread counted between two cuts
            continue;
        else
            record->alone = false;
        if (flush_without_notice(*record)) {
            rose = true;
            reading.is_now = !record->alone;
        }
        const std::size_t labels = state.label_count.load(std::memory_order_acquire);
        for (std::size_t label = 1; label < labels; ++label)
            if (label_pending& pending = record->labels[label]; pending.bytes != 0 || pending.high_bytes != 0)
                flush_label(pending, state.labels[label]);
    }
    if (state.timeline != nullptr) add_to_timeline(rose);
    reading.peak_bytes = state.peak_bytes.load(std::memory_order_relaxed);
    if (threads_at_work > 1)
        reading.bound_bytes = (threads_at_work + 1) * state.batch_bytes.load(std::memory_order_relaxed);
    return reading;
}

// Calls `use(record, from, tally)` for every tally that has changed since the last cut.
template <class Use>
void for_each_changed(const cut&, Use use) noexcept {
    for (auto* record = first_record(); record != nullptr; record = record->next)
        for (origin from = record->changed; from != thread_record::end_of_list;) {
            tally& changed = record->tallies[from];
            from = changed.next;
            use(*record, static_cast<origin>(&changed - record->tallies), changed);
        }
}

// Whether what a tally has noted is what it held at the last peak; else that is what it holds now.
[[nodiscard]] inline bool noted_at_peak(const thread_record& record, origin from, const tally& changed) noexcept {
    const std::uint64_t stamp = changed.has_extra ? record.extras[from].stamp : changed.stamp;
    return stamp == record.peak_epoch && record.seen_peaks == state.peaks.load(std::memory_order_relaxed);
}

// Ends the interval: hands every changed tally to `use(from, tally, extra)`, sets it back, and opens the next one.
// `extra` is null where the origin has no extra tally.
template <class Use>
void end_interval(const cut& standing_still, Use use) noexcept {
    state.reach_live();
    for_each_changed(standing_still, [&](thread_record& record, origin from, tally& changed) {
        extra_tally* const extra = changed.has_extra ? &record.extras[from] : nullptr;
        holding& live = state.live[from];
        if (is_counted(from)) {
            state.totals += changed.since_cut;
            record.collected += changed.since_cut;
            live.bytes += changed.since_cut.live_bytes();
            live.blocks += changed.since_cut.live_blocks();
        } else if (extra != nullptr) { // always: a sampled origin has one
            live.add(extra->live);
            live.samples += changed.since_cut.live_blocks();
        }
        use(from, changed, extra);
        changed = {};
        if (extra != nullptr) *extra = {};
    });
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        record->changed = thread_record::end_of_list;
        record->most_blocks = {};
        record->most_before_peak = 0;
    }
    ++state.interval;
    state.first.store(nullptr, std::memory_order_relaxed);
    state.shared.store(false, std::memory_order_relaxed);
    state.gate.fetch_add(engine_state::next_number, std::memory_order_relaxed); // threads still wait at it
}

} // namespace peakscope::engine
