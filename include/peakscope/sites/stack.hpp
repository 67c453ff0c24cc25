// SPDX-License-Identifier: MIT
// A call stack as it is recorded: the return addresses from the function that called the allocator outwards.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace peakscope::sites {

using address = std::uintptr_t;

/// No policy keeps more frames than this.
inline constexpr std::size_t most_frames = 64;

/// Frames that somebody else owns, the innermost first.
struct stack_view {
    const address* frames = nullptr;
    std::size_t depth = 0;

    friend bool operator==(const stack_view& left, const stack_view& right) noexcept {
        return left.depth == right.depth &&
               (left.depth == 0 || std::memcmp(left.frames, right.frames, left.depth * sizeof(address)) == 0);
    }
};

/// How the stack of an allocation is captured. `walk` fills `frames`, which has room for `max_frames`, and returns how
/// many it found, from the caller of the function whose frame address it is given. It is called for every allocation,
/// on any thread, and must not allocate through the measured heap.
///
/// A policy whose `walk` cannot be trusted for every stack says `checks_stacks`. It then has `trusted(stack, frame)`,
/// asked once for each new stack, which returns how many of its frames hold, or `walk_slowly` for a stack of which only
/// `unwind`, with the same arguments as `walk`, knows the frames.
template <class Policy>
concept stack_capture = requires(address* frames, const void* frame) {
    { Policy::max_frames } -> std::convertible_to<std::size_t>;
    { Policy::checks_stacks } -> std::convertible_to<bool>;
    { Policy::walk(frames, frame) } noexcept -> std::same_as<std::size_t>;
};

inline constexpr std::size_t walk_slowly = static_cast<std::size_t>(-1);

} // namespace peakscope::sites
