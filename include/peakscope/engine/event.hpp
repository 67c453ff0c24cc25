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
// Who held it. A record numbers its *peak epochs*: a new peak begins a new one. Before a tally changes for the first
// time in an epoch, it notes what it holds and stamps that with the epoch. So at any time what a tally held at the last
// peak is what it noted, if the stamp is the current epoch, and else what it holds now. That is a comparison per event
// and no look at any other tally, however many there are. A thread that is alone begins an epoch with each new peak:
// what is noted then adds up to the peak, to the byte. With more threads, epochs begin with a flush that raises the
// shared peak, on every thread as it passes the gate next. What is noted is then of the time of that flush, and
// adds up to the peak within its bound: the shared sum is then G_before + pending, each other thread holds less than B
// beyond it, and high - pending < 2 x B.
#pragma once

#include <peakscope/engine/state.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace peakscope::engine {

// The two ways through the gate (gate.hpp).
PEAKSCOPE_BODY_ELSEWHERE void come_through_gate(thread_record& record) noexcept;
PEAKSCOPE_BODY_ELSEWHERE void wait_at_gate(thread_record& record) noexcept;

// In a signal handler that interrupted an event: what that event has locked is locked still, and no cut begins before
// it has ended.
[[nodiscard]] inline bool is_nested(const thread_record& record) noexcept { return record.interrupted != nullptr; }

// A time in which no cut reads the record.
template <void (*PassGate)(thread_record&) noexcept>
class busy_scope {
  public:
    explicit busy_scope(thread_record& record) noexcept : record_(record) {
        raise_busy(record_);
        if (state.gate.load(std::memory_order_acquire) != record_.pass) PassGate(record_);
    }
    ~busy_scope() { lower_busy(record_); }
    busy_scope(const busy_scope&) = delete;
    busy_scope& operator=(const busy_scope&) = delete;

    [[nodiscard]] bool inside_another() const noexcept { return is_nested(record_); }

  private:
    thread_record& record_;
};

// One event on one record, on the slow path.
using event = busy_scope<come_through_gate>;
// What is no event of the program's: the thread is not at work by it.
using excluded_from_cuts = busy_scope<wait_at_gate>;

// True when the peak rose.
inline bool raise_peak(std::atomic<std::int64_t>& peak_bytes, std::int64_t candidate) noexcept {
    std::int64_t peak = peak_bytes.load(std::memory_order_relaxed);
    while (candidate > peak)
        if (peak_bytes.compare_exchange_weak(peak, candidate, std::memory_order_relaxed)) return true;
    return false;
}

inline void set_upper_bound(thread_record& record) noexcept {
    record.upper_bytes = std::min(record.high_bytes, -record.lower_bytes - 1);
    const bool stamped = record.context_tally != nullptr && record.context_tally->stamp == record.peak_epoch;
    record.context_upper_bytes = stamped ? record.upper_bytes : INT64_MIN;
}
inline void set_bounds(thread_record& record) noexcept {
    const std::int64_t batch = state.batch_bytes.load(std::memory_order_relaxed);
    record.lower_bytes = -batch;
    set_upper_bound(record);
}

// From here on, what was noted of older peaks is void.
inline void begin_peak_epoch(thread_record& record) noexcept {
    ++record.peak_epoch;
    record.context_upper_bytes = INT64_MIN;
}

PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::int64_t nanoseconds_now() noexcept; // of the steady clock

// When. A thread that is alone sees its peak end: with the first block that is freed after it. Until then, and for
// threads that are not alone, a peak is as late as the flush that offers it.
inline void note_peak_time(const thread_record& record) noexcept {
    const bool has_ended = record.alone && record.ended_peak_epoch == record.peak_epoch;
    state.peak_nanoseconds.store(has_ended ? record.ended_peak_nanoseconds : nanoseconds_now(),
                                 std::memory_order_relaxed);
}
inline void note_end_of_peak(thread_record& record) noexcept {
    if (!record.alone || record.ended_peak_epoch == record.peak_epoch) return;
    record.ended_peak_epoch = record.peak_epoch;
    record.ended_peak_nanoseconds = nanoseconds_now();
}
// Where a flush or a cut has brought the shared sum up to date. Other threads may change it between the two clocks:
// then nobody knows what lived when.
inline void add_to_timeline(bool peak_rose) noexcept {
    constexpr std::int64_t longest_reading = 20'000;
    const std::int64_t before = nanoseconds_now();
    const std::int64_t live_bytes = state.live_bytes.load(std::memory_order_relaxed);
    const std::int64_t now = nanoseconds_now();
    if (peak_rose)
        state.timeline->add(
            {state.peak_nanoseconds.load(std::memory_order_relaxed), state.peak_bytes.load(std::memory_order_relaxed)});
    if (now - before <= longest_reading) state.timeline->add({now, live_bytes});
}

// Moves pending bytes into the shared sum and offers a candidate for the peak; true when the peak rose. Called inside
// an event or a cut.
inline bool flush_without_notice(thread_record& record) noexcept {
    const std::int64_t pending = std::exchange(record.pending_bytes, 0);
    const std::int64_t before = state.live_bytes.fetch_add(pending, std::memory_order_relaxed);
    const bool rose = raise_peak(state.peak_bytes, (record.alone ? record.base_bytes : before) + record.high_bytes);
    if (rose && state.timeline != nullptr) note_peak_time(record);
    record.base_bytes = before + pending;
    record.high_bytes =
        record.alone ? state.peak_bytes.load(std::memory_order_relaxed) - record.base_bytes : std::int64_t{0};
    set_bounds(record);
    return rose;
}

