// SPDX-License-Identifier: MIT
// sites::unwind<N>: the innermost N frames by libunwind, from the tables that every function has for exceptions. Works
// in code without frame pointers, which is what Debian's libraries are. On x86-64, libunwind is asked once for each return
// address (unwind_rules.hpp). Needs libunwind (libunwind-dev, -lunwind).
#pragma once

#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/unwind_rules.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

namespace peakscope::sites {

namespace detail {

// The frames from the return address of `frame` on, as libunwind finds them. What lies before it is the profiler itself.
template <std::size_t Frames>
[[nodiscard, gnu::noinline]] std::size_t unwind_slowly(address* frames, const void* frame) noexcept {
    constexpr std::size_t above = 16;
    std::array<void*, Frames + above> found; // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    const int count = ::unw_backtrace(found.data(), static_cast<int>(found.size()));
    auto* const end = found.data() + std::max(count, 0);
    auto* const wanted = reinterpret_cast<void*>(static_cast<const address*>(frame)[1]);
    auto* const first = std::find(found.data(), end, wanted);
    if (first == end) {
        frames[0] = reinterpret_cast<address>(wanted); // the unwinder does not know this code: one frame is sure
        return 1;
    }
    const auto depth = std::min(static_cast<std::size_t>(end - first), Frames);
    for (std::size_t i = 0; i < depth; ++i)
        frames[i] = reinterpret_cast<address>(first[i]);
    return depth;
}

template <std::size_t Frames>
[[nodiscard, gnu::noinline, gnu::cold]] std::size_t unwind_and_learn(address* frames, const void* frame) noexcept {
    learn_rules(frame, Frames);
    return unwind_slowly<Frames>(frames, frame);
}

// The same, by rules as far as they are known.
template <std::size_t Frames>
[[nodiscard, gnu::always_inline]] inline std::size_t unwind_from(address* frames, const void* frame) noexcept {
    const std::size_t depth = follow_rules(frames, Frames, frame);
    return depth > 0 ? depth : unwind_and_learn<Frames>(frames, frame);
}

} // namespace detail

template <std::size_t Frames, class Symboliser>
struct unwind {
    static_assert(Frames >= 1 && Frames <= most_frames, "peakscope: sites::unwind keeps 1 to 64 frames");
    using symboliser = Symboliser;
    static constexpr std::size_t max_frames = Frames;
    static constexpr bool checks_stacks = false;

    [[gnu::always_inline]] static std::size_t walk(address* frames, const void* frame) noexcept {
        return detail::unwind_from<Frames>(frames, frame);
    }
};

} // namespace peakscope::sites
