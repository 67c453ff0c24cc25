// SPDX-License-Identifier: MIT
// Counted blocks that begin as zeros, and ones that change their size. `Base` is where the memory comes from.
//
// A resize is one deallocation and one allocation, which belongs to who asked for the resize. Old and new are never
// live at once, whether the block moves or not.
#pragma once

#include <peakscope/heap/interpose/fast_path.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace peakscope::heap::detail {

// Always inlined, as counted_new is.
template <class Base>
[[gnu::always_inline]] inline void* counted_zeros(std::size_t requested_bytes) noexcept {
    if (requested_bytes >= engine::state.slow_from_bytes.load(std::memory_order_relaxed)) [[unlikely]] {
        if (is_off()) return Base::allocate_zeros(requested_bytes);
        void* const block = new_slow<Base, on_failure::sets_errno>(requested_bytes, alignof(std::max_align_t),
                                                                   __builtin_frame_address(0));
        return block != nullptr ? std::memset(block, 0, requested_bytes) : nullptr;
    }
    void* const base = Base::allocate_zeros(requested_bytes + sizeof(block_header));
    return base != nullptr ? count_new(with_size(base, requested_bytes), requested_bytes) : nullptr;
}

// Moves what the block holds to memory for `requested_bytes`: a block with its size and no tag, or where it is watched
// with one that has no origin. Null, and the block as it was, when there is none.
template <class Base>
[[nodiscard]] void* move_to_other_size(void* block, std::size_t requested_bytes, bool watched) noexcept {
    block_header& header = block_header::of(block);
    const std::size_t offset = header.base_offset();
    const std::size_t size_bytes = requested_bytes + sizeof(block_header);
    if (watched) {
        void* const moved = allocate_with_header<Base>(requested_bytes, alignof(std::max_align_t), true);
        if (moved == nullptr) return nullptr;
        std::memcpy(moved, block, std::min<std::size_t>(requested_bytes, header.requested_bytes));
        free_with_header<Base>(block, offset);
        return moved;
    }
    if (offset != sizeof(block_header)) { // over-aligned: the new block need not be
        void* const base = Base::allocate(size_bytes);
        if (base == nullptr) return nullptr;
        void* const moved = with_size(base, requested_bytes);
        std::memcpy(moved, block, std::min<std::size_t>(requested_bytes, header.requested_bytes));
        free_with_header<Base>(block, offset);
        return moved;
    }
    const std::uint64_t tag = std::exchange(header.tag, 0); // the old place may be somebody else's at once
    void* const base = Base::reallocate(static_cast<std::byte*>(block) - offset, size_bytes);
    if (base == nullptr) {
        header.tag = tag;
        return nullptr;
    }
    return with_size(base, requested_bytes);
}

// Neither is null or 0. Null, with errno set and the block as it was, when there is no memory.
template <class Base>
[[nodiscard, gnu::noinline]] void* counted_resize(void* block, std::size_t requested_bytes,
                                                  const void* frame) noexcept {
    if (!has_header(block)) {
        if (!is_off()) engine::state.foreign_blocks.fetch_add(1, std::memory_order_relaxed);
        return Base::reallocate(block, requested_bytes);
    }
    if (requested_bytes > largest_block_bytes) {
        errno = ENOMEM;
        return nullptr;
    }
    const known_block before = block_header::of(block).facts();
    if (faults_here != nullptr) { // by way of an allocation, which may fail
        void* const made = new_slow<Base, on_failure::sets_errno>(requested_bytes, alignof(std::max_align_t), frame);
        if (made == nullptr) return nullptr;
        std::memcpy(made, block, std::min<std::size_t>(requested_bytes, before.requested_bytes));
        with_record<count_deallocation>(before);
        free_with_header<Base>(block, static_cast<std::size_t>(before.padding_bytes) + sizeof(block_header));
        return made;
    }
    const bool watched = engine::state.watches.load(std::memory_order_relaxed);
    void* const moved = move_to_other_size<Base>(block, requested_bytes, watched);
    if (moved == nullptr) return nullptr;
    // Counted when it has succeeded: up to here the old block was live, and from here on it is not.
    with_record<count_deallocation>(before);
    if (!watched) {
        with_record<count_untagged>(moved, frame);
        return moved;
    }
    with_record<count_padding>(moved);
    with_record<count_allocation>(moved, frame);
    return moved;
}

} // namespace peakscope::heap::detail
