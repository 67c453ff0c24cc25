// SPDX-License-Identifier: MIT
// Every call stack once. A stack gets its place on its first sight and keeps it for the life of the process, so that
// an allocation's record is one pointer or number and two stacks are equal when their pointers are.
#pragma once

#include <peakscope/sites/number_index.hpp>
#include <peakscope/sites/pages.hpp>
#include <peakscope/sites/stack.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

namespace peakscope::sites::detail {

// Held for some instructions at a time, by threads that may not call the allocator.
class spin_lock {
  public:
    void lock() noexcept {
        while (taken_.exchange(true, std::memory_order_acquire))
            std::this_thread::yield();
    }
    void unlock() noexcept { taken_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> taken_{false};
};

// A hash that grows with the stack: one multiplication a frame, as fast as the walk that finds them.
inline constexpr std::uint64_t hash_factor = 0x9e3779b97f4a7c15U; // 2^64 / golden ratio
[[nodiscard]] constexpr std::uint64_t add_to_hash(std::uint64_t hash, std::uint64_t value) noexcept {
    return (hash ^ value) * hash_factor;
}
// The high bits of a product depend on all of it, the low ones do not.
[[nodiscard]] constexpr std::uint64_t finished_hash(std::uint64_t hash) noexcept { return hash ^ hash >> 32U; }

[[nodiscard]] inline std::uint64_t hash_of(const stack_view& stack, std::uint64_t seed) noexcept {
    std::uint64_t hash = seed;
    for (std::size_t i = 0; i < stack.depth; ++i)
        hash = add_to_hash(hash, stack.frames[i]);
    return finished_hash(hash);
}

// An interned stack: its depth and then its frames.
using stored_stack = const address*;

[[nodiscard]] inline stack_view view_of(stored_stack stack) noexcept {
    return stack == nullptr ? stack_view{} : stack_view{stack + 1, stack[0]};
}

// Not synchronised: callers hold a lock. Interned stacks never move, so that they may be read without it.
class stack_table {
  public:
    // Room for so many stacks, of 16 frames on average.
    [[nodiscard]] bool set_up(std::size_t most_stacks) noexcept {
        words_ = static_cast<address*>(reserve_pages(words_a_stack * most_stacks * sizeof(address)));
        if (words_ != nullptr) most_words_ = words_a_stack * most_stacks;
        return words_ != nullptr;
    }

    // Null when the table is full.
    [[nodiscard]] stored_stack intern(const stack_view& stack) noexcept {
        const std::uint64_t hash = hash_of(stack, 0);
        const auto found = index_.find(hash, [&](std::uint32_t at) { return view_of(words_ + at) == stack; });
        if (found != 0) return words_ + found;
        const auto at = static_cast<std::uint32_t>(used_words_);
        if (used_words_ + stack.depth + 1 > most_words_ ||
            !index_.insert(hash, at, [&](std::uint32_t other) { return hash_of(view_of(words_ + other), 0); }))
            return nullptr;
        words_[at] = stack.depth;
        for (std::size_t i = 0; i < stack.depth; ++i)
            words_[at + 1 + i] = stack.frames[i];
        used_words_ += stack.depth + 1;
        return words_ + at;
    }

    [[nodiscard]] std::int64_t resident() const noexcept {
        return resident_bytes(words_, used_words_ * sizeof(address)) + index_.resident();
    }

  private:
    static constexpr std::size_t words_a_stack = 17;

    address* words_ = nullptr;
    number_index index_; // where stacks begin among the words
    std::size_t used_words_ = 1;
    std::size_t most_words_ = 0;
};

} // namespace peakscope::sites::detail
