// SPDX-License-Identifier: MIT
// The memory of blocks where the operators alone are replaced: the C library's, or that of whoever is linked or
// preloaded in its place.
#pragma once

#include <cstddef>
#include <cstdlib>

#if defined(_WIN32)
#include <malloc.h>
#endif

namespace peakscope::heap::detail {

#if defined(_WIN32) // over-aligned blocks have a free of their own there: all blocks go that way
struct c_allocator {
    [[nodiscard]] static void* allocate(std::size_t size_bytes) noexcept {
        return ::_aligned_malloc(size_bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    }
    [[nodiscard]] static void* allocate_aligned(std::size_t alignment, std::size_t size_bytes) noexcept {
        return ::_aligned_malloc(size_bytes, alignment);
    }
    static void deallocate(void* memory) noexcept { ::_aligned_free(memory); }
};
#else
struct c_allocator {
    [[nodiscard]] static void* allocate(std::size_t size_bytes) noexcept { return std::malloc(size_bytes); }
    [[nodiscard]] static void* allocate_aligned(std::size_t alignment, std::size_t size_bytes) noexcept {
        // It wants a multiple of the alignment; the largest sizes have none.
        const std::size_t whole_bytes = (size_bytes + alignment - 1) / alignment * alignment;
        return whole_bytes < size_bytes ? nullptr : std::aligned_alloc(alignment, whole_bytes);
    }
    static void deallocate(void* memory) noexcept { std::free(memory); }
};
#endif

} // namespace peakscope::heap::detail
