// SPDX-License-Identifier: MIT
// The short way of an event, which nearly all events take.
#pragma once

#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/event.hpp>

#include <atomic>
#include <cstdint>

namespace peakscope::engine {

// The hot path. An event of the program's on a thread that has a record, with nothing new behind the gate, of an origin
// that has had an event since the last peak. It makes no call, so that the operators around it need not save a
// register; what remains to be done, they do as their last act. Where something does, the event goes on.
enum class remains {
    nothing,
    to_finish, // count it in its origin
    to_count,  // by the record's hook, or the long way
    in_handler // the same, and the record has a half event that a signal handler has interrupted
};

// A block of no bytes has a chance to be sampled too.
[[nodiscard]] inline std::int64_t sampled_size(std::uint64_t size_bytes) noexcept {
    return static_cast<std::int64_t>(size_bytes + (size_bytes == 0 ? 1U : 0U));
}

// A block of the record's context. Writes the tag.
[[nodiscard, gnu::always_inline]] inline remains count_new_quickly(thread_record& record, void* block,
                                                                   std::uint64_t size_bytes) noexcept {
    const std::uint32_t depth = raise_busy(record);
    const std::uint64_t gate = state.gate.load(std::memory_order_relaxed);
    if (((gate ^ record.new_pass) | depth) != 0) {
        if (depth != 0) [[unlikely]]
            return remains::in_handler;
        // While a measurement samples, the same, but for the blocks that are hit.
        const std::int64_t rest = record.until_sample_bytes - sampled_size(size_bytes);
        if (gate != record.sampling_pass || rest < 0) return remains::to_count;
        record.until_sample_bytes = rest;
    }
    block_header::of(block).tag = block_header::tag_of(block, record.context_key);
    const std::int64_t pending = record.pending_bytes + static_cast<std::int64_t>(size_bytes);
    if (pending > record.context_upper_bytes) [[unlikely]]
        return remains::to_finish;
    tally& changed = *record.context_tally;
    record.pending_bytes = pending;
    changed.since_cut.allocated_bytes += size_bytes;
    changed.since_cut.allocations += 1;
    lower_busy(record, depth);
    return remains::nothing;
}

[[nodiscard, gnu::always_inline]] inline remains count_delete_quickly(thread_record& record, origin from,
                                                                      std::uint64_t size_bytes) noexcept {
    const std::uint32_t depth = raise_busy(record);
    if (((state.gate.load(std::memory_order_relaxed) ^ record.pass) | depth) != 0) [[unlikely]]
        return remains::to_count;
    tally& changed = record.tallies[from];
    const std::int64_t pending = record.pending_bytes - static_cast<std::int64_t>(size_bytes);
    if (pending <= record.lower_bytes || changed.stamp != record.moment) [[unlikely]]
        return remains::to_finish;
    record.pending_bytes = pending;
    changed.since_cut.freed_bytes += size_bytes;
    changed.since_cut.deallocations += 1;
    lower_busy(record, depth);
    return remains::nothing;
}

} // namespace peakscope::engine
