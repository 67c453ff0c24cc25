// SPDX-License-Identifier: MIT
// The counting engine under either set of replaced functions: tests of what holds for both are built twice.
// The functions themselves are linked.
#pragma once

#ifdef OVER_MALLOC
#include <peakscope/heap/malloc_counting.hpp>
#else
#include <peakscope/heap/counting.hpp>
#endif

#include <cstddef>
#include <cstdlib>
#include <new>

namespace tests {

#ifdef OVER_MALLOC

template <class... Options>
using counted_heap = peakscope::heap::malloc_counting<Options...>;
template <peakscope::bytes Rate, class... Options>
using sampled_heap = peakscope::heap::malloc_sampling<Rate, Options...>;

inline constexpr bool over_malloc = true;

// Every function has its turn, the operators too. Always inlined: the caller is the site.
[[gnu::always_inline]] inline void* allocate(std::size_t size_bytes, std::size_t alignment) {
    if (alignment != 0) return std::aligned_alloc(alignment, size_bytes);
    switch (size_bytes % 3) {
    case 0:
        return std::malloc(size_bytes);
    case 1:
        return std::calloc(1, size_bytes);
    default:
        return ::operator new(size_bytes);
    }
}
inline void deallocate(void* block, std::size_t, std::size_t, bool) { std::free(block); }
// Which of the calls of `allocate` that is.
inline std::size_t call_of(std::size_t size_bytes, std::size_t alignment) {
    return alignment != 0 ? 3 : size_bytes % 3;
}

#else

template <class... Options>
using counted_heap = peakscope::heap::counting<Options...>;
template <peakscope::bytes Rate, class... Options>
using sampled_heap = peakscope::heap::sampling<Rate, Options...>;

inline constexpr bool over_malloc = false;

[[gnu::always_inline]] inline void* allocate(std::size_t size_bytes, std::size_t alignment) {
    return alignment == 0 ? ::operator new(size_bytes) : ::operator new(size_bytes, std::align_val_t{alignment});
}
inline std::size_t call_of(std::size_t, std::size_t alignment) { return alignment != 0 ? 1 : 0; }
inline void deallocate(void* block, std::size_t size_bytes, std::size_t alignment, bool sized) {
    if (alignment != 0)
        ::operator delete(block, std::align_val_t{alignment});
    else if (sized)
        ::operator delete(block, size_bytes);
    else
        ::operator delete(block);
}

#endif

} // namespace tests
