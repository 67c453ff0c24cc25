// SPDX-License-Identifier: MIT
// sites::frames<N>: the innermost N frames by frame pointers. The program must be built with -fno-omit-frame-pointer;
// a stack then costs some nanoseconds.
//
// Libraries are seldom built so, and a function without a frame pointer makes the walk leave out its caller: the very
// line in the user's code that called std::string::append, for example. Each new stack is therefore compared with what
// libunwind finds. Where they are the same, all of its functions keep a frame pointer, and the stack is trusted from
// then on. Where the walk left out a function of the program, that stack is unwound each time. Needs libunwind
// (libunwind-dev, -lunwind).
#pragma once

#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/objects.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/stack_limits.hpp>
#include <peakscope/sites/unwind.hpp>

#include <array>
#include <cstddef>

namespace peakscope::sites {

template <std::size_t Frames, class Symboliser>
struct frames {
    static_assert(Frames >= 1 && Frames <= most_frames, "peakscope: sites::frames keeps 1 to 64 frames");
    using symboliser = Symboliser;
    static constexpr std::size_t max_frames = Frames;
    static constexpr bool checks_stacks = true;

    // A frame is two words: the caller's frame, and the address that the function returns to.
    [[gnu::always_inline, gnu::no_sanitize_address, gnu::no_sanitize_thread]] static std::size_t
    walk(address* found, const void* frame) noexcept {
        const auto* at = static_cast<const address*>(frame);
        found[0] = at[1];
        const detail::stack_limits& limits = detail::limits_here();
        // On a stack of its own, a coroutine's for example, where that ends is not known.
        if (!limits.hold(reinterpret_cast<address>(at))) return 1;
        std::size_t depth = 1;
        for (; depth < Frames; ++depth) {
            const address next = at[0];
            // Frames lie the further out the higher. What is no frame ends the walk.
            if (next <= reinterpret_cast<address>(at) || next > limits.high - 2 * sizeof(address) ||
                next % sizeof(address) != 0)
                break;
            at = reinterpret_cast<const address*>(next); // NOLINT(performance-no-int-to-ptr)
            if (at[1] == 0) break;
            found[depth] = at[1];
        }
        return depth;
    }

    static std::size_t unwind(address* found, const void* frame) noexcept {
        return detail::unwind_from(found, Frames, frame);
    }

    /// How many frames of a walked stack hold; `walk_slowly` where it left out a function that is not a library's.
    static std::size_t trusted(const stack_view& walked, const void* frame) noexcept {
        std::array<address, Frames> unwound{};
        const std::size_t depth = detail::unwind_and_learn(unwound.data(), Frames, frame);
        std::size_t common = 0;
        while (common < depth && common < walked.depth && unwound[common] == walked.frames[common])
            ++common;
        if (common == walked.depth && (common == Frames || common == depth)) return common;
        if (common == 0) return 1;
        // The two differ behind a function without a frame pointer. Nothing is lost when behind it lies but the way
        // into the thread or into main: the language's own libraries, and at last the entry point.
        const bool ended = depth < Frames;
        for (std::size_t i = common; i < depth; ++i)
            if (!detail::in_runtime_library(unwound[i]) && !(ended && i + 1 == depth)) return walk_slowly;
        return common;
    }
};

} // namespace peakscope::sites
