// SPDX-License-Identifier: MIT
// The sixteen bytes in front of every block that the counting engine hands out.
//
// They hold what the block's end of life needs and the language does not say: `operator delete(void*)` gets no size.
// A header costs one cache line that the allocation touches anyway; a table beside the heap costs a hash look-up.
// Sixteen bytes keep the alignment that malloc gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace peakscope::heap::detail {

struct block_header {
    std::uint64_t requested_bytes;
    std::uint32_t mark;           // a function of the block's address: tells our blocks from foreign ones
    std::uint32_t offset_and_own; // bit 0: the profiler's own memory; the rest: from what malloc returned to the block

    static constexpr std::uint32_t own_bit = 1; // offsets are powers of two from 16 on

    [[nodiscard]] bool own() const noexcept { return (offset_and_own & own_bit) != 0; }
    [[nodiscard]] std::uint32_t base_offset() const noexcept { return offset_and_own & ~own_bit; }

    [[nodiscard]] static block_header& of(void* block) noexcept { return static_cast<block_header*>(block)[-1]; }

    [[nodiscard]] static std::uint32_t mark_of(const void* block) noexcept {
        // Never 0, which marks a freed block: blocks are aligned and the constant's last bits are not.
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(block)) ^ 0x5ca1ab1eU;
    }
};
static_assert(sizeof(block_header) == 16);

// Whether `allocate_with_header` made the block. The sanitizers are asked to look away: before a foreign block there is
// what its allocator put there, and reading that is the point.
#if defined(__SANITIZE_THREAD__) // g++ would inline it all the same, and look at it there
[[gnu::noinline]]
#endif
[[nodiscard, gnu::no_sanitize_address, gnu::no_sanitize_thread]] inline bool
has_header(void* block) noexcept {
    return block_header::of(block).mark == block_header::mark_of(block);
}

// Memory for a block of `requested_bytes` and its header, or null when the C library has none.
[[nodiscard]] inline void* allocate_with_header(std::size_t requested_bytes, std::size_t alignment) noexcept {
    const bool over_aligned = alignment > alignof(std::max_align_t);
    const std::size_t offset = over_aligned ? alignment : sizeof(block_header);
    // malloc refuses more than PTRDIFF_MAX; asked here, the sums below cannot wrap around.
    if (requested_bytes > PTRDIFF_MAX - 2 * offset || offset > UINT32_MAX) return nullptr;
    void* base = nullptr;
    if (over_aligned) { // aligned_alloc wants a multiple of the alignment
        base = std::aligned_alloc(alignment, (requested_bytes + offset + alignment - 1) / alignment * alignment);
    } else {
        base = std::malloc(requested_bytes + offset);
    }
    if (base == nullptr) return nullptr;
    void* const block = static_cast<std::byte*>(base) + offset;
    ::new (static_cast<block_header*>(block) - 1)
        block_header{requested_bytes, block_header::mark_of(block), static_cast<std::uint32_t>(offset)};
    return block;
}

// The block must come from `allocate_with_header`. The mark goes with it: a foreign block that is later given the same
// address must not find it in the memory before it.
inline void free_with_header(void* block) noexcept {
    block_header& header = block_header::of(block);
    header.mark = 0;
    std::free(static_cast<std::byte*>(block) - header.base_offset());
}

} // namespace peakscope::heap::detail
