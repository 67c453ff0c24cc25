// SPDX-License-Identifier: MIT
// Every call stack once. A stack gets its place on its first sight and keeps it for the life of the process, so that
// an allocation's record is one pointer or number and two stacks are equal when their pointers are.
#pragma once

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
        index_ = static_cast<std::uint32_t*>(reserve_pages(2 * most_stacks * sizeof(std::uint32_t)));
        if (words_ == nullptr || index_ == nullptr) {
            release_pages(words_, words_a_stack * most_stacks * sizeof(address));
            release_pages(index_, 2 * most_stacks * sizeof(std::uint32_t));
            return false;
        }
        most_stacks_ = most_stacks;
        return true;
    }

    // Null when the table is full.
    [[nodiscard]] stored_stack intern(const stack_view& stack) noexcept {
        if (most_stacks_ == 0) return nullptr;
        const std::size_t slots = 2 * most_stacks_;
        std::size_t slot = hash_of(stack, 0) % slots;
        for (; index_[slot] != 0; slot = (slot + 1) % slots)
            if (const stored_stack found = words_ + index_[slot]; view_of(found) == stack) return found;
        if (stacks_ == most_stacks_ || used_words_ + stack.depth + 1 > words_a_stack * most_stacks_) return nullptr;
        address* const stored = words_ + used_words_;
        stored[0] = stack.depth;
        for (std::size_t i = 0; i < stack.depth; ++i)
            stored[1 + i] = stack.frames[i];
        index_[slot] = static_cast<std::uint32_t>(used_words_);
        used_words_ += stack.depth + 1;
        ++stacks_;
        return stored;
    }

    [[nodiscard]] std::int64_t resident() const noexcept {
        if (stacks_ == 0) return 0;
        return resident_bytes(words_, used_words_ * sizeof(address)) +
               resident_bytes(index_, 2 * most_stacks_ * sizeof(std::uint32_t));
    }

  private:
    static constexpr std::size_t words_a_stack = 17;

    address* words_ = nullptr;
    std::uint32_t* index_ = nullptr; // where a stack begins among the words; 0 for none
    std::size_t used_words_ = 1;
    std::size_t stacks_ = 0;
    std::size_t most_stacks_ = 0;
};

} // namespace peakscope::sites::detail
