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
#include <new>

namespace peakscope::engine {

// When a block was born, where a measurement asks for lifetimes: right in front of its header.
struct birth {
    static constexpr std::uint32_t no_site = 0;

    std::uint32_t site = no_site; // number of its call stack (lifetimes.hpp)
    std::uint32_t entry = 0;      // of the innermost phase; 0 outside of phases
    std::uint64_t number = 0;     // of all births in the process; 0 for none
};

// What a header says of its block.
struct known_block {
    origin from = not_attributed;
    bool own = false;
    std::uint64_t requested_bytes = 0;
    std::int64_t padding_bytes = 0; // in front of the block beyond its header
    birth born{};
};

struct block_header {
    std::uint64_t requested_bytes;
    // The block's address, which tells our blocks from foreign ones, and laid over it (by exclusive or) what is known
    // of the block. Bits 36 to 41: how far it lies from what malloc returned, a power of two from 16 on, as the
    // logarithm of its sixteenth. Bit 42: there is a `birth` in front of it. Bit 43: the profiler's own memory. From
    // bit 44 on: the block's origin. One number, so that one comparison recognises the block that almost every block
    // is.
    std::uint64_t tag;

    static constexpr std::uint64_t address_bits = 0xf'ffff'ffffU;
    static constexpr unsigned offset_shift = 36;
    static constexpr std::uint64_t birth_bit = std::uint64_t{1} << 42U;
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

    // Where `has_birth` is true.
    [[nodiscard]] static birth& birth_of(void* block) noexcept {
        return *std::launder(reinterpret_cast<birth*>(&of(block)) - 1);
    }

    [[nodiscard]] bool has_birth() const noexcept { return (known() & birth_bit) != 0; }
    [[nodiscard]] bool own() const noexcept { return (known() & own_bit) != 0; }
    [[nodiscard]] origin from() const noexcept { return static_cast<origin>(known() >> origin_shift); }
    [[nodiscard]] std::size_t base_offset() const noexcept {
        return std::size_t{16} << (known() >> offset_shift & 0x3fU);
    }
    // What lies in front of the block beyond its header.
    [[nodiscard]] std::int64_t padding_bytes() const noexcept {
        return static_cast<std::int64_t>(base_offset()) - static_cast<std::int64_t>(sizeof(block_header));
    }

    [[nodiscard]] known_block facts() noexcept {
        return {from(), own(), requested_bytes, padding_bytes(), has_birth() ? birth_of(this + 1) : birth{}};
    }

    // For a block that has room for its header and no more in front of it.
    void set_tag(origin from) noexcept { tag = tag_of(this + 1, key_of(sizeof(block_header), from)); }
    // It must have had none.
    void set_origin(origin from) noexcept { tag ^= std::uint64_t{from} << origin_shift; }
    void set_own() noexcept { tag ^= own_bit; }
    // There is room for it.
    void set_birth() noexcept {
        tag ^= birth_bit;
        ::new (static_cast<void*>(reinterpret_cast<birth*>(this) - 1)) birth{};
    }

  private:
    // Its low bits are not 0 and those of a block's address are, so that the tag of a freed block, 0, is not ours.
    static constexpr std::uint64_t scrambler = 0x5ca1ab1eU;

    [[nodiscard]] std::uint64_t known() const noexcept { return known_by(tag, this + 1); }
};
static_assert(sizeof(block_header) == 16 && sizeof(birth) == 16);

// What stands where a block of ours has its tag. The sanitizers are asked to look away: before a foreign block there is
// what its allocator put there, and reading that is the point.
#if defined(__SANITIZE_THREAD__) // g++ would inline it all the same, and look at it there
[[gnu::noinline]]
#endif
[[nodiscard, gnu::no_sanitize_address, gnu::no_sanitize_thread]] inline std::uint64_t
tag_before(void* block) noexcept {
    return block_header::of(block).tag;
}

// Whether what is known of a block says that it is one of ours.
[[nodiscard]] inline bool has_valid_tag(std::uint64_t known) noexcept {
    return (known & block_header::address_bits) == 0;
}
[[nodiscard]] inline bool has_header(void* block) noexcept {
    return has_valid_tag(block_header::known_by(tag_before(block), block));
}

// Whether it says that, and that the block is the program's and not over-aligned, as almost every
// block is.
[[nodiscard]] inline bool is_plain(std::uint64_t known) noexcept {
    return known << (64 - block_header::origin_shift) == 0;
}

// No object is larger than PTRDIFF_MAX, and a header must fit in front of it.
inline constexpr std::size_t largest_block_bytes = PTRDIFF_MAX - sizeof(block_header);

} // namespace peakscope::engine
