// SPDX-License-Identifier: MIT
// Counting with call stacks: how a new block gets the origin that its stack has in this phase and under this label.
//
// A thread remembers the stacks it has seen, so that nearly always a block costs the walk, one look-up and the
// comparison of the frames. Stacks that it does not know are looked up in the tables of the process, under a lock.
#pragma once

#include <peakscope/engine/engine.hpp>
#include <peakscope/sites/stack.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peakscope::engine {

template <class Capture, std::int64_t RateBytes = 0>
    requires sites::stack_capture<Capture>
struct capturing {
    static constexpr origin_kind kind = RateBytes == 0 ? origin_kind::counted : origin_kind::sampled;
    using frame_array = std::array<sites::address, Capture::max_frames>;

    // The block is untagged. Inside an event, which it ends.
    [[gnu::noinline]] static void* count_quickly(void* block, thread_record& record, const void* frame) noexcept {
        if (state.gate.load(std::memory_order_relaxed) == record.pass) [[likely]] {
            frame_array frames; // NOLINT(cppcoreguidelines-pro-type-member-init): the walk fills what is used
            const sites::stack_view stack{frames.data(), Capture::walk(frames.data(), frame)};
            if (const origin from = known_origin(record, stack); from != not_attributed) [[likely]]
                return finish(block, record, from);
        }
        return count_new_on(block, record, frame);
    }

    // A block that took the long way here, over-aligned or the first after the gate has changed: tagged, without an
    // origin. Its stack is nearly always known nevertheless.
    [[gnu::noinline]] static void* count_tagged(void* block, thread_record& record, const void* frame) noexcept {
        frame_array frames; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const sites::stack_view stack{frames.data(), Capture::walk(frames.data(), frame)};
        raise_busy(record);
        origin from = not_attributed;
        if (state.gate.load(std::memory_order_relaxed) == record.pass) from = known_origin(record, stack);
        if (from != not_attributed) {
            block_header& header = block_header::of(block);
            header.set_origin(from);
            add_allocation(record, from, header.requested_bytes);
        }
        lower_busy(record);
        return from != not_attributed ? block : count_thoroughly(block, record, frame);
    }

    // The block is tagged, without an origin. What may ask the dynamic loader happens outside of the event: another
    // thread may hold the loader's lock and wait for a cut.
    [[gnu::noinline]] static void* count_thoroughly(void* block, thread_record& record, const void* frame) noexcept {
        block_header& header = block_header::of(block);
        frame_array walked; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const sites::stack_view found{walked.data(), Capture::walk(walked.data(), frame)};
        sites::stack_view stack = found;
        frame_array checked; // NOLINT(cppcoreguidelines-pro-type-member-init)
        if constexpr (sites::finds_stacks<Capture>)
            if (is_new(record, found)) stack = {checked.data(), found_by_capture(found, checked.data(), frame)};
        const event in_progress{record};
        origin from = record.context;
        if (stack.depth > 0 && !in_progress.inside_another()) {
            const sites::stored_stack stored = intern_stack(stack);
            if (stored != nullptr) from = intern_origin(record, stored, kind);
            if (from == not_attributed)
                from = record.context; // no more numbers: its phase and label are still known
            else if (stored != nullptr)
                record.stacks.insert(state.stacks, stored, record.context, from);
        }
        header.set_origin(from);
        add_allocation(record, from, header.requested_bytes);
        return block;
    }

    // Sampling: the operators count down the bytes to the next sample, and come here when they cannot. Inside an event,
    // which it ends.
    [[gnu::noinline]] static void* sample_untagged(void* block, thread_record& record, const void* frame) noexcept {
        lower_busy(record);
        {
            const event in_progress{record}; // admits the thread, which may be all that was missing
        }
        block_header::of(block).set_tag(not_attributed);
        return sample_thoroughly(block, record, frame);
    }

    // The block is tagged, without an origin.
    [[gnu::noinline]] static void* sample_thoroughly(void* block, thread_record& record, const void* frame) noexcept {
        block_header& header = block_header::of(block);
        record.until_sample_bytes -= sampled_size(header.requested_bytes);
        if (record.until_sample_bytes < 0) {
            // Where the sample points lie does not depend on where the last one lay: the next one is looked for from
            // the end of this block.
            record.until_sample_bytes = bytes_to_next_sample(record, RateBytes);
            return count_tagged(block, record, frame);
        }
        const event in_progress{record};
        header.set_origin(record.context);
        add_allocation(record, record.context, header.requested_bytes);
        return block;
    }

    static constexpr capture_mode mode{RateBytes == 0 ? count_quickly : sample_untagged,
                                       RateBytes == 0 ? count_tagged : sample_thoroughly, RateBytes};

  private:
    [[nodiscard, gnu::always_inline]] static origin known_origin(const thread_record& record,
                                                                 const sites::stack_view& stack) noexcept {
        return record.stacks.find<Capture::max_frames>(state.stacks, stack, record.context);
    }
    [[nodiscard]] static sites::stored_stack intern_stack(const sites::stack_view& stack) noexcept {
        const std::lock_guard lock{state.tables_lock};
        return state.stacks.intern(stack);
    }
    // It may allocate, and set errno, which is the program's.
    [[nodiscard]] static std::size_t found_by_capture(const sites::stack_view& walked, sites::address* frames,
                                                      const void* frame) noexcept {
        const int before = errno;
        const own_memory_scope profilers;
        const std::size_t depth = Capture::find(walked, frames, frame);
        errno = before;
        return depth;
    }
    // A stack that has its place was looked at before: in another phase, under another label or on another thread.
    [[nodiscard]] static bool is_new(thread_record& record, const sites::stack_view& stack) noexcept {
        const aside in_progress{record};                // whoever holds the lock must not be stopped
        if (in_progress.inside_another()) return false; // it will not be interned either
        const std::lock_guard lock{state.tables_lock};
        return stack.depth == 0 || state.stacks.find(stack) == nullptr;
    }
    // Inside an event, which it ends.
    [[gnu::always_inline]] static void* finish(void* block, thread_record& record, origin from) noexcept {
        block_header& header = block_header::of(block);
        header.set_tag(from);
        tally& changed = record.tallies[from];
        const std::int64_t pending = record.pending_bytes + static_cast<std::int64_t>(header.requested_bytes);
        if (pending > record.upper_bytes || changed.stamp != record.moment) [[unlikely]] {
            add_allocation(record, from, header.requested_bytes);
        } else {
            record.pending_bytes = pending;
            changed.since_cut.allocated_bytes += header.requested_bytes;
            changed.since_cut.allocations += 1;
        }
        lower_busy(record);
        return block;
    }
};

} // namespace peakscope::engine
