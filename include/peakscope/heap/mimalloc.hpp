// SPDX-License-Identifier: MIT
// heap::mimalloc: what mimalloc says of itself (2.0 and later), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::mimalloc<>>;
//
// A released mimalloc counts what it has committed and not what is live in it, so live is committed bytes here: whole
// segments, of 32 MiB as a rule. Good for what a program costs, too coarse for a small phase. A reading takes less than
// a microsecond. To settle, free memory is collected (mi_collect).
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/heap/statistics/allocator_statistics.hpp>

namespace peakscope::heap {

namespace detail {

struct mimalloc_statistics {
    static constexpr const char* name = "mimalloc";
    static constexpr const char* unit = "committed";

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static const char* missing() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static void settle() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static allocator_reading read() noexcept;
};

} // namespace detail

/// The heap source over mimalloc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class mimalloc : public detail::statistics_source<detail::mimalloc_statistics, Options...> {};

} // namespace peakscope::heap
