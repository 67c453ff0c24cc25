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

#include <peakscope/heap/interpose/fast_path.hpp>
#include <peakscope/implementation.hpp>

#include <cstddef>
#include <new>

// Where the operators have their memory from. malloc_counting_functions.hpp includes this file with another.
#ifndef PEAKSCOPE_OPERATORS_OVER
#define PEAKSCOPE_OPERATORS_OVER peakscope::heap::detail::c_allocator
#endif

// Not inline: the language wants replaced operators to be ordinary functions, and the linker then finds a second set.
// Nor inlined where they are called in this file: the compiler would take them apart and warn of a free that fits no
// malloc.

[[gnu::noinline]] void* operator new(std::size_t n) {
    return peakscope::heap::detail::counted_new<PEAKSCOPE_OPERATORS_OVER, peakscope::heap::detail::on_failure::throws>(
        n);
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
    return peakscope::heap::detail::counted_new<PEAKSCOPE_OPERATORS_OVER, peakscope::heap::detail::on_failure::throws>(
        n);
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new<PEAKSCOPE_OPERATORS_OVER,
                                                peakscope::heap::detail::on_failure::gives_null>(n);
}
[[gnu::noinline]] void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::counted_new<PEAKSCOPE_OPERATORS_OVER,
                                                peakscope::heap::detail::on_failure::gives_null>(n);
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment) {
    return peakscope::heap::detail::new_the_long_way<PEAKSCOPE_OPERATORS_OVER,
                                                     peakscope::heap::detail::on_failure::throws>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment) {
    return peakscope::heap::detail::new_the_long_way<PEAKSCOPE_OPERATORS_OVER,
                                                     peakscope::heap::detail::on_failure::throws>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::new_the_long_way<PEAKSCOPE_OPERATORS_OVER,
                                                     peakscope::heap::detail::on_failure::gives_null>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return peakscope::heap::detail::new_the_long_way<PEAKSCOPE_OPERATORS_OVER,
                                                     peakscope::heap::detail::on_failure::gives_null>(
        n, static_cast<std::size_t>(alignment), __builtin_frame_address(0));
}

// The analyzer takes a block for freed as soon as one of these is called, and what lies in front of it for used after
// that. NOLINTBEGIN(clang-analyzer-cplusplus.NewDelete)
[[gnu::noinline]] void operator delete(void* block) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete[](void* block) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete[](void* block, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<PEAKSCOPE_OPERATORS_OVER>(block);
}
// NOLINTEND(clang-analyzer-cplusplus.NewDelete)
