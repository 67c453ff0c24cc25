// SPDX-License-Identifier: MIT
// How much of what is resident is the profiler's, at a boundary of windows: what a heap source tells an RSS source, so
// that RSS figures are the program's.
#pragma once

#include <peakscope/core/byte_count.hpp>

#include <cstdint>

namespace peakscope {

struct own_residence {
    bytes tables{}; ///< what the profiler has for itself, to the page
    /// What lies beside the program's blocks: their headers. What is freed stays resident as a rule, and with it the
    /// headers; how many these are is between what is live and what was.
    bytes headers{};
    bytes heap{};               ///< all that live blocks take, with headers and what malloc adds
    bytes most_headers{};       ///< when there were most blocks since the last boundary, as far as is known
    bytes heap_then{};          ///< `heap` at that time
    bytes largest_heap{};       ///< since the last boundary; 0 where that is not known
    bytes headers_at_largest{}; ///< the most that there were up to then, since the last boundary
    /// What lives at any moment, to a batch of each thread, asked on any thread at any time; null where that is not
    /// known.
    std::int64_t (*live_bytes)() noexcept = nullptr;
};

} // namespace peakscope
