// SPDX-License-Identifier: MIT
// The functions of malloc_counting_functions.hpp.
#pragma once

#include <peakscope/heap/interpose/glibc_allocator.hpp>
#include <peakscope/heap/interpose/resize.hpp>

#define PEAKSCOPE_OPERATORS_OVER peakscope::heap::detail::glibc_allocator
#include <peakscope/heap/interpose/operators.hpp>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <dlfcn.h>
#include <unistd.h>

// It declares posix_memalign without glibc's noexcept, which clang++ lets pass before a definition and not after it.
#if defined(__clang__) && __has_include(<mm_malloc.h>)
#include <mm_malloc.h>
#endif

namespace peakscope::heap::detail {

namespace {
[[maybe_unused]] const bool noted_as_replaced =
    (engine::state.malloc_is_replaced.store(true, std::memory_order_relaxed), true);
} // namespace

// `frame` is that of the function that the program called. As glibc takes them: an alignment that is no power of two is
// rounded up to one.
[[nodiscard]] inline void* counted_memalign(std::size_t alignment, std::size_t requested_bytes,
                                            const void* frame) noexcept {
    if (alignment > SIZE_MAX / 2 + 1) {
        errno = EINVAL;
        return nullptr;
    }
    return new_slow<glibc_allocator, on_failure::sets_errno>(requested_bytes, std::bit_ceil(alignment), frame);
}

// Always inlined, as what it calls is.
[[gnu::always_inline]] inline void* counted_realloc(void* block, std::size_t requested_bytes) noexcept {
    if (block == nullptr) return counted_new<glibc_allocator, on_failure::sets_errno>(requested_bytes);
    if (requested_bytes > 0) return counted_resize<glibc_allocator>(block, requested_bytes, __builtin_frame_address(0));
    counted_delete<glibc_allocator>(block);
    return nullptr;
}

[[nodiscard]] inline std::size_t page_bytes() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// What glibc says of a block that is not ours. In a program that is linked statically there is no next function.
[[nodiscard]] inline std::size_t usable_bytes_of_foreign(void* block) noexcept {
    if (::__malloc_usable_size != nullptr) return ::__malloc_usable_size(block);
    using function = std::size_t (*)(void*);
    static const auto of_glibc = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "malloc_usable_size"));
    return of_glibc != nullptr ? of_glibc(block) : 0;
}

} // namespace peakscope::heap::detail

// A linker that names one of these as a second definition links statically, and needs -Wl,-z,muldefs: see
// malloc_counting_functions.hpp.
extern "C" {

[[gnu::noinline]] void* malloc(std::size_t n) noexcept {
    using namespace peakscope::heap::detail;
    return counted_new<glibc_allocator, on_failure::sets_errno>(n);
}

[[gnu::noinline]] void free(void* block) noexcept {
    using namespace peakscope::heap::detail;
    counted_delete<glibc_allocator>(block);
}

[[gnu::noinline]] void* calloc(std::size_t count, std::size_t size) noexcept {
    using namespace peakscope::heap::detail;
    std::size_t n = 0;
    if (__builtin_mul_overflow(count, size, &n)) {
        errno = ENOMEM;
        return nullptr;
    }
    return counted_zeros<glibc_allocator>(n);
}

// The name of its section is what a linker shows of the place of a definition where there is no debug information.
[[gnu::noinline, gnu::section(".text.a_static_program_needs_-Wl_-z_muldefs")]] void* realloc(void* block,
                                                                                             std::size_t n) noexcept {
    return peakscope::heap::detail::counted_realloc(block, n);
}

[[gnu::noinline]] void* reallocarray(void* block, std::size_t count, std::size_t size) noexcept {
    using namespace peakscope::heap::detail;
    std::size_t n = 0;
    if (__builtin_mul_overflow(count, size, &n)) {
        errno = ENOMEM;
        return nullptr;
    }
    return counted_realloc(block, n);
}

[[gnu::noinline]] int posix_memalign(void** block, std::size_t alignment, std::size_t n) noexcept {
    using namespace peakscope::heap::detail;
    if (!std::has_single_bit(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    const int before = errno; // is the caller's
    void* const made = counted_memalign(alignment, n, __builtin_frame_address(0));
    errno = before;
    if (made == nullptr) return ENOMEM;
    *block = made;
    return 0;
}

[[gnu::noinline]] void* memalign(std::size_t alignment, std::size_t n) noexcept {
    return peakscope::heap::detail::counted_memalign(alignment, n, __builtin_frame_address(0));
}

[[gnu::noinline]] void* aligned_alloc(std::size_t alignment, std::size_t n) noexcept {
    return peakscope::heap::detail::counted_memalign(alignment, n, __builtin_frame_address(0));
}

[[gnu::noinline]] void* valloc(std::size_t n) noexcept {
    using namespace peakscope::heap::detail;
    return counted_memalign(page_bytes(), n, __builtin_frame_address(0));
}

[[gnu::noinline]] void* pvalloc(std::size_t n) noexcept {
    using namespace peakscope::heap::detail;
    const std::size_t page = page_bytes();
    if (n > SIZE_MAX - page) {
        errno = ENOMEM;
        return nullptr;
    }
    return counted_memalign(page, (n + page - 1) / page * page, __builtin_frame_address(0));
}

[[gnu::noinline]] std::size_t malloc_usable_size(void* block) noexcept {
    using namespace peakscope::heap::detail;
    if (block == nullptr) return 0;
    return has_header(block) ? block_header::of(block).requested_bytes : usable_bytes_of_foreign(block);
}

} // extern "C"
