// SPDX-License-Identifier: MIT
// Replaces the global `operator new` and `operator delete`, in all their forms, with ones that count.
//
// Include it in exactly one .cpp file of a program that measures with heap::counting. Included in two, the program does
// not link, because the operators are defined twice; in none, `heap::counting` refuses to measure and says so.
//
// The operators keep the standard's promises: they call the new_handler, throw std::bad_alloc or return null by form,
// and give every block an address of its own. The memory comes from malloc and aligned_alloc, so an allocator that is
// linked or preloaded in their place serves the program as before.
//
// Sanitizers keep working, because malloc is theirs. clang's ThreadSanitizer brings operators of its own that do not
// give way: link with -Wl,--allow-multiple-definition there, or use g++'s.
#pragma once

#include <peakscope/heap/block_header.hpp>
#include <peakscope/heap/counting_engine.hpp>

#include <cstddef>
#include <new>

namespace peakscope::heap::detail {

// One try, or as many as the new_handler asks for; null where there is none. It may throw what the handler throws.
[[gnu::always_inline]] inline void* counted_new(std::size_t requested_bytes, std::size_t alignment) {
    void* block = allocate_with_header(requested_bytes, alignment);
    while (block == nullptr) [[unlikely]] {
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) return nullptr;
        handler();
        block = allocate_with_header(requested_bytes, alignment);
    }
    block_header& header = block_header::of(block);
    with_record<count_allocation>(header);
    if (alignment > alignof(std::max_align_t)) with_record<count_padding>(header); // known when it is compiled
    return block;
}

[[gnu::always_inline]] inline void* counted_new_or_throw(std::size_t requested_bytes, std::size_t alignment) {
    if (void* const block = counted_new(requested_bytes, alignment)) [[likely]]
        return block;
    throw std::bad_alloc{};
}

inline void* counted_new_or_null(std::size_t requested_bytes, std::size_t alignment) noexcept {
    try {
        return counted_new(requested_bytes, alignment);
    } catch (...) { // the new_handler's way to say that there is no memory
        return nullptr;
    }
}

// The block that is over-aligned, the profiler's own, or foreign.
[[gnu::noinline, gnu::cold]] inline void delete_unusual(void* block) noexcept {
    if (!has_header(block)) {
        engine.foreign_blocks.fetch_add(1, std::memory_order_relaxed);
        std::free(block);
        return;
    }
    const block_header& header = block_header::of(block);
    with_record<count_unusual_deallocation>(header);
    free_with_header(block, header.base_offset());
}

// Counts first and frees second: once freed, the block may be another thread's.
[[gnu::always_inline]] inline void counted_delete(void* block) noexcept {
    if (block == nullptr) return;
    if (!is_usual(block)) [[unlikely]]
        return delete_unusual(block);
    with_record<count_deallocation>(block_header::of(block));
    free_with_header(block, sizeof(block_header));
}

inline constexpr std::size_t default_alignment = alignof(std::max_align_t);

} // namespace peakscope::heap::detail

// Not inline: the language wants replaced operators to be ordinary functions, and the linker then finds a second set.
// Nor inlined where they are called in this file: the compiler would take them apart and warn of a free that fits no
// malloc.

[[gnu::noinline]] void* operator new(std::size_t n) {
    return peakscope::heap::detail::counted_new_or_throw(n, peakscope::heap::detail::default_alignment);
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
    return peakscope::heap::detail::counted_new_or_throw(n, peakscope::heap::detail::default_alignment);
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new_or_null(n, peakscope::heap::detail::default_alignment);
}
[[gnu::noinline]] void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new_or_null(n, peakscope::heap::detail::default_alignment);
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment) {
    return peakscope::heap::detail::counted_new_or_throw(n, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment) {
    return peakscope::heap::detail::counted_new_or_throw(n, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new_or_null(n, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new_or_null(n, static_cast<std::size_t>(alignment));
}

[[gnu::noinline]] void operator delete(void* block) noexcept { peakscope::heap::detail::counted_delete(block); }
[[gnu::noinline]] void operator delete[](void* block) noexcept { peakscope::heap::detail::counted_delete(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete[](void* block, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete(block);
}
