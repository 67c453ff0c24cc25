// SPDX-License-Identifier: MIT
// sites::unwind<N>: the innermost N frames by libunwind, from the tables that every function has for exceptions. Works
// in code without frame pointers, which is what Debian's libraries are. Needs libunwind (libunwind-dev, -lunwind).
#pragma once

#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/stack.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

namespace peakscope::sites {

namespace detail {

// The frames from the return address of `frame` on. What lies before it is the profiler: `Above` frames where its calls
// are inlined as far as they can be, and at most `furthest_above`.
inline constexpr std::size_t furthest_above = 16;

template <std::size_t Frames, std::size_t Above>
[[nodiscard]] std::size_t unwind_from(address* frames, const void* frame) noexcept {
    std::array<void*, Frames + Above> found; // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    const int count = ::unw_backtrace(found.data(), static_cast<int>(found.size()));
    auto* const end = found.data() + std::max(count, 0);
    auto* const wanted = reinterpret_cast<void*>(static_cast<const address*>(frame)[1]);
    auto* const first = std::find(found.data(), end, wanted);
    if (first == end) {
        if constexpr (Above < furthest_above) return unwind_from<Frames, furthest_above>(frames, frame);
        frames[0] = reinterpret_cast<address>(wanted); // the unwinder does not know this code: one frame is sure
        return 1;
    }
    const auto depth = std::min(static_cast<std::size_t>(end - first), Frames);
    for (std::size_t i = 0; i < depth; ++i)
        frames[i] = reinterpret_cast<address>(first[i]);
    return depth;
}

} // namespace detail

template <std::size_t Frames, class Symboliser>
struct unwind {
    static_assert(Frames >= 1 && Frames <= most_frames, "peakscope: sites::unwind keeps 1 to 64 frames");
    using symboliser = Symboliser;
    static constexpr std::size_t max_frames = Frames;
    static constexpr bool checks_stacks = false;

    [[gnu::always_inline]] static std::size_t walk(address* frames, const void* frame) noexcept {
        return detail::unwind_from<Frames, 3>(frames, frame);
    }
};

} // namespace peakscope::sites
