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
#include <peakscope/sites/unwind.hpp>

#include <array>
#include <cstddef>

#if defined(__linux__)
#include <pthread.h>
#endif

namespace peakscope::sites {

namespace detail {

// Where the thread's stack lies. No frame is read outside of it: code without frame pointers leaves anything in the
// register.
struct stack_limits {
    address low = 0;
    address high = 0;
    bool known = false;
};
inline constinit thread_local stack_limits limits_of_thread{};

[[gnu::noinline, gnu::cold]] inline void find_stack_limits() noexcept {
    limits_of_thread.known = true;
#if defined(__linux__)
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return;
    void* low = nullptr;
    std::size_t size_bytes = 0;
    if (::pthread_attr_getstack(&attributes, &low, &size_bytes) == 0) {
        limits_of_thread.low = reinterpret_cast<address>(low);
        limits_of_thread.high = limits_of_thread.low + size_bytes;
    }
    static_cast<void>(::pthread_attr_destroy(&attributes));
#endif
}

} // namespace detail

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
        const detail::stack_limits& limits = detail::limits_of_thread;
        if (!limits.known) [[unlikely]]
            detail::find_stack_limits();
        // On a stack of its own, a coroutine's for example, where that ends is not known.
        if (reinterpret_cast<address>(at) - limits.low >= limits.high - limits.low) return 1;
        std::size_t depth = 1;
        for (; depth < Frames; ++depth) {
            const address next = at[0];
            // Frames lie the further out the higher. What is no frame ends the walk.
            if (next <= reinterpret_cast<address>(at) || next > limits.high - 2 * sizeof(address) ||
                next % sizeof(address) != 0)
                break;
            at = reinterpret_cast<const address*>(next);
            if (at[1] == 0) break;
            found[depth] = at[1];
        }
        return depth;
    }

    static std::size_t unwind(address* found, const void* frame) noexcept {
        return detail::unwind_from<Frames, 3>(found, frame);
    }

    /// How many frames of a walked stack hold; `walk_slowly` where it left out a function that is not a library's.
    static std::size_t trusted(const stack_view& walked, const void* frame) noexcept {
        std::array<address, Frames> unwound{};
        const std::size_t depth = unwind(unwound.data(), frame);
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
