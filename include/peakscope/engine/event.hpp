// SPDX-License-Identifier: MIT
// An event in all its cases: what it adds to, when it flushes, and what it notes.
//
// The peak. A record also keeps the highest its pending bytes have been (`high`). A flush reads the shared sum G as it
// adds to it, and G_before + high is a candidate for the peak. A thread that is *alone* at work in its interval knows
// G, so its high starts at what is missing to the peak, and a new high is a new peak: exactly, and at once.
//
// The bound with T threads at work, B the batch. Between events every |pending| < B, and high starts at 0.
//   Too low by less than T x B:  live(t) = G(t) + sum of pending < G(t) + T x B, and every value that G takes was
//     covered by a candidate (high >= pending) or by the cut that began the window.
//   Too high by less than (T+1) x B:  the flush that offers G + high found live >= G + pending - (T-1) x B just before
//     its last event, and high - pending < 2 x B, because both lie within the batch. A last event that itself sets
//     the high leaves high = pending, and only the other T-1 threads' pending bytes are missing.
// So the peak of an interval is within (T+1) x B where two or more threads had events in it, and exact where at most
// one had. A window is as good as the worst of its intervals, because a maximum is.
//
// Who held it. A record numbers its *moments*. Before a tally changes for the first time in a moment, it notes what it
// holds and stamps that with the moment's number. A new peak begins a new moment, so at any time what a tally held at
// the last peak is what it noted, if the stamp is the moment's, and else what it holds now. That is a comparison per
// event and no look at any other tally, however many there are. A thread that is alone begins a moment with each new
// peak: what is noted then adds up to the peak, to the byte. With more threads, moments begin with a flush that raises
// the shared peak, on every thread as it passes the gate next. What is noted is then of the moment of that flush, and
// adds up to the peak within its bound: the shared sum is then G_before + pending, each other thread holds less than B
// beyond it, and high - pending < 2 x B.
#pragma once

#include <peakscope/engine/state.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <utility>

namespace peakscope::engine {

// The two ways through the gate (gate.hpp).
PEAKSCOPE_BODY_ELSEWHERE void come_through_gate(thread_record& record) noexcept;
PEAKSCOPE_BODY_ELSEWHERE void wait_at_gate(thread_record& record) noexcept;

// Between the two, no cut can read the record. A count and not a flag, so that a signal handler that interrupts an
// event leaves it as it was.
inline std::uint32_t raise_busy(thread_record& record) noexcept {
    const std::uint32_t before = record.busy.load(std::memory_order_relaxed);
    record.busy.store(before + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst); // the cut's membarrier makes it a fence for the processor
    return before;
}
inline void lower_busy(thread_record& record, std::uint32_t before) noexcept {
    record.busy.store(before, std::memory_order_release);
}
inline void lower_busy(thread_record& record) noexcept {
    lower_busy(record, record.busy.load(std::memory_order_relaxed) - 1);
}

// In a signal handler that interrupted an event: what that event has locked is locked still, and no cut begins before
// it has ended.
[[nodiscard]] inline bool is_nested(const thread_record& record) noexcept { return record.interrupted != nullptr; }

// A time in which no cut reads the record.
template <void (*PassGate)(thread_record&) noexcept>
class busy_scope {
  public:
    explicit busy_scope(thread_record& record) noexcept : record_(record) {
        raise_busy(record_);
        if (state.gate.load(std::memory_order_relaxed) != record_.pass) PassGate(record_);
    }
    ~busy_scope() { lower_busy(record_); }
    busy_scope(const busy_scope&) = delete;
    busy_scope& operator=(const busy_scope&) = delete;

    [[nodiscard]] bool inside_another() const noexcept { return is_nested(record_); }

