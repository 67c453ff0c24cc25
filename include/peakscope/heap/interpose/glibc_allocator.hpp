// SPDX-License-Identifier: MIT
// glibc's allocator, by the names under which it is found where the malloc family is replaced. There is no other way
// to it that works before the dynamic loader has finished. Needs glibc.
#pragma once

#include <cstddef>

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
[[gnu::weak]] std::size_t __malloc_usable_size(void*); // in libc.a alone
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
}

namespace peakscope::heap::detail {

struct glibc_allocator {
    [[nodiscard]] static void* allocate(std::size_t size_bytes) noexcept { return ::__libc_malloc(size_bytes); }
    [[nodiscard]] static void* allocate_aligned(std::size_t alignment, std::size_t size_bytes) noexcept {
        return ::__libc_memalign(alignment, size_bytes);
    }
    [[nodiscard]] static void* allocate_zeros(std::size_t size_bytes) noexcept {
        return ::__libc_calloc(1, size_bytes);
    }
    [[nodiscard]] static void* reallocate(void* memory, std::size_t size_bytes) noexcept {
        return ::__libc_realloc(memory, size_bytes);
    }
    static void deallocate(void* memory) noexcept { ::__libc_free(memory); }
};

} // namespace peakscope::heap::detail
