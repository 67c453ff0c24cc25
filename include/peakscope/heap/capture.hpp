// SPDX-License-Identifier: MIT
// Counting with call stacks: how a new block gets the origin that its stack has in this phase and under this label.
//
// A thread remembers the stacks it has seen of late in a small table of its own, so that nearly always a block costs
// the walk, one look-up and the comparison of the frames: no lock, and nothing that other threads write. Stacks that it
// does not remember are looked up in the tables of the process, under a lock.
#pragma once

#include <peakscope/heap/counting_engine.hpp>
#include <peakscope/sites/stack.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peakscope::heap::detail {

[[nodiscard]] inline std::size_t cache_slot(std::uint64_t hash) noexcept { return hash % cached_stacks; }

// Null when the thread does not remember it. A stack may stand in its slot or in the one beside it.
[[nodiscard, gnu::always_inline]] inline const cached_stack* recall(const thread_record& record, std::uint64_t hash,
                                                                    const sites::stack_view& stack) noexcept {
    const std::size_t slot = cache_slot(hash);
    for (const std::size_t each : {slot, slot ^ 1U}) {
        const cached_stack& known = record.cache[each];
        if (known.hash != hash || known.context != record.context || known.stack == nullptr) continue;
        if (known.stack[0] != stack.depth) continue;
        bool same = true;
        for (std::size_t i = 0; i < stack.depth; ++i)
            same = same && known.stack[1 + i] == stack.frames[i];
        if (same) return &known;
    }
    return nullptr;
}

inline void remember(thread_record& record, const cached_stack& seen) noexcept {
    const std::size_t slot = cache_slot(seen.hash);
    record.cache[slot ^ 1U] = std::exchange(record.cache[slot], seen);
}

template <class Capture, std::int64_t RateBytes = 0>
    requires sites::stack_capture<Capture>
struct capturing {
    static constexpr origin_kind kind = RateBytes == 0 ? origin_kind::counted : origin_kind::sampled;
    using frame_array = std::array<sites::address, Capture::max_frames>;

    // The block is untagged. Outside of an event.
    [[gnu::noinline]] static void* count_quickly(void* block, thread_record& record, const void* frame) noexcept {
        frame_array frames; // NOLINT(cppcoreguidelines-pro-type-member-init): the walk fills what is used
        const sites::stack_view stack{frames.data(), Capture::walk(frames.data(), frame)};
        raise_busy(record);
        if (engine.gate.load(std::memory_order_relaxed) != record.pass) [[unlikely]] {
            lower_busy(record);
            return count_new_on(block, record, frame);
        }
        const cached_stack* const known = recall(record, sites::detail::hash_of(stack, record.context), stack);
        if (known == nullptr || known->from == ask_the_unwinder) [[unlikely]] {
            const bool ask = known != nullptr;
            lower_busy(record);
            return ask ? count_unwound(block, record, frame) : count_with_new_stack(block, record, frame);
        }
        return finish(block, record, known->from);
    }

    // The same for a stack of which the walk finds only a part.
    [[gnu::noinline]] static void* count_unwound(void* block, thread_record& record, const void* frame) noexcept {
        if constexpr (Capture::checks_stacks) {
            frame_array frames; // NOLINT(cppcoreguidelines-pro-type-member-init)
            const sites::stack_view stack{frames.data(), Capture::unwind(frames.data(), frame)};
            raise_busy(record);
            if (engine.gate.load(std::memory_order_relaxed) == record.pass) [[likely]]
                if (const auto* known = recall(record, sites::detail::hash_of(stack, record.context), stack);
                    known != nullptr && known->from != ask_the_unwinder)
                    return finish(block, record, known->from);
            lower_busy(record);
        }
        return count_with_new_stack(block, record, frame);
    }

    [[gnu::noinline]] static void* count_with_new_stack(void* block, thread_record& record,
                                                        const void* frame) noexcept {
        return count_thoroughly(tagged(block), record, frame);
    }

