// SPDX-License-Identifier: MIT
// The sixteen bytes in front of every block that the counting engine hands out.
//
// They hold what the block's end of life needs and the language does not say: `operator delete(void*)` gets no size,
// and nobody tells where the block came from. A header costs one cache line that the allocation touches anyway; a table
// beside the heap costs a hash look-up. Sixteen bytes keep the alignment that malloc gives.
#pragma once

#include <peakscope/engine/origin_table.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace peakscope::engine {

// What a header says of its block.
struct known_block {
    origin from = not_attributed;
    bool own = false;
    std::uint64_t requested_bytes = 0;
    std::int64_t padding_bytes = 0; // in front of the block beyond its header
};

struct block_header {
    std::uint64_t requested_bytes;
    // The block's address, which tells our blocks from foreign ones, and laid over it (by exclusive or) what is known
    // of the block. Bits 36 to 42: how far it lies from what malloc returned, a power of two from 16 on, as the
    // logarithm of its sixteenth. Bit 43: the profiler's own memory. From bit 44 on: the block's origin. One number, so
    // that one comparison recognises the block that almost every block is.
    std::uint64_t tag;

    static constexpr std::uint64_t address_bits = 0xf'ffff'ffffU;
    static constexpr unsigned offset_shift = 36;
    static constexpr std::uint64_t own_bit = std::uint64_t{1} << 43U;
    static constexpr unsigned origin_shift = 44;

    [[nodiscard]] static block_header& of(void* block) noexcept { return static_cast<block_header*>(block)[-1]; }

    // What a tag has laid over the block's address.
    [[nodiscard]] static constexpr std::uint64_t key_of(std::size_t base_offset, origin from) noexcept {
        return scrambler ^ (std::uint64_t{from} << origin_shift |
                            (static_cast<std::uint64_t>(std::countr_zero(base_offset)) - 4) << offset_shift);
    }
    [[nodiscard]] static std::uint64_t tag_of(const void* block, std::uint64_t key) noexcept {
        return reinterpret_cast<std::uintptr_t>(block) ^ key;
    }
    // What is known of a block by what stands where its tag would be. Its `address_bits` are 0 in a block of ours.
    [[nodiscard]] static std::uint64_t known_by(std::uint64_t tag, const void* block) noexcept {
        return tag_of(block, tag) ^ scrambler;
    }

    [[nodiscard]] bool own() const noexcept { return (known() & own_bit) != 0; }
    [[nodiscard]] origin from() const noexcept { return static_cast<origin>(known() >> origin_shift); }
    [[nodiscard]] std::size_t base_offset() const noexcept {
        return std::size_t{16} << (known() >> offset_shift & 0x7fU);
    }
    // What lies in front of the block beyond its header.
    [[nodiscard]] std::int64_t padding_bytes() const noexcept {
        return static_cast<std::int64_t>(base_offset()) - static_cast<std::int64_t>(sizeof(block_header));
    }

    [[nodiscard]] known_block facts() const noexcept { return {from(), own(), requested_bytes, padding_bytes()}; }

    // For a block that has room for its header and no more in front of it.
    void set_tag(origin from) noexcept { tag = tag_of(this + 1, key_of(sizeof(block_header), from)); }
    // It must have had none.
    void set_origin(origin from) noexcept { tag ^= std::uint64_t{from} << origin_shift; }
    void set_own() noexcept { tag ^= own_bit; }

  private:
    // Its low bits are not 0 and those of a block's address are, so that the tag of a freed block, 0, is not ours.
    static constexpr std::uint64_t scrambler = 0x5ca1ab1eU;

    [[nodiscard]] std::uint64_t known() const noexcept { return known_by(tag, this + 1); }
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

// Whether what is known of a block says that `allocate_with_header` made it.
[[nodiscard]] inline bool says_ours(std::uint64_t known) noexcept { return (known & block_header::address_bits) == 0; }
[[nodiscard]] inline bool has_header(void* block) noexcept {
    return says_ours(block_header::known_by(tag_before(block), block));
}

// Whether it says that, and that the block is the program's and not over-aligned, as almost every
// block is.
[[nodiscard]] inline bool is_usual(std::uint64_t known) noexcept {
    return known << (64 - block_header::origin_shift) == 0;
}

// The memory of blocks: the C library's, or that of whoever is linked or preloaded in its place.
struct c_allocator {
    [[nodiscard]] static void* allocate(std::size_t size_bytes) noexcept { return std::malloc(size_bytes); }
    [[nodiscard]] static void* allocate_aligned(std::size_t alignment, std::size_t size_bytes) noexcept {
        // It wants a multiple of the alignment.
        return std::aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
    }
    static void deallocate(void* memory) noexcept { std::free(memory); }
};

// No object is larger than PTRDIFF_MAX, and a header must fit in front of it.
inline constexpr std::size_t largest_block_bytes = PTRDIFF_MAX - sizeof(block_header);

// The short way: a block that malloc's alignment is good enough for, of at most `largest_block_bytes`, with a header
// that is still to be tagged. Null when there is no memory.
template <class Base>
[[nodiscard, gnu::always_inline]] inline void* allocate_untagged(std::size_t requested_bytes) noexcept {
    void* const base = Base::allocate(requested_bytes + sizeof(block_header));
    if (base == nullptr) [[unlikely]]
        return nullptr;
    void* const block = static_cast<std::byte*>(base) + sizeof(block_header);
    block_header::of(block).requested_bytes = requested_bytes;
    return block;
}

// Memory for a block of `requested_bytes` and its header, tagged with no origin, or null. The alignment is a power of
// two.
template <class Base>
[[nodiscard]] inline void* allocate_with_header(std::size_t requested_bytes, std::size_t alignment) noexcept {
    const bool over_aligned = alignment > alignof(std::max_align_t);
    const std::size_t offset = over_aligned ? alignment : sizeof(block_header);
    if (offset > PTRDIFF_MAX / 4 || requested_bytes > PTRDIFF_MAX - 2 * offset) [[unlikely]]
        return nullptr;
    void* const base = over_aligned ? Base::allocate_aligned(alignment, requested_bytes + offset)
                                    : Base::allocate(requested_bytes + offset);
    if (base == nullptr) [[unlikely]]
        return nullptr;
    void* const block = static_cast<std::byte*>(base) + offset;
    ::new (static_cast<block_header*>(block) - 1)
        block_header{requested_bytes, block_header::tag_of(block, block_header::key_of(offset, not_attributed))};
    return block;
}

// The block must come from one of the two and lie `base_offset` into its memory. The mark goes with it: a foreign block
// that is later given the same address must not find it in the memory before it.
template <class Base>
inline void free_with_header(void* block, std::size_t base_offset) noexcept {
    block_header::of(block).tag = 0;
    Base::deallocate(static_cast<std::byte*>(block) - base_offset);
}

} // namespace peakscope::engine
