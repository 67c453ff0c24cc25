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

enum class on_failure { throws, gives_null };

// One try, or as many as the new_handler asks for. Null where there is none; throws what the handler throws.
[[nodiscard]] inline void* allocate_or_ask(std::size_t requested_bytes, std::size_t alignment) {
    for (;;) {
        if (void* const block = allocate_with_header(requested_bytes, alignment)) return block;
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) return nullptr;
        handler();
    }
}

// The long way: over-aligned blocks, and what is to be done when malloc has no memory. `frame` is the operator's own,
// from which a stack is walked.
template <on_failure Failure>
[[gnu::noinline]] void* new_the_long_way(std::size_t requested_bytes, std::size_t alignment,
                                         const void* frame) noexcept(Failure == on_failure::gives_null) {
    void* block = nullptr;
    if constexpr (Failure == on_failure::throws) {
        block = allocate_or_ask(requested_bytes, alignment);
        if (block == nullptr) throw std::bad_alloc{};
    } else {
        try {
            block = allocate_or_ask(requested_bytes, alignment);
        } catch (...) { // the new_handler's way to say that there is no memory
            return nullptr;
        }
        if (block == nullptr) return nullptr;
    }
    if (block_header::of(block).padding_bytes() != 0) with_record<count_padding>(block);
    with_record<count_allocation>(block, frame);
    return block;
}

// The rest of an event whose short way ended early. Each is the operator's last act.
[[gnu::noinline]] inline void* finish_new(void* block, thread_record& record) noexcept {
    add_allocation(record, block_header::of(block).from(), block_header::of(block).requested_bytes);
    lower_busy(record);
    return block;
}
[[gnu::noinline]] inline void finish_delete(void* block, thread_record& record) noexcept {
    add_deallocation(record, block_header::of(block).from(), block_header::of(block).requested_bytes);
    lower_busy(record);
    free_with_header(block, sizeof(block_header));
}
[[gnu::noinline, gnu::cold]] inline void delete_the_long_way(void* block) noexcept {
    if (!has_header(block)) {
        engine.foreign_blocks.fetch_add(1, std::memory_order_relaxed);
        std::free(block);
        return;
    }
    const block_header& header = block_header::of(block);
    with_record<count_unusual_deallocation>(header);
    free_with_header(block, header.base_offset());
}

[[gnu::noinline, gnu::cold]] inline void leave_and_delete(void* block, thread_record& record) noexcept {
    lower_busy(record);
    delete_the_long_way(block);
}

// Always inlined, so that the frame that the rare ways ask for is the operator's own.
template <on_failure Failure>
[[gnu::always_inline]] inline void* counted_new(std::size_t requested_bytes) noexcept(Failure ==
                                                                                      on_failure::gives_null) {
    void* const block = allocate_untagged(requested_bytes);
    if (block == nullptr) [[unlikely]]
        return new_the_long_way<Failure>(requested_bytes, alignof(std::max_align_t), __builtin_frame_address(0));
    thread_record& record = *current_record;
    const remains rest = count_new_quickly(record, block, requested_bytes);
    if (rest == remains::nothing) [[likely]]
        return block;
    if (rest == remains::to_finish) return finish_new(block, record);
    return record.hook(block, record, __builtin_frame_address(0));
}

// Counts first and frees second: once freed, the block may be another thread's.
[[gnu::always_inline]] inline void counted_delete(void* block) noexcept {
    if (block == nullptr) return;
    const std::uint64_t known = block_header::known_by(tag_before(block), block);
    if (!is_usual(known)) [[unlikely]]
        return delete_the_long_way(block);
    thread_record& record = *current_record;
    const remains rest = count_delete_quickly(record, static_cast<origin>(known >> block_header::origin_shift),
                                              block_header::of(block).requested_bytes);
    if (rest == remains::to_count) [[unlikely]]
        return leave_and_delete(block, record);
    if (rest == remains::to_finish) [[unlikely]]
        return finish_delete(block, record);
    free_with_header(block, sizeof(block_header));
}

} // namespace peakscope::heap::detail

// Not inline: the language wants replaced operators to be ordinary functions, and the linker then finds a second set.
// Nor inlined where they are called in this file: the compiler would take them apart and warn of a free that fits no
// malloc.

[[gnu::noinline]] void* operator new(std::size_t n) {
    return peakscope::heap::detail::counted_new<peakscope::heap::detail::on_failure::throws>(n);
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
    return peakscope::heap::detail::counted_new<peakscope::heap::detail::on_failure::throws>(n);
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new<peakscope::heap::detail::on_failure::gives_null>(n);
}
[[gnu::noinline]] void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new<peakscope::heap::detail::on_failure::gives_null>(n);
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment) {
    return peakscope::heap::detail::new_the_long_way<peakscope::heap::detail::on_failure::throws>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment) {
    return peakscope::heap::detail::new_the_long_way<peakscope::heap::detail::on_failure::throws>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::new_the_long_way<peakscope::heap::detail::on_failure::gives_null>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::new_the_long_way<peakscope::heap::detail::on_failure::gives_null>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
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
