// SPDX-License-Identifier: MIT
// sites::frames<N>: the innermost N frames by frame pointers. The program must be built with -fno-omit-frame-pointer;
// a stack then costs some nanoseconds.
//
// Libraries are seldom built so, and a walk through a function without a frame pointer leaves out its caller: the very
// line in the user's code that called std::string::append, for example. So the walk goes by frame pointers through the
// code of the program, and through libraries as sites::unwind does. Each new stack is compared with what that finds;
// where a function of the program turns out to keep no frame pointer, it and what lies beyond it in the program
// (what is linked statically from elsewhere, as a rule) is walked as a library is from then on. Needs libunwind
// (libunwind-dev, -lunwind).
#pragma once

#include <peakscope/sites/frame_pointers.hpp>
#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/unwind_rules.hpp>

#include <cstddef>

namespace peakscope::sites {

template <std::size_t Frames, class Symboliser>
struct frames {
    static_assert(Frames >= 1 && Frames <= most_frames, "peakscope: sites::frames keeps 1 to 64 frames");
    using symboliser = Symboliser;
    static constexpr std::size_t max_frames = Frames;

    [[gnu::always_inline]] static std::size_t walk(address* found, const void* frame) noexcept {
        return detail::follow_rules(found, Frames, frame, detail::code_with_frame_pointers.now());
    }
    static std::size_t find(const stack_view& walked, address* found, const void* frame) noexcept {
        detail::code_with_frame_pointers.set_up();
        const std::size_t depth = detail::unwind_from(found, Frames, frame);
        std::size_t common = 0;
        while (common < depth && common < walked.depth && found[common] == walked.frames[common])
            ++common;
        // The step from the last frame that is the same went wrong.
        if (common > 0 && (common < depth || common < walked.depth))
            detail::code_with_frame_pointers.leave_out(found[common - 1]);
        return depth;
    }
};

} // namespace peakscope::sites
