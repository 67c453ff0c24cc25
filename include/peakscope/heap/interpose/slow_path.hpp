// SPDX-License-Identifier: MIT
// What the fast path leaves to others: large and over-aligned blocks, what is to be done when there is no memory, the
// counting switched off, events that are more than additions, and blocks that are not ours. `Base` is where the memory
// comes from.
#pragma once

#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/fault_hook.hpp>

#include <cerrno>
#include <cstddef>
#include <new>

namespace peakscope::heap::detail {

using namespace engine;

enum class on_failure {
    throws,     // operator new
    gives_null, // its nothrow forms, which ask the new_handler all the same
    sets_errno  // the malloc family
};

// Memory that begins with room for a header: the block behind that, with its size and no tag yet.
[[nodiscard, gnu::always_inline]] inline void* with_size(void* base, std::size_t requested_bytes) noexcept {
    void* const block = static_cast<std::byte*>(base) + sizeof(block_header);
    block_header::of(block).requested_bytes = requested_bytes;
    return block;
}

// Memory for a block and its header, tagged with no origin, or null. The alignment is a power of two.
template <class Base>
[[nodiscard]] void* allocate_with_header(std::size_t requested_bytes, std::size_t alignment, bool watched) noexcept {
    const bool over_aligned = alignment > alignof(std::max_align_t);
    const std::size_t header = watched ? sizeof(birth) + sizeof(block_header) : sizeof(block_header);
    const std::size_t offset = over_aligned && alignment > header ? alignment : header;
    if (offset > PTRDIFF_MAX / 4 || requested_bytes > PTRDIFF_MAX - 2 * offset) [[unlikely]] {
        errno = ENOMEM;
        return nullptr;
    }
    void* const base = over_aligned ? Base::allocate_aligned(alignment, requested_bytes + offset)
                                    : Base::allocate(requested_bytes + offset);
    if (base == nullptr) [[unlikely]]
        return nullptr;
    void* const block = static_cast<std::byte*>(base) + offset;
    ::new (static_cast<block_header*>(block) - 1)
        block_header{requested_bytes, block_header::tag_of(block, block_header::key_of(offset, not_attributed))};
    if (watched) block_header::of(block).set_birth();
    return block;
}

// The block lies `base_offset` into its memory. The tag goes with it: a foreign block that is later given the same
// address must not find it in the memory before it.
template <class Base>
inline void free_with_header(void* block, std::size_t base_offset) noexcept {
    block_header::of(block).tag = 0;
    Base::deallocate(static_cast<std::byte*>(block) - base_offset);
}

// Whether a test wants this allocation to fail.
[[nodiscard, gnu::noinline, gnu::cold]] inline bool shall_fail(void* block) noexcept {
    const known_block known = block_header::of(block).facts();
    if (known.own) return false; // nor one that is ignored
    const origin_info& from = engine::state.origins[known.from];
    return faults_here(fault_context, {known.requested_bytes, from.label, from.stack});
}

// One try, and the block is counted. While the counting is switched off, blocks are as they are without it.
template <class Base>
[[nodiscard]] void* allocate_and_count(std::size_t requested_bytes, std::size_t alignment, const void* frame) noexcept {
    if (is_off())
        return alignment > alignof(std::max_align_t) ? Base::allocate_aligned(alignment, requested_bytes)
                                                     : Base::allocate(requested_bytes);
    void* const block =
        allocate_with_header<Base>(requested_bytes, alignment, engine::state.watches.load(std::memory_order_relaxed));
    if (block == nullptr) return nullptr;
    if (block_header::of(block).padding_bytes() != 0) with_record<count_padding>(block);
    with_record<count_allocation>(block, frame);
    if (faults_here != nullptr && shall_fail(block)) {
        block_header& header = block_header::of(block);
        with_record<count_deallocation>(header.facts());
        free_with_header<Base>(block, header.base_offset());
        return nullptr;
    }
    return block;
}

// One try, or as many as the new_handler asks for. Null where there is none; throws what the handler throws.
template <class Base>
[[nodiscard]] void* allocate_or_ask(std::size_t requested_bytes, std::size_t alignment, const void* frame) {
    for (;;) {
        if (void* const block = allocate_and_count<Base>(requested_bytes, alignment, frame)) return block;
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) return nullptr;
        handler();
    }
}

// A block of any size and alignment. `frame` is the frame of the function that the program called, from which a stack
// is walked.
template <class Base, on_failure Failure>
[[gnu::noinline]] void* new_slow(std::size_t requested_bytes, std::size_t alignment,
                                 const void* frame) noexcept(Failure != on_failure::throws) {
    if constexpr (Failure == on_failure::throws) {
        if (void* const block = allocate_or_ask<Base>(requested_bytes, alignment, frame)) return block;
        throw std::bad_alloc{};
    } else if constexpr (Failure == on_failure::gives_null) {
        try {
            return allocate_or_ask<Base>(requested_bytes, alignment, frame);
        } catch (...) { // the new_handler's way to say that there is no memory
            return nullptr;
        }
    } else {
        void* const block = allocate_and_count<Base>(requested_bytes, alignment, frame);
        if (block == nullptr) errno = ENOMEM;
        return block;
    }
}

// While the counting is switched off: a branch more than without it.
template <class Base, on_failure Failure>
[[gnu::noinline]] void* uncounted_or_ask(std::size_t requested_bytes) noexcept(Failure != on_failure::throws) {
    void* const block = Base::allocate(requested_bytes);
    if (block != nullptr) [[likely]]
        return block;
    return new_slow<Base, Failure>(requested_bytes, alignof(std::max_align_t), __builtin_frame_address(0));
}
template <class Base, on_failure Failure>
[[gnu::always_inline]] inline void* new_uncounted(std::size_t requested_bytes) noexcept(Failure != on_failure::throws) {
    if constexpr (Failure == on_failure::sets_errno)
        return Base::allocate(requested_bytes); // which sets it
    else
        return uncounted_or_ask<Base, Failure>(requested_bytes);
}

// In a signal handler that has interrupted an event of this thread, whose record is half changed.
[[gnu::noinline, gnu::cold]] inline void* count_in_handler(void* block, thread_record& record,
                                                           const void* frame) noexcept {
    lower_busy(record);
    with_record<count_untagged>(block, frame);
    return block;
}

// The end of a block that is over-aligned, the profiler's own, ignored, or not ours.
template <class Base>
[[gnu::noinline, gnu::flatten]] void delete_slow(void* block) noexcept {
    if (!has_header(block)) {
        if (!is_off()) engine::state.foreign_blocks.fetch_add(1, std::memory_order_relaxed);
        return Base::deallocate(block);
    }
    block_header& header = block_header::of(block);
    with_record<count_deallocation>(header.facts());
    free_with_header<Base>(block, header.base_offset());
}

// When there is something new behind the gate, or in a signal handler that has interrupted an event.
template <class Base>
[[gnu::noinline, gnu::cold]] void leave_and_delete(void* block, thread_record& record) noexcept {
    lower_busy(record);
    delete_slow<Base>(block);
}

// The rest of an event that is more than additions, as `finish_new` is.
template <class Base>
[[gnu::noinline, gnu::flatten]] void finish_delete(void* block, thread_record& record) noexcept {
    add_deallocation(record, block_header::of(block).from(), block_header::of(block).requested_bytes);
    lower_busy(record);
    free_with_header<Base>(block, sizeof(block_header));
}

} // namespace peakscope::heap::detail