  private:
    thread_record& record_;
};

// One event on one record, the long way.
using event = busy_scope<come_through_gate>;
// What is no event of the program's: the thread is not at work by it.
using aside = busy_scope<wait_at_gate>;

// True when the peak rose.
inline bool raise_peak(std::atomic<std::int64_t>& peak_bytes, std::int64_t candidate) noexcept {
    std::int64_t peak = peak_bytes.load(std::memory_order_relaxed);
    while (candidate > peak)
        if (peak_bytes.compare_exchange_weak(peak, candidate, std::memory_order_relaxed)) return true;
    return false;
}

inline void set_upper_bound(thread_record& record) noexcept {
    record.upper_bytes = std::min(record.high_bytes, -record.lower_bytes - 1);
    const bool stamped = record.context_tally != nullptr && record.context_tally->stamp == record.moment;
    record.context_upper_bytes = stamped ? record.upper_bytes : INT64_MIN;
}
inline void set_bounds(thread_record& record) noexcept {
    const std::int64_t batch = state.batch_bytes.load(std::memory_order_relaxed);
    record.lower_bytes = -batch;
    set_upper_bound(record);
}

// From here on, what was noted of older peaks is void.
inline void begin_moment(thread_record& record) noexcept {
    ++record.moment;
    record.context_upper_bytes = INT64_MIN;
}

// Moves pending bytes into the shared sum and offers a candidate for the peak; true when the peak rose. Called inside
// an event or a cut.
inline bool flush_quietly(thread_record& record) noexcept {
    const std::int64_t pending = std::exchange(record.pending_bytes, 0);
    const std::int64_t before = state.live_bytes.fetch_add(pending, std::memory_order_relaxed);
    const bool rose = raise_peak(state.peak_bytes, (record.alone ? record.base_bytes : before) + record.high_bytes);
    record.base_bytes = before + pending;
    record.high_bytes =
        record.alone ? state.peak_bytes.load(std::memory_order_relaxed) - record.base_bytes : std::int64_t{0};
    set_bounds(record);
    return rose;
}

// The same, and tells the other threads.
inline void flush(thread_record& record) noexcept {
    if (!flush_quietly(record) || record.alone) return;
    state.peaks.fetch_add(1, std::memory_order_relaxed);
    state.gate.fetch_add(engine_state::next_number, std::memory_order_release);
}

bool add_special(thread_record& record, tally& changed, origin from, std::uint64_t size_bytes,
                 bool is_allocation) noexcept;

// Puts the tally on the record's list, and finds out whether it is a special one.
[[gnu::noinline]] inline void list_tally(thread_record& record, tally& changed, origin from) noexcept {
    const origin_info& info = state.origins[from];
    changed.listed = true;
    changed.special = info.label != 0 || info.kind > origin_kind::counted;
    changed.next = std::exchange(record.changed, from);
}

// Before a tally changes: notes what it holds, where that is what it held at the last peak.
inline void note(thread_record& record, tally& changed, origin from) noexcept {
    if (!changed.listed) list_tally(record, changed, from);
    special_tally* const more = changed.special ? &record.specials[from] : nullptr;
    std::uint64_t& stamp = more != nullptr ? more->stamp : changed.stamp;
    if (stamp == record.moment) return;
    stamp = record.moment;
    changed.at_peak_bytes = changed.since_cut.live_bytes();
    changed.at_peak_blocks = changed.since_cut.live_blocks();
    if (more != nullptr) more->at_peak = more->live;
}

// An event in all its cases, inside an event. Its short way is in `count_new_quickly` and `count_delete_quickly`.
inline void add_allocation(thread_record& record, origin from, std::uint64_t size_bytes) noexcept {
    tally& changed = record.tallies[from];
    note(record, changed, from);
    if (changed.special && add_special(record, changed, from, size_bytes, true)) return;
    changed.since_cut.allocated_bytes += size_bytes;
    changed.since_cut.allocations += 1;
    record.pending_bytes += static_cast<std::int64_t>(size_bytes);
    if (record.pending_bytes > record.high_bytes) {
        record.high_bytes = record.pending_bytes;
        if (record.alone) begin_moment(record);
    }
    if (record.pending_bytes >= -record.lower_bytes)
        flush(record);
    else
        set_upper_bound(record);
}
inline void add_deallocation(thread_record& record, origin from, std::uint64_t size_bytes) noexcept {
    tally& changed = record.tallies[from];
    note(record, changed, from);
    if (changed.special && add_special(record, changed, from, size_bytes, false)) return;
    changed.since_cut.freed_bytes += size_bytes;
    changed.since_cut.deallocations += 1;
    record.pending_bytes -= static_cast<std::int64_t>(size_bytes);
    if (record.pending_bytes <= record.lower_bytes) flush(record);
}

// What a sampled block stands for. Samples are points on the line of all allocated bytes, a Poisson process with one
// point in `rate_bytes` on average: a block of s bytes is hit with the probability p = 1 - exp(-s / rate), whatever the
// others are. Weighting each sampled block with 1/p makes every sum unbiased (Horvitz and Thompson, 1952), and
// (1 - p) / p^2 x s^2 is the unbiased estimate of what the block adds to the variance of that sum.
[[nodiscard]] inline estimate estimate_of(std::uint64_t size_bytes, std::int64_t rate_bytes) noexcept {
    const double size = size_bytes == 0 ? 1 : static_cast<double>(size_bytes); // a block of no bytes is a block
    const double part = size / static_cast<double>(rate_bytes);
    const double hit = -std::expm1(-part);
    return {size_bytes == 0 ? 0 : std::llround(size / hit), std::llround(1024 / hit),
            std::llround((1 - hit) * (part / hit) * (part / hit) * 0x1p20)};
}

inline void flush_label(label_pending& pending, label_total& total) noexcept {
    const std::int64_t before = total.live_bytes.fetch_add(pending.bytes, std::memory_order_relaxed);
    raise_peak(total.peak_bytes, before + pending.high_bytes);
    pending = {};
}

// True when that was all: a sampled block is counted in its context as well, once, and has an estimate here.
[[gnu::noinline]] inline bool add_special(thread_record& record, tally& changed, origin from, std::uint64_t size_bytes,
                                          bool is_allocation) noexcept {
    const origin_info& info = state.origins[from];
    if (info.kind != origin_kind::counted) {
        special_tally& more = record.specials[from];
        const capture_mode* const mode = state.mode.load(std::memory_order_relaxed);
        const bool estimated = info.kind == origin_kind::sampled && mode != nullptr && mode->rate_bytes > 0;
        const estimate weight = estimated ? estimate_of(size_bytes, mode->rate_bytes) : estimate{};
        if (is_allocation) {
            changed.since_cut.allocations += 1;
            more.allocated += weight;
            more.live += weight;
            add_allocation(record, info.context, size_bytes);
        } else {
            changed.since_cut.deallocations += 1;
            more.live -= weight;
            add_deallocation(record, info.context, size_bytes);
        }
        return true;
    }
    label_pending& pending = record.labels[info.label];
    pending.bytes += is_allocation ? static_cast<std::int64_t>(size_bytes) : -static_cast<std::int64_t>(size_bytes);
    pending.high_bytes = std::max(pending.high_bytes, pending.bytes);
    if (pending.bytes >= -record.lower_bytes || pending.bytes <= record.lower_bytes)
        flush_label(pending, state.labels[info.label]);
    return false;
}

} // namespace peakscope::engine
