// SPDX-License-Identifier: MIT
// The sixteen bytes in front of every block that the counting engine hands out.
//
// They hold what the block's end of life needs and the language does not say: `operator delete(void*)` gets no size,
// and nobody tells where the block came from. A header costs one cache line that the allocation touches anyway; a table
// beside the heap costs a hash look-up. Sixteen bytes keep the alignment that malloc gives.
#pragma once

#include <peakscope/heap/origin_table.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace peakscope::heap::detail {

struct block_header {
    std::uint64_t requested_bytes;
    // Bits 0 to 31: a function of the block's address, which tells our blocks from foreign ones. Bits 32 to 38: how far
    // the block lies from what malloc returned, a power of two from 16 on, as its logarithm. Bit 39: the profiler's own
    // memory. From bit 40 on: the block's origin. One number, so that one comparison of its low part recognises the
    // block that almost every block is.
    std::uint64_t tag;

    static constexpr std::uint64_t mark_bits = 0xffff'ffffU;
    static constexpr unsigned offset_shift = 32;
    static constexpr std::uint64_t own_bit = std::uint64_t{1} << 39U;
    static constexpr unsigned origin_shift = 40;

    [[nodiscard]] static block_header& of(void* block) noexcept { return static_cast<block_header*>(block)[-1]; }

    [[nodiscard]] static std::uint64_t mark_of(const void* block) noexcept {
        // Never 0, which stands for a freed block: blocks are aligned to 16, and the constant's last digit is not 0.
        return (reinterpret_cast<std::uintptr_t>(block) ^ 0x5ca1ab1eU) & mark_bits;
    }
    // The tag without its mark.
    [[nodiscard]] static constexpr std::uint64_t kind_of(std::size_t base_offset, origin from) noexcept {
        return std::uint64_t{from} << origin_shift | static_cast<std::uint64_t>(std::countr_zero(base_offset))
                                                         << offset_shift;
    }

    [[nodiscard]] bool own() const noexcept { return (tag & own_bit) != 0; }
    [[nodiscard]] origin from() const noexcept { return static_cast<origin>(tag >> origin_shift); }
    void set_origin(origin from) noexcept { tag |= std::uint64_t{from} << origin_shift; } // it must have had none
    [[nodiscard]] std::size_t base_offset() const noexcept { return std::size_t{1} << (tag >> offset_shift & 0x7fU); }
    // What lies in front of the block beyond its header.
    [[nodiscard]] std::int64_t padding_bytes() const noexcept {
        return static_cast<std::int64_t>(base_offset()) - static_cast<std::int64_t>(sizeof(block_header));
    }
};
static_assert(sizeof(block_header) == 16);

// What stands where a block of ours has its tag. The sanitizers are asked to look away: before a foreign block there is
// what its allocator put there, and reading that is the point.
#if defined(__SANITIZE_THREAD__) // g++ would inline it all the same, and look at it there
[[gnu::noinline]]
#endif
[[nodiscard, gnu::no_sanitize_address, gnu::no_sanitize_thread]] inline std::uint64_t
tag_before(void* block) noexcept {
    return block_header::of(block).tag;
}

// Whether `allocate_with_header` made the block.
[[nodiscard]] inline bool has_header(void* block) noexcept {
    return ((tag_before(block) ^ block_header::mark_of(block)) & block_header::mark_bits) == 0;
}

// Whether a tag says that, and that the block is the program's and not over-aligned, as almost every block is.
[[nodiscard]] inline bool is_usual(std::uint64_t tag, void* block) noexcept {
    constexpr unsigned above = 64 - block_header::origin_shift;
    return (tag ^ (block_header::mark_of(block) | block_header::kind_of(sizeof(block_header), 0))) << above == 0;
}

// The short way: a block that malloc's alignment is good enough for, with a header that is still to be tagged. Null
// when the C library has no memory.
[[nodiscard, gnu::always_inline]] inline void* allocate_untagged(std::size_t requested_bytes) noexcept {
    const std::size_t size_bytes = requested_bytes + sizeof(block_header);
    // No object is larger than PTRDIFF_MAX; asked of both at once, the sum cannot have wrapped around either.
    if (static_cast<std::ptrdiff_t>(requested_bytes | size_bytes) < 0) [[unlikely]]
        return nullptr;
    void* const base = std::malloc(size_bytes);
    if (base == nullptr) [[unlikely]]
        return nullptr;
    void* const block = static_cast<std::byte*>(base) + sizeof(block_header);
    block_header::of(block).requested_bytes = requested_bytes;
    return block;
}

// Memory for a block of `requested_bytes` and its header, tagged with no origin, or null.
[[nodiscard]] inline void* allocate_with_header(std::size_t requested_bytes, std::size_t alignment) noexcept {
    const bool over_aligned = alignment > alignof(std::max_align_t);
    const std::size_t offset = over_aligned ? alignment : sizeof(block_header);
    if (requested_bytes > PTRDIFF_MAX - 2 * offset || offset > UINT32_MAX) [[unlikely]]
        return nullptr;
    void* base = nullptr;
    if (over_aligned) { // aligned_alloc wants a multiple of the alignment
        base = std::aligned_alloc(alignment, (requested_bytes + offset + alignment - 1) / alignment * alignment);
    } else {
        base = std::malloc(requested_bytes + offset);
    }
    if (base == nullptr) [[unlikely]]
        return nullptr;
    void* const block = static_cast<std::byte*>(base) + offset;
    ::new (static_cast<block_header*>(block) - 1)
        block_header{requested_bytes, block_header::mark_of(block) | block_header::kind_of(offset, not_attributed)};
    return block;
}

// The block must come from one of the two and lie `base_offset` into its memory. The mark goes with it: a foreign block
// that is later given the same address must not find it in the memory before it.
inline void free_with_header(void* block, std::size_t base_offset) noexcept {
    block_header::of(block).tag = 0;
    std::free(static_cast<std::byte*>(block) - base_offset);
}

} // namespace peakscope::heap::detail
