// SPDX-License-Identifier: MIT
// heap::glibc: what glibc's malloc says of itself (mallinfo2(3), glibc 2.33 and later), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::glibc<>>;
//
// live is the bytes of chunks in use: each block with its 8 bytes of administration, rounded up to 16. A chunk that a
// thread's cache (tcache) keeps after free counts as in use, so the figure is bounded by what the caches can hold:
// seven chunks of each of 64 sizes a thread. A reading walks the lists of free chunks: 0.1 ms where there are
// thousands. To settle, free pages go back to the system (malloc_trim).
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/heap/statistics/allocator_statistics.hpp>

namespace peakscope::heap {

namespace detail {

struct glibc_statistics {
    static constexpr const char* name = "glibc";
    static constexpr const char* unit = "chunk";

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static const char* missing() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static void settle() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static allocator_reading read() noexcept;
};

} // namespace detail

/// The heap source over glibc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class glibc : public detail::statistics_source<detail::glibc_statistics, Options...> {};

} // namespace peakscope::heap
