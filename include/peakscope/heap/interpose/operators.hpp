// SPDX-License-Identifier: MIT
// The functions of counting_operators.hpp.
#pragma once

#include <peakscope/heap/interpose/c_allocator.hpp>
#include <peakscope/heap/interpose/fast_path.hpp>

#include <cstddef>
#include <new>

// Where the operators have their memory from. malloc_functions.hpp includes this file with another.
#ifndef PEAKSCOPE_OPERATORS_OVER
#define PEAKSCOPE_OPERATORS_OVER peakscope::heap::detail::c_allocator
#endif

namespace peakscope::heap::detail {
using operators_base = PEAKSCOPE_OPERATORS_OVER;
}

// Not inline: the language wants replaced operators to be ordinary functions, and the linker then finds a second set.
// Nor inlined where they are called in this file: the compiler would take them apart and warn of a free that fits no
// malloc.

[[gnu::noinline]] void* operator new(std::size_t n) {
    using namespace peakscope::heap::detail;
    return counted_new<operators_base, on_failure::throws>(n);
}
[[gnu::noinline]] void* operator new[](std::size_t n) {
    using namespace peakscope::heap::detail;
    return counted_new<operators_base, on_failure::throws>(n);
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    using namespace peakscope::heap::detail;
    return counted_new<operators_base, on_failure::gives_null>(n);
}
[[gnu::noinline]] void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    using namespace peakscope::heap::detail;
    return counted_new<operators_base, on_failure::gives_null>(n);
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment) {
    using namespace peakscope::heap::detail;
    return new_slow<operators_base, on_failure::throws>(n, static_cast<std::size_t>(alignment),
                                                        __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment) {
    using namespace peakscope::heap::detail;
    return new_slow<operators_base, on_failure::throws>(n, static_cast<std::size_t>(alignment),
                                                        __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    using namespace peakscope::heap::detail;
    return new_slow<operators_base, on_failure::gives_null>(n, static_cast<std::size_t>(alignment),
                                                            __builtin_frame_address(0));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    using namespace peakscope::heap::detail;
    return new_slow<operators_base, on_failure::gives_null>(n, static_cast<std::size_t>(alignment),
                                                            __builtin_frame_address(0));
}

// The analyzer takes a block for freed as soon as one of these is called, and what lies in front of it for used after
// that. NOLINTBEGIN(clang-analyzer-cplusplus.NewDelete)
[[gnu::noinline]] void operator delete(void* block) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete[](void* block) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete[](void* block, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
[[gnu::noinline]] void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    peakscope::heap::detail::counted_delete<peakscope::heap::detail::operators_base>(block);
}
// NOLINTEND(clang-analyzer-cplusplus.NewDelete)
