// SPDX-License-Identifier: MIT
// What one thread has allocated and freed since the last cut. Its thread writes it, without locks and without atomic
// additions; a cut reads it and sets it back while the thread stands between two events (cut.hpp).
#pragma once

#include <peakscope/core/flow.hpp>
#include <peakscope/core/phase_slot.hpp>
#include <peakscope/engine/origin_table.hpp>
#include <peakscope/engine/stack_cache.hpp>
#include <peakscope/memory/resident.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace peakscope::engine {

// The blocks of one origin on one thread: one cache line, and all that an event writes beside its record.
struct alignas(64) tally {
    flow since_cut;
    // The two differences of `since_cut` when the peak epoch `stamp` began: what the tally held at the peak.
    std::int64_t at_peak_bytes = 0;
    std::int64_t at_peak_blocks = 0;
    // The record's peak epoch when this was noted. 0 sends every event down the slow path: when the tally is unchanged
    // since the last cut, and when it has an `extra_tally`, which keeps the stamp then.
    std::uint64_t stamp = 0;
    origin next = 0; // in the record's list of tallies that have changed since the last cut
    bool listed = false;
    bool has_extra = false;
};
static_assert(sizeof(tally) == 64);

// What sampled blocks stand for: unbiased estimates and the variance of the bytes. In fixed point, so that what is
// added for a block and taken away again leaves exactly 0.
struct estimate {
    std::int64_t bytes = 0;
    std::int64_t blocks_1024ths = 0;
    std::int64_t variance = 0; // in units of `sampling_rate`^2 / 2^20

    estimate& operator+=(const estimate& other) noexcept {
        bytes += other.bytes;
        blocks_1024ths += other.blocks_1024ths;
        variance += other.variance;
        return *this;
    }
    estimate& operator-=(const estimate& other) noexcept {
        bytes -= other.bytes;
        blocks_1024ths -= other.blocks_1024ths;
        variance -= other.variance;
        return *this;
    }
};

// Counters that only labelled or sampled origins need.
struct extra_tally {
    std::uint64_t stamp = 0;
    estimate allocated;
    estimate live;
    estimate at_peak;
};

// The bytes of one label on one thread that are not in its shared sum yet, and the highest that has been.
struct label_pending {
    std::int64_t bytes = 0;
    std::int64_t high_bytes = 0;
};
// How many labels there are, or as many as origins where these are fewer.
inline constexpr std::size_t most_labels = 65'536;

// Live blocks, as a difference, but for those that an allocator has from the system one by one and gives back so.
struct block_count {
    std::int64_t blocks = 0;
    std::int64_t bytes = 0;

    static constexpr std::int64_t large_bytes = 131'072; // glibc's threshold, as it is at first

    void add(std::int64_t more_blocks, std::int64_t more_bytes) noexcept {
        const bool large = more_blocks != 0 && more_bytes / more_blocks >= large_bytes;
        blocks += more_blocks;
        bytes += large ? 0 : more_bytes;
    }
    // With headers, and what the C library has beside each block.
    [[nodiscard]] std::int64_t heap_bytes() const noexcept { return bytes + blocks * 24; }
};

// A block of no bytes has a chance to be sampled too.
[[nodiscard]] constexpr std::int64_t sampled_size(std::uint64_t size_bytes) noexcept {
    return static_cast<std::int64_t>(size_bytes + (size_bytes == 0 ? 1U : 0U));
}

// What is in scope on a thread. It is in the thread's record, or, where that has none, goes into the one it is lent.
struct thread_scopes {
    std::uint16_t label = 0;
    phase_slot work{}; // a phase (work.hpp), or nothing in particular
    std::uint32_t own_memory = 0;
    std::uint32_t ignoring = 0;
    std::uint64_t work_generation = 0; // the measurement that `work` belongs to
    std::int64_t work_nanoseconds = 0; // of the steady clock, when `work` began or was last booked

    [[nodiscard]] bool set_apart() const noexcept { return (own_memory | ignoring) != 0; }
};

struct thread_record;
// What counts a new block when the operator does not do it itself. Called inside an event, which it ends; the last
// argument is the operator's own frame.
using new_hook = void* (*)(void* block, thread_record& record, const void* frame) noexcept;

// Two cache lines apart: x86 fetches lines in pairs, and records of two threads must not share one.
struct alignas(128) thread_record {
    static constexpr std::uint64_t no_pass = ~std::uint64_t{0};
    static constexpr origin end_of_list = UINT32_MAX;

