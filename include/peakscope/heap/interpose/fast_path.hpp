// SPDX-License-Identifier: MIT
// Blocks that are counted: what the replaced operators, and the replaced malloc and its kin, have in common. `Base` is
// where the memory comes from.
#pragma once

#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/fault_hook.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>

namespace peakscope::heap::detail {

using namespace engine;

enum class on_failure {
    throws,     // operator new
    gives_null, // its nothrow forms, which ask the new_handler all the same
    sets_errno  // malloc and its kin
};

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
    void* const block = allocate_with_header<Base>(requested_bytes, alignment);
    if (block == nullptr) return nullptr;
    if (block_header::of(block).padding_bytes() != 0) with_record<count_padding>(block);
    with_record<count_allocation>(block, frame);
    if (faults_here != nullptr && shall_fail(block)) {
        const block_header& header = block_header::of(block);
        with_record<count_unusual_deallocation>(header.facts());
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

// The long way: over-aligned blocks, what is to be done when there is no memory, and all blocks while the counting is
// switched off. `frame` is the frame of the function that the program called, from which a stack is walked.
template <class Base, on_failure Failure>
[[gnu::noinline]] void* new_the_long_way(std::size_t requested_bytes, std::size_t alignment,
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

// The short way while the counting is switched off.
template <class Base, on_failure Failure>
[[gnu::noinline]] void* new_uncounted(std::size_t requested_bytes) noexcept(Failure != on_failure::throws) {
    void* const block = Base::allocate(requested_bytes);
    if (block != nullptr) [[likely]]
        return block;
    return new_the_long_way<Base, Failure>(requested_bytes, alignof(std::max_align_t), __builtin_frame_address(0));
}

// The rest of an event whose short way ended early. Each is the last act of the function that the program called.
[[gnu::noinline]] inline void* finish_new(void* block, thread_record& record) noexcept {
    add_allocation(record, block_header::of(block).from(), block_header::of(block).requested_bytes);
    lower_busy(record);
    return block;
}
[[gnu::noinline, gnu::cold]] inline void* count_in_handler(void* block, thread_record& record,
                                                           const void* frame) noexcept {
    lower_busy(record);
    with_record<count_untagged>(block, frame);
    return block;
}
template <class Base>
[[gnu::noinline]] void finish_delete(void* block, thread_record& record) noexcept {
    add_deallocation(record, block_header::of(block).from(), block_header::of(block).requested_bytes);
    lower_busy(record);
    free_with_header<Base>(block, sizeof(block_header));
}
template <class Base>
[[gnu::noinline, gnu::cold]] void delete_the_long_way(void* block) noexcept {
    if (!has_header(block)) {
        if (!is_off()) engine::state.foreign_blocks.fetch_add(1, std::memory_order_relaxed);
        Base::deallocate(block);
        return;
    }
    const block_header& header = block_header::of(block);
    with_record<count_unusual_deallocation>(header.facts());
    free_with_header<Base>(block, header.base_offset());
}

template <class Base>
[[gnu::noinline, gnu::cold]] void leave_and_delete(void* block, thread_record& record) noexcept {
    lower_busy(record);
    delete_the_long_way<Base>(block);
}

// Counts a block that has no tag yet. Always inlined, as the two below are, so that the frame that the rare ways ask
// for is that of the function that the program called.
[[gnu::always_inline]] inline void* count_untagged_block(void* block, std::size_t requested_bytes) noexcept {
    thread_record& record = *current_record;
    const remains rest = count_new_quickly(record, block, requested_bytes);
    if (rest == remains::nothing) [[likely]]
        return block;
    if (rest == remains::to_finish) return finish_new(block, record);
    if (rest == remains::in_handler) [[unlikely]]
        return count_in_handler(block, record, __builtin_frame_address(0));
    return record.hook(block, record, __builtin_frame_address(0));
}

template <class Base, on_failure Failure>
[[gnu::always_inline]] inline void* counted_new(std::size_t requested_bytes) noexcept(Failure != on_failure::throws) {
    void* block = nullptr;
    if (requested_bytes < engine::state.slow_from_bytes.load(std::memory_order_relaxed)) [[likely]]
        block = allocate_untagged<Base>(requested_bytes);
    else if (is_off()) {
        if constexpr (Failure == on_failure::sets_errno)
            return Base::allocate(requested_bytes); // which sets it
        else
            return new_uncounted<Base, Failure>(requested_bytes);
    }
    if (block == nullptr) [[unlikely]]
        return new_the_long_way<Base, Failure>(requested_bytes, alignof(std::max_align_t), __builtin_frame_address(0));
    return count_untagged_block(block, requested_bytes);
}

// Counts first and frees second: once freed, the block may be another thread's.
template <class Base>
[[gnu::always_inline]] inline void counted_delete(void* block) noexcept {
    if (block == nullptr) return;
    const std::uint64_t known = block_header::known_by(tag_before(block), block);
    if (!is_usual(known)) [[unlikely]] {
        if (is_off() && !says_ours(known)) return Base::deallocate(block);
        return delete_the_long_way<Base>(block);
    }
    thread_record& record = *current_record;
    const remains rest = count_delete_quickly(record, static_cast<origin>(known >> block_header::origin_shift),
                                              block_header::of(block).requested_bytes);
    if (rest == remains::to_count) [[unlikely]]
        return leave_and_delete<Base>(block, record);
    if (rest == remains::to_finish) [[unlikely]]
        return finish_delete<Base>(block, record);
    free_with_header<Base>(block, sizeof(block_header));
}

} // namespace peakscope::heap::detail