// Whether every block of the origin is in its tallies. A sampled origin's are in its context's.
[[nodiscard]] inline bool is_counted(origin from) noexcept {
    return from == not_attributed || state.origins[from].kind == origin_kind::counted;
}

// How many blocks there are at a time is seldom looked at, because it is a sum over all tallies that have changed: when
// the heap has grown by 64 KiB, or by a 64th if that is more, since the last look or since it was smaller.
[[gnu::noinline]] inline void look_at_blocks(thread_record& record) noexcept {
    const std::int64_t live = state.live_bytes.load(std::memory_order_relaxed);
    const std::int64_t step = std::max<std::int64_t>(65'536, live / 64);
    const bool grown = live >= record.look_from_bytes;
    record.look_from_bytes = grown ? live + step : std::min(record.look_from_bytes, live + step);
    if (!grown) return;
    block_count sum;
    for (origin from = record.changed; from != thread_record::end_of_list; from = record.tallies[from].next) {
        if (!is_counted(from)) continue;
        sum.add(record.tallies[from].since_cut.live_blocks(), record.tallies[from].since_cut.live_bytes());
    }
    if (std::exchange(record.look_epoch, record.peak_epoch) != record.peak_epoch)
        record.most_before_peak = record.most_blocks.blocks;
    if (sum.heap_bytes() > record.most_blocks.heap_bytes()) record.most_blocks = sum;
}

// The same, and tells the other threads.
inline void flush(thread_record& record) noexcept {
    look_at_blocks(record);
    const bool rose = flush_without_notice(record);
    if (state.timeline != nullptr) add_to_timeline(rose);
    if (!rose || record.alone) return;
    state.peaks.fetch_add(1, std::memory_order_relaxed);
    state.gate.fetch_add(engine_state::next_number, std::memory_order_release);
}

bool add_to_extra(thread_record& record, tally& changed, origin from, std::uint64_t size_bytes,
                  bool is_allocation) noexcept;

// Puts the tally on the record's list, and finds out whether it needs an extra one.
[[gnu::noinline]] inline void list_tally(thread_record& record, tally& changed, origin from) noexcept {
    const origin_info& info = state.origins[from];
    record.pages.touch(&changed, sizeof(changed));
    changed.listed = true;
    changed.has_extra = info.label != 0 || info.kind > origin_kind::counted;
    if (changed.has_extra) record.pages.touch(&record.extras[from], sizeof(extra_tally));
    if (info.label != 0) record.pages.touch(&record.labels[info.label], sizeof(label_pending));
    changed.next = std::exchange(record.changed, from);
}

// Before a tally changes: notes what it holds, where that is what it held at the last peak.
inline void note(thread_record& record, tally& changed, origin from) noexcept {
    if (!changed.listed) list_tally(record, changed, from);
    extra_tally* const extra = changed.has_extra ? &record.extras[from] : nullptr;
    std::uint64_t& stamp = extra != nullptr ? extra->stamp : changed.stamp;
    if (stamp == record.peak_epoch) return;
    stamp = record.peak_epoch;
    changed.at_peak_bytes = changed.since_cut.live_bytes();
    changed.at_peak_blocks = changed.since_cut.live_blocks();
    if (extra != nullptr) extra->at_peak = extra->live;
}

// An event in all its cases, inside an event. Its fast path is in heap/interpose/fast_path.hpp.
inline void add_allocation(thread_record& record, origin from, std::uint64_t size_bytes) noexcept {
    tally& changed = record.tallies[from];
    note(record, changed, from);
    if (changed.has_extra && add_to_extra(record, changed, from, size_bytes, true)) return;
    changed.since_cut.add_allocation(size_bytes);
    record.pending_bytes += static_cast<std::int64_t>(size_bytes);
    if (record.pending_bytes > record.high_bytes) {
        record.high_bytes = record.pending_bytes;
        if (record.alone) begin_peak_epoch(record);
    }
    if (record.pending_bytes >= -record.lower_bytes)
        flush(record);
    else
        set_upper_bound(record);
}
inline void add_deallocation(thread_record& record, origin from, std::uint64_t size_bytes) noexcept {
    tally& changed = record.tallies[from];
    note(record, changed, from);
    if (changed.has_extra && add_to_extra(record, changed, from, size_bytes, false)) return;
    if (state.timeline != nullptr) note_end_of_peak(record);
    changed.since_cut.add_deallocation(size_bytes);
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
[[gnu::noinline]] inline bool add_to_extra(thread_record& record, tally& changed, origin from, std::uint64_t size_bytes,
                                           bool is_allocation) noexcept {
    const origin_info& info = state.origins[from];
    if (info.kind != origin_kind::counted) {
        extra_tally& extra = record.extras[from];
        const capture_mode* const mode = state.mode.load(std::memory_order_relaxed);
        const bool estimated = info.kind == origin_kind::sampled && mode != nullptr && mode->rate_bytes > 0;
        const estimate weight = estimated ? estimate_of(size_bytes, mode->rate_bytes) : estimate{};
        if (is_allocation) {
            changed.since_cut.allocations += 1;
            extra.allocated += weight;
            extra.live += weight;
            add_allocation(record, info.context, size_bytes);
        } else {
            changed.since_cut.deallocations += 1;
            extra.live -= weight;
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
