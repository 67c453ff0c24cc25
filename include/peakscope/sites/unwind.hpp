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

template <std::size_t Frames, class Symboliser>
struct unwind {
    static_assert(Frames >= 1 && Frames <= most_frames, "peakscope: sites::unwind keeps 1 to 64 frames");
    using symboliser = Symboliser;
    static constexpr std::size_t max_frames = Frames;

    [[gnu::always_inline]] static std::size_t walk(address* found, const void* frame) noexcept {
        return detail::follow_rules(found, Frames, frame, detail::no_code{});
    }
    static std::size_t find(const stack_view&, address* found, const void* frame) noexcept {
        return detail::unwind_from(found, Frames, frame);
    }
};

} // namespace peakscope::sites
