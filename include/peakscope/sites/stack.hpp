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
/// on any thread. It takes no lock and allocates nothing, and returns 0 where it would have to.
///
/// A policy may also have `find(walked, frames, frame)`, called for each stack that is new, and for each one that
/// `walk` does not find: it fills `frames` with what holds, returns how many these are, and sees to it that `walk`
/// finds the same from then on, as far as it can. It must not allocate through the measured heap.
///
/// A policy that keeps tables says with `own_bytes()` how much memory they take; that is part of the profiler's own.
template <class Policy>
concept stack_capture = requires(address* frames, const void* frame) {
    { Policy::max_frames } -> std::convertible_to<std::size_t>;
    { Policy::walk(frames, frame) } noexcept -> std::same_as<std::size_t>;
};

template <class Policy>
concept finds_stacks = stack_capture<Policy> && requires(stack_view walked, address* frames, const void* frame) {
    { Policy::find(walked, frames, frame) } noexcept -> std::same_as<std::size_t>;
};

template <class Policy>
concept keeps_tables = stack_capture<Policy> && requires {
    { Policy::own_bytes() } noexcept -> std::same_as<std::int64_t>;
};

} // namespace peakscope::sites
