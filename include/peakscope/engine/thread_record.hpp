// SPDX-License-Identifier: MIT
// What one thread has allocated and freed since the last cut. Its thread writes it, without locks and without atomic
// additions; a cut reads it and sets it back while the thread stands between two events (cut.hpp).
#pragma once

#include <peakscope/engine/origin_table.hpp>
#include <peakscope/engine/stack_cache.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace peakscope::engine {

struct flow {
    std::uint64_t allocated_bytes = 0;
    std::uint64_t freed_bytes = 0;
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;

    [[nodiscard]] std::int64_t live_bytes() const noexcept {
        return static_cast<std::int64_t>(allocated_bytes - freed_bytes);
    }
    [[nodiscard]] std::int64_t live_blocks() const noexcept {
        return static_cast<std::int64_t>(allocations - deallocations);
    }
    flow& operator+=(const flow& other) noexcept {
        allocated_bytes += other.allocated_bytes;
        freed_bytes += other.freed_bytes;
        allocations += other.allocations;
        deallocations += other.deallocations;
        return *this;
    }
    [[nodiscard]] friend flow operator-(const flow& left, const flow& right) noexcept {
        return {left.allocated_bytes - right.allocated_bytes, left.freed_bytes - right.freed_bytes,
                left.allocations - right.allocations, left.deallocations - right.deallocations};
    }
};

// The blocks of one origin on one thread: one cache line, and all that an event writes beside its record.
struct alignas(64) tally {
    flow since_cut;
    // The two differences of `since_cut` when this thread's moment `stamp` had come: what the tally held at the peak.
    std::int64_t at_peak_bytes = 0;
    std::int64_t at_peak_blocks = 0;
    // 0 sends every event the long way: when the tally is unchanged since the last cut, and when it is a special one,
    // which keeps its stamp in its `special_tally`.
    std::uint64_t stamp = 0;
    origin next = 0; // in the record's list of tallies that have changed since the last cut
    bool listed = false;
    bool special = false;
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

// More of a tally whose origin has a label or is sampled.
struct special_tally {
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
    // are allocated on the short way only with `new_pass`, which is the same or none.
    std::uint64_t pass = no_pass;
    std::uint64_t new_pass = no_pass;
    tally* tallies = nullptr; // by origin

    // Live bytes that are not in the shared sum yet; the highest that has been (see event.hpp); and the
    // bounds within which an event needs nothing more than additions.
    std::int64_t pending_bytes = 0;
    std::int64_t high_bytes = 0;
    std::int64_t upper_bytes = 0; // what more than this is pending is a new high, or a batch
    std::int64_t lower_bytes = 0; // at this and below, there is a batch to flush
    std::uint64_t moment = 1;     // what tallies are stamped with; raised when a new peak makes older stamps void
    std::uint64_t sampling_pass = no_pass; // the pass again, while a measurement samples
    std::int64_t until_sample_bytes = 0;
    new_hook hook = nullptr;
    std::uint64_t context_key = 0; // of the context's blocks (block_header.hpp)
    tally* context_tally = nullptr;
    // `upper_bytes` once the context's tally is stamped with the moment; till then, all that is pending is more.
    std::int64_t context_upper_bytes = INT64_MIN;
    stack_cache stacks{}; // of the measurement

    // Not read by the short way.
    bool alone = false;      // no other thread has had an event since the last cut
    std::uint16_t label = 0; // in scope on this thread
    std::uint32_t own_memory_scopes = 0;
    std::uint32_t ignoring_scopes = 0;
    std::int64_t base_bytes = 0;  // the shared sum after the last flush
    std::uint64_t interval = 0;   // between which cuts the record was last at work
    std::uint64_t generation = 0; // of the measurement that `stacks` belongs to
    std::uint64_t seen_peaks = 0;
    std::uint64_t random_state = 0;
    flow collected{}; // all that cuts have taken from the tallies
    // What the thread works for (work.hpp), and what it had counted when that began.
    std::uint16_t work = 0; // as origins number phases; 0 for nothing in particular
    std::uint64_t work_generation = 0;
    flow work_flow{};
    std::chrono::nanoseconds work_time{};
    origin changed = end_of_list;
    special_tally* specials = nullptr; // by origin
    label_pending* labels = nullptr;   // by label

    // The profiler's own blocks; may be negative here when another thread allocated what this one freed.
    std::int64_t own_bytes = 0;
    std::int64_t own_blocks = 0;

    // The record whose event a signal handler has interrupted, when this one stands in for it.
    const thread_record* interrupted = nullptr;

    // A record outlives its thread: the next new thread takes it over.
    std::atomic<bool> taken{false};
    thread_record* next = nullptr;
};

} // namespace peakscope::engine
