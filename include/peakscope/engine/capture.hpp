// SPDX-License-Identifier: MIT
// Counting with call stacks: how a new block gets the origin that its stack has in this phase and under this label.
//
// A thread remembers the stacks it has seen, so that nearly always a block costs the walk, one look-up and the
// comparison of the frames. Stacks that it does not know are looked up in the tables of the process, under a lock.
//
// Every file that starts a measurement includes this; what does not depend on the policy has its body elsewhere.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/own_memory.hpp>
#include <peakscope/engine/state.hpp>
#include <peakscope/sites/stack.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace peakscope::engine {

// The stack has no place in the tables of the process yet: it was not looked at in another phase either, nor under
// another label or on another thread.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool is_new(thread_record& record, const sites::stack_view& stack) noexcept;
// These two return the block, which is tagged, without an origin.
PEAKSCOPE_BODY_ELSEWHERE void* intern_and_count(void* block, thread_record& record, const sites::stack_view& stack,
                                                origin_kind kind) noexcept;
PEAKSCOPE_BODY_ELSEWHERE void* count_without_stack(void* block, thread_record& record) noexcept;
// Where a measurement watches lifetimes: an event is begun by the slow path, and ended with a block that is tagged,
// without an origin. Where the stack is not known yet, the birth of the block is an event beside its allocation.
PEAKSCOPE_BODY_ELSEWHERE void begin_event(thread_record& record) noexcept;
PEAKSCOPE_BODY_ELSEWHERE void* finish_watched(void* block, thread_record& record, origin from) noexcept;
PEAKSCOPE_BODY_ELSEWHERE void* note_birth(void* block, thread_record& record) noexcept;
// Ends the event, lets the thread through the gate, and tags the block, without an origin.
PEAKSCOPE_BODY_ELSEWHERE void leave_and_tag(void* block, thread_record& record) noexcept;
// Counts down the bytes to the next sample. True when they end in this block.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool is_sampled(thread_record& record, std::uint64_t size_bytes,
                                                       std::int64_t rate_bytes) noexcept;

template <class Capture, std::int64_t RateBytes = 0>
    requires sites::stack_capture<Capture>
struct capturing {
    // The fast path. The block is untagged. Inside an event, which it ends.
    [[gnu::noinline]] static void* count_fast(void* block, thread_record& record, const void* frame) noexcept {
        if (state.gate.load(std::memory_order_acquire) == record.pass) [[likely]] {
            sites::address frames[Capture::max_frames]; // NOLINT(cppcoreguidelines-pro-type-member-init): see walk
            const sites::stack_view stack{frames, Capture::walk(frames, frame)};
            if (const origin from = known_origin(record, stack); from != not_attributed) [[likely]]
                return finish(block, record, from);
        }
        return count_new_on(block, record, frame);
    }

    // A block that took the slow path here, over-aligned or the first after the gate has changed: tagged, without an
    // origin. Its stack is nearly always known nevertheless.
    [[gnu::noinline]] static void* count_slow(void* block, thread_record& record, const void* frame) noexcept {
        sites::address frames[Capture::max_frames]; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const sites::stack_view stack{frames, Capture::walk(frames, frame)};
        raise_busy(record);
        origin from = not_attributed;
        if (state.gate.load(std::memory_order_acquire) == record.pass) from = known_origin(record, stack);
        if (from != not_attributed) {
            block_header::of(block).set_origin(from);
            return finish_new(block, record);
        }
        lower_busy(record);
        return find_and_count(block, record, frame);
    }

    // Sampling: the operators count down the bytes to the next sample, and come here when they cannot. Inside an event,
    // which it ends.
    [[gnu::noinline]] static void* sample_fast(void* block, thread_record& record, const void* frame) noexcept {
        leave_and_tag(block, record); // the gate may have been all that was in the way
        return sample_slow(block, record, frame);
    }

    // The block is tagged, without an origin.
    [[gnu::noinline]] static void* sample_slow(void* block, thread_record& record, const void* frame) noexcept {
        if (is_sampled(record, block_header::of(block).requested_bytes, RateBytes))
            return count_slow(block, record, frame);
        return count_without_stack(block, record);
    }

    // Lifetimes are watched, and all blocks take the slow path. Tagged, without an origin.
    [[gnu::noinline]] static void* watch_slow(void* block, thread_record& record, const void* frame) noexcept {
        sites::address frames[Capture::max_frames]; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const sites::stack_view stack{frames, Capture::walk(frames, frame)};
        begin_event(record);
        if (const origin from = known_origin(record, stack); from != not_attributed)
            return finish_watched(block, record, from);
        lower_busy(record);
        return note_birth(find_and_count(block, record, frame), record);
    }

    static constexpr capture_mode watching{count_fast, watch_slow, 0, true};
    static constexpr capture_mode mode{RateBytes == 0 ? count_fast : sample_fast,
                                       RateBytes == 0 ? count_slow : sample_slow, RateBytes};

  private:
    [[nodiscard, gnu::always_inline]] static origin known_origin(const thread_record& record,
                                                                 const sites::stack_view& stack) noexcept {
        return record.stacks.find<Capture::max_frames>(state.stacks, stack, record.context);
    }

    // Inside an event, which it ends.
    [[gnu::always_inline]] static void* finish(void* block, thread_record& record, origin from) noexcept {
        block_header& header = block_header::of(block);
        header.set_tag(from);
        tally& changed = record.tallies[from];
        const std::int64_t pending = record.pending_bytes + static_cast<std::int64_t>(header.requested_bytes);
        if (pending > record.upper_bytes || changed.stamp != record.peak_epoch) [[unlikely]]
            return finish_new(block, record);
        record.pending_bytes = pending;
        changed.since_cut.add_allocation(header.requested_bytes);
        lower_busy(record);
        return block;
    }

    // The block is tagged, without an origin. What may ask the dynamic loader happens outside of the event: another
    // thread may hold the loader's lock and wait for a cut.
    [[gnu::noinline]] static void* find_and_count(void* block, thread_record& record, const void* frame) noexcept {
        constexpr origin_kind kind = RateBytes == 0 ? origin_kind::counted : origin_kind::sampled;
        sites::address walked[Capture::max_frames]; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const sites::stack_view stack{walked, Capture::walk(walked, frame)};
        if constexpr (sites::finds_stacks<Capture>) {
            if (is_new(record, stack)) {
                sites::address found[Capture::max_frames]; // NOLINT(cppcoreguidelines-pro-type-member-init)
                return intern_and_count(block, record, {found, found_by_capture(stack, found, frame)}, kind);
            }
        }
        return intern_and_count(block, record, stack, kind);
    }
    // It may allocate, and set errno, which is the program's.
    [[nodiscard]] static std::size_t found_by_capture(const sites::stack_view& walked, sites::address* frames,
                                                      const void* frame) noexcept {
        const int before = errno;
        const own_memory_scope uncounted;
        const std::size_t depth = Capture::find(walked, frames, frame);
        errno = before;
        return depth;
    }
};

} // namespace peakscope::engine
