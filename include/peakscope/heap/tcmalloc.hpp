// SPDX-License-Identifier: MIT
// heap::tcmalloc: what gperftools' tcmalloc says of itself (MallocExtension), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::tcmalloc<>>;
//
// live is `generic.current_allocated_bytes`: the blocks that the program holds, with what their sizes are rounded up to
// and without what lies in caches. A reading takes some 25 µs. To settle, free memory is released to the system.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/heap/statistics/allocator_statistics.hpp>

namespace peakscope::heap {

namespace detail {

struct tcmalloc_statistics {
    static constexpr const char* name = "tcmalloc";
    static constexpr const char* unit = "usable";

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static const char* missing() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static void settle() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static allocator_reading read() noexcept;
};

} // namespace detail

/// The heap source over tcmalloc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class tcmalloc : public detail::statistics_source<detail::tcmalloc_statistics, Options...> {};

} // namespace peakscope::heap
