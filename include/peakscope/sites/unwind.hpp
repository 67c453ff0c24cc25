// SPDX-License-Identifier: MIT
// sites::unwind<N>: the innermost N frames by libunwind, from the tables that every function has for exceptions. Works
// in code without frame pointers, which is what Debian's libraries are. On x86-64, libunwind is asked once for each
// return address (unwind_rules.hpp). Needs libunwind (libunwind-dev, -lunwind).
#pragma once

#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/unwind_rules.hpp>

#include <cstddef>

namespace peakscope::sites {

namespace detail {

// The frames from the return address of `frame` on, by rules as far as they are known.
[[nodiscard, gnu::always_inline]] inline std::size_t unwind_from(address* frames, std::size_t most,
                                                                 const void* frame) noexcept {
    const std::size_t depth = follow_rules(frames, most, frame);
    return depth > 0 ? depth : unwind_and_learn(frames, most, frame);
}

} // namespace detail

template <std::size_t Frames, class Symboliser>
struct unwind {
    static_assert(Frames >= 1 && Frames <= most_frames, "peakscope: sites::unwind keeps 1 to 64 frames");
    using symboliser = Symboliser;
    static constexpr std::size_t max_frames = Frames;
    static constexpr bool checks_stacks = false;

    [[gnu::always_inline]] static std::size_t walk(address* frames, const void* frame) noexcept {
        return detail::unwind_from(frames, Frames, frame);
    }
};

} // namespace peakscope::sites
