// SPDX-License-Identifier: MIT
// The fast path of new and malloc, delete and free: what nearly every call runs, from its first instruction to its
// last. It takes no lock, and writes nothing but the block's header (engine/block_header.hpp) and the thread's own
// record (engine/thread_record.hpp). Every branch away from it is a tail call, so that it saves no register for one.
// By g++ -O3 for x86-64, beside what malloc and free themselves cost: 40 instructions for new, 12 more while a
// measurement samples, and 35 for delete. The comments say what each step costs, and what for.
//
// `Base` is where the memory comes from. All is inlined into the function that the program calls, whose frame is the
// one that a stack is walked from.
#pragma once

#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/state.hpp>
#include <peakscope/engine/thread_record.hpp>
#include <peakscope/heap/interpose/slow_path.hpp>

#include <cstddef>
#include <cstdint>

namespace peakscope::heap::detail {

// Counts a block that has its size and no tag yet.
[[gnu::always_inline]] inline void* count_new(void* block, std::size_t requested_bytes) noexcept {
    thread_record& record = *current_record;        // a load: never null, see no_record
    const std::uint32_t depth = raise_busy(record); // a load and a store: from here on a cut waits for this thread
    const std::uint64_t gate = engine::state.gate.load(std::memory_order_acquire);
    if (((gate ^ record.new_pass) | depth) != 0) { // two loads, one branch: nothing new behind the gate, no handler
        if (depth != 0) [[unlikely]]
            return count_in_handler(block, record, __builtin_frame_address(0));
        // While a measurement samples, no block has the new_pass; those that are not hit go on here.
        const std::int64_t rest = record.until_sample_bytes - sampled_size(requested_bytes);
        if (gate != record.sampling_pass || rest < 0) [[unlikely]]
            return record.hook(block, record, __builtin_frame_address(0)); // with stacks, that counts every block
        record.until_sample_bytes = rest;
    }
    // A load, an exclusive or and a store: where the block came from, for its end.
    block_header::of(block).tag = block_header::tag_of(block, record.context_key);
    // Two loads and a comparison that stand for three: a new peak, a full batch, the first change in this peak epoch.
    const std::int64_t pending = record.pending_bytes + static_cast<std::int64_t>(requested_bytes);
    if (pending > record.context_upper_bytes) [[unlikely]]
        return finish_new(block, record);
    record.pending_bytes = pending;                                  // a store
    record.context_tally->since_cut.add_allocation(requested_bytes); // a load and two additions in memory
    lower_busy(record, depth);                                       // a store
    return block;
}

template <class Base, on_failure Failure>
[[gnu::always_inline]] inline void* counted_new(std::size_t requested_bytes) noexcept(Failure != on_failure::throws) {
    // A load and a comparison that stand for three: too large, counting switched off, allocations made to fail.
    if (requested_bytes >= engine::state.slow_from_bytes.load(std::memory_order_relaxed)) [[unlikely]] {
        if (is_off()) return new_uncounted<Base, Failure>(requested_bytes);
        return new_slow<Base, Failure>(requested_bytes, alignof(std::max_align_t), __builtin_frame_address(0));
    }
    void* const base = Base::allocate(requested_bytes + sizeof(block_header));
    if (base == nullptr) [[unlikely]]
        return new_slow<Base, Failure>(requested_bytes, alignof(std::max_align_t), __builtin_frame_address(0));
    return count_new(with_size(base, requested_bytes), requested_bytes); // one store, and all of the above
}

// Counts first and frees second: once freed, the block may be another thread's.
template <class Base>
[[gnu::always_inline]] inline void counted_delete(void* block) noexcept {
    if (block == nullptr) return;
    // A load, two exclusive ors, and a comparison that stands for three: ours, the program's, and not over-aligned.
    const std::uint64_t known = block_header::known_by(tag_before(block), block);
    if (!is_plain(known)) [[unlikely]] {
        if (is_off() && !has_valid_tag(known)) return Base::deallocate(block);
        return delete_slow<Base>(block);
    }
    thread_record& record = *current_record;
    const std::uint32_t depth = raise_busy(record);
    if (((engine::state.gate.load(std::memory_order_acquire) ^ record.pass) | depth) != 0) [[unlikely]]
        return leave_and_delete<Base>(block, record);
    const std::uint64_t requested_bytes = block_header::of(block).requested_bytes;
    // The origin is any, so its tally is looked up and its epoch compared: two loads more than above.
    tally& changed = record.tallies[known >> block_header::origin_shift];
    const std::int64_t pending = record.pending_bytes - static_cast<std::int64_t>(requested_bytes);
    if (pending <= record.lower_bytes || changed.stamp != record.peak_epoch) [[unlikely]]
        return finish_delete<Base>(block, record);
    record.pending_bytes = pending;
    changed.since_cut.add_deallocation(requested_bytes);
    lower_busy(record, depth);
    free_with_header<Base>(block, sizeof(block_header)); // a store: the tag goes with the block
}

} // namespace peakscope::heap::detail
