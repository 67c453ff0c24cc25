// SPDX-License-Identifier: MIT
// The slow path of an event: what the operators do not count themselves.
#pragma once

#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/event.hpp>
#include <peakscope/engine/lifetimes.hpp>
#include <peakscope/engine/records.hpp>

#include <cstdint>

namespace peakscope::engine {

// The slow path of an allocation. The block has its tag, without an origin.
inline void count_allocation(thread_record& record, void* block, const void* frame) noexcept {
    block_header& header = block_header::of(block);
    if (record.scopes.set_apart()) {
        const excluded_from_cuts in_progress{record};
        header.set_own();
        record.own_blocks += 1;
        if (record.scopes.own_memory != 0)
            record.own_bytes += static_cast<std::int64_t>(header.requested_bytes);
        else
            header.set_origin(ignored);
        return;
    }
    const capture_mode* mode = nullptr;
    {
        const event in_progress{record};
        mode = in_progress.inside_another() ? nullptr : state.mode.load(std::memory_order_acquire);
        if (mode == nullptr) {
            header.set_origin(record.context);
            add_allocation(record, record.context, header.requested_bytes);
            return;
        }
    }
    static_cast<void>(mode->slow(block, record, frame));
}

// What an over-aligned block wastes in front of it is the profiler's own memory, and no block's size shows it.
inline void count_padding(thread_record& record, void* block) noexcept {
    const excluded_from_cuts in_progress{record};
    record.own_bytes += block_header::of(block).padding_bytes();
}

// A block that is over-aligned, or the profiler's own, or ignored; and every block while lifetimes are watched.
inline void count_deallocation(thread_record& record, const known_block& block) noexcept {
    if (!block.own) {
        const event in_progress{record};
        add_deallocation(record, block.from, block.requested_bytes);
        if (state.lives != nullptr) state.lives->add_death(record, block);
    }
    if (!block.own && block.padding_bytes == 0) return;
    const excluded_from_cuts in_progress{record};
    record.own_bytes -= block.padding_bytes;
    if (block.own) {
        if (block.from != ignored) record.own_bytes -= static_cast<std::int64_t>(block.requested_bytes);
        record.own_blocks -= 1;
    }
}

// The slow path of an allocation that has no tag yet.
inline void count_untagged(thread_record& record, void* block, const void* frame) noexcept {
    block_header::of(block).set_tag(not_attributed);
    count_allocation(record, block, frame);
}

} // namespace peakscope::engine