    // A block that took the long way here, over-aligned or the first after the gate has changed: tagged, without an
    // origin. Its stack is nearly always known nevertheless.
    [[gnu::noinline]] static void* count_tagged(void* block, thread_record& record, const void* frame) noexcept {
        frame_array frames; // NOLINT(cppcoreguidelines-pro-type-member-init)
        sites::stack_view stack{frames.data(), Capture::walk(frames.data(), frame)};
        for (int tries = 0; tries < 2; ++tries) {
            raise_busy(record);
            const cached_stack* known = nullptr;
            if (engine.gate.load(std::memory_order_relaxed) == record.pass)
                known = recall(record, sites::detail::hash_of(stack, record.context), stack);
            if (known != nullptr && known->from != ask_the_unwinder) {
                block_header& header = block_header::of(block);
                header.set_origin(known->from);
                add_allocation(record, known->from, header.requested_bytes);
                lower_busy(record);
                return block;
            }
            lower_busy(record);
            if (known == nullptr) break;
            if constexpr (Capture::checks_stacks) stack.depth = Capture::unwind(frames.data(), frame);
        }
        return count_thoroughly(block, record, frame);
    }

    // The block is tagged, without an origin. What may ask the dynamic loader happens outside of the event: another
    // thread may hold the loader's lock and wait for a cut.
    [[gnu::noinline]] static void* count_thoroughly(void* block, thread_record& record, const void* frame) noexcept {
        block_header& header = block_header::of(block);
        frame_array walked;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        frame_array unwound; // NOLINT(cppcoreguidelines-pro-type-member-init)
        const sites::stack_view raw{walked.data(), Capture::walk(walked.data(), frame)};
        sites::stack_view stack = raw;
        bool ask = false;
        if constexpr (Capture::checks_stacks) {
            const std::size_t trusted = Capture::trusted(raw, frame);
            ask = trusted == sites::walk_slowly;
            stack = ask ? sites::stack_view{unwound.data(), Capture::unwind(unwound.data(), frame)}
                        : sites::stack_view{raw.frames, trusted};
        }
        const event in_progress{record};
        origin from = record.context;
        if (stack.depth > 0 && !in_progress.inside_another()) {
            sites::detail::stored_stack raw_stored = nullptr;
            sites::detail::stored_stack stored = nullptr;
            {
                const std::lock_guard lock{engine.tables_lock};
                stored = engine.stacks.intern(stack);
                raw_stored = stack == raw ? stored : engine.stacks.intern(raw);
            }
            if (stored != nullptr) from = intern_origin(record, stored, kind);
            if (from == not_attributed)
                from = record.context; // no more numbers: its phase and label are still known
            else if (stored != nullptr) {
                const auto seen = [&](const sites::stack_view& of, sites::detail::stored_stack at, origin number) {
                    if (at != nullptr)
                        remember(record, {sites::detail::hash_of(of, record.context), at, record.context, number});
                };
                seen(stack, stored, from);
                if (!(stack == raw)) seen(raw, raw_stored, ask ? ask_the_unwinder : from);
            }
        }
        header.set_origin(from);
        add_allocation(record, from, header.requested_bytes);
        return block;
    }

    // Sampling: the operators count down the bytes to the next sample, and come here when they cannot.
    [[gnu::noinline]] static void* sample_untagged(void* block, thread_record& record, const void* frame) noexcept {
        {
            const event in_progress{record}; // admits the thread, which may be all that was missing
        }
        return sample_thoroughly(tagged(block), record, frame);
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
    [[nodiscard]] static void* tagged(void* block) noexcept {
        block_header::of(block).tag =
            block_header::mark_of(block) | block_header::kind_of(sizeof(block_header), not_attributed);
        return block;
    }
    // Inside an event, which it ends.
    [[gnu::always_inline]] static void* finish(void* block, thread_record& record, origin from) noexcept {
        block_header& header = block_header::of(block);
        header.tag = block_header::mark_of(block) | block_header::kind_of(sizeof(block_header), from);
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

} // namespace peakscope::heap::detail