    // In an event: raised before the record changes, lowered after. A cut waits for 0. An event that finds it raised is
    // in a signal handler, and is counted on another record.
    std::atomic<std::uint32_t> busy{0};
    origin context = not_attributed; // of blocks whose stack is not captured: the phase and the label as they are now
    // The gate as the thread has last come through it. While it has not changed, there is nothing to look at. Blocks
    // are allocated on the fast path only with `new_pass`, which is the same or none.
    std::uint64_t pass = no_pass;
    std::uint64_t new_pass = no_pass;
    tally* tallies = nullptr; // by origin

    // Live bytes that are not in the shared sum yet; the highest that has been (see event.hpp); and the
    // bounds within which an event needs nothing more than additions.
    std::int64_t pending_bytes = 0;
    std::int64_t high_bytes = 0;
    std::int64_t upper_bytes = 0; // what more than this is pending is a new high, or a batch
    std::int64_t lower_bytes = 0; // at this and below, there is a batch to flush
    std::uint64_t peak_epoch =
        1; // what tallies are stamped with; a new peak begins a new one and makes older stamps void
    std::uint64_t sampling_pass = no_pass; // the pass again, while a measurement samples
    std::int64_t until_sample_bytes = 0;
    new_hook hook = nullptr;
    std::uint64_t context_key = 0; // of the context's blocks (block_header.hpp)
    tally* context_tally = nullptr;
    // `upper_bytes` once the context's tally is stamped with the epoch; till then, all that is pending is more.
    std::int64_t context_upper_bytes = INT64_MIN;
    stack_cache stacks{}; // of the measurement

    // Not read by the fast path.
    bool alone = false;           // no other thread has had an event since the last cut
    bool context_is_void = false; // it is that of an earlier owner
    thread_scopes scopes{};
    std::int64_t base_bytes = 0;  // the shared sum after the last flush
    std::uint64_t interval = 0;   // between which cuts the record was last at work
    std::uint64_t generation = 0; // of the measurement that `stacks` belongs to
    std::uint64_t seen_peaks = 0;
    std::uint64_t random_state = 0;
    // While alone: the epoch of the last peak that was seen to end, and when, by the clock of the timeline.
    std::uint64_t ended_peak_epoch = 0;
    std::int64_t ended_peak_nanoseconds = 0;
    // While lifetimes are watched: the block whose allocation was the thread's last event, if it was one.
    std::uint64_t newest_birth = 0; // where it was the thread's last event
    flow collected{};               // all that cuts have taken from the tallies
    flow work_flow{};               // what the thread had counted when its `work` began
    origin changed = end_of_list;
    extra_tally* extras = nullptr;   // by origin
    label_pending* labels = nullptr; // by label
    memory::resident_marks pages{};  // that the tables lie in

    // The profiler's own blocks; may be negative here when another thread allocated what this one freed.
    std::int64_t own_bytes = 0;
    std::int64_t own_blocks = 0;

    // Since the last cut, as far as was looked (event.hpp).
    block_count most_blocks{};
    std::int64_t most_before_peak = 0; // blocks, before `look_epoch` began
    std::uint64_t look_epoch = 0;      // at the last look
    std::int64_t look_from_bytes = 0;  // of the shared sum (event.hpp)

    // The record whose event a signal handler has interrupted, when this one stands in for it.
    const thread_record* interrupted = nullptr;

    // A record outlives its thread: the next new thread takes it over.
    std::atomic<bool> taken{false};
    thread_record* next = nullptr;

    // Nothing is in scope any more, and the next event takes the slow path, where a new owner's context is found.
    thread_scopes take_scopes() noexcept {
        context_is_void = true;
        newest_birth = 0;
        revoke_passes();
        return std::exchange(scopes, {});
    }

    // The next event takes the slow path, and learns at the gate what has changed.
    void revoke_passes() noexcept { pass = new_pass = sampling_pass = no_pass; }
};

// Between the two, no cut can read the record. A count and not a flag, so that a signal handler that interrupts an
// event leaves it as it was.
// Whoever has raised it loads the gate with acquire, and so comes after the cuts that ended before: the same
// instruction as a relaxed load on x86-64.
[[gnu::always_inline]] inline std::uint32_t raise_busy(thread_record& record) noexcept {
    const std::uint32_t before = record.busy.load(std::memory_order_relaxed);
    record.busy.store(before + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst); // the cut's membarrier makes it a fence for the processor
    return before;
}
[[gnu::always_inline]] inline void lower_busy(thread_record& record, std::uint32_t before) noexcept {
    record.busy.store(before, std::memory_order_release);
}
[[gnu::always_inline]] inline void lower_busy(thread_record& record) noexcept {
    lower_busy(record, record.busy.load(std::memory_order_relaxed) - 1);
}

} // namespace peakscope::engine
