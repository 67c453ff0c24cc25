// SPDX-License-Identifier: MIT
// Every call stack once. A stack gets its place on its first sight and keeps it for the life of the process, so that
// an allocation's record is one pointer or number and two stacks are equal when their pointers are.
#pragma once

#include <peakscope/memory/hash.hpp>
#include <peakscope/memory/number_index.hpp>
#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/sites/stack.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>

namespace peakscope::sites {

// One multiplication a stack; before it, its frames lie over each other, each turned against the next.
[[nodiscard, gnu::always_inline]] inline std::uint64_t hash_of(const stack_view& stack, std::uint64_t seed) noexcept {
    std::uint64_t hash = seed;
    for (std::size_t i = 0; i < stack.depth; ++i)
        hash = std::rotl(hash, 7) ^ stack.frames[i];
    return memory::finished_hash(hash * memory::hash_factor);
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
        words_ = static_cast<address*>(memory::reserve_pages(words_a_stack * most_stacks * sizeof(address)));
        if (words_ != nullptr) most_words_ = words_a_stack * most_stacks;
        return words_ != nullptr;
    }

    // A stack as a number, and the frames of it.
    [[nodiscard]] std::uint32_t place_of(stored_stack stack) const noexcept {
        return static_cast<std::uint32_t>(stack - words_);
    }
    [[nodiscard]] const address* frames_at(std::uint32_t place) const noexcept { return words_ + place + 1; }

    // Null when it has not been interned.
    [[nodiscard]] stored_stack find(const stack_view& stack) const noexcept { return find(stack, hash_of(stack, 0)); }

    // Null when the table is full.
    [[nodiscard]] stored_stack intern(const stack_view& stack) noexcept {
        const std::uint64_t hash = hash_of(stack, 0);
        if (const stored_stack found = find(stack, hash)) return found;
        const auto at = static_cast<std::uint32_t>(used_words_);
        if (used_words_ + stack.depth + 1 > most_words_ ||
            !index_.insert(hash, at, [&](std::uint32_t other) { return hash_of(view_of(words_ + other), 0); }))
            return nullptr;
        resident_.reach(words_, (used_words_ + stack.depth + 1) * sizeof(address));
        words_[at] = stack.depth;
        for (std::size_t i = 0; i < stack.depth; ++i)
            words_[at + 1 + i] = stack.frames[i];
        used_words_ += stack.depth + 1;
        return words_ + at;
    }

  private:
    static constexpr std::size_t words_a_stack = 17;

    [[nodiscard]] stored_stack find(const stack_view& stack, std::uint64_t hash) const noexcept {
        const auto found = index_.find(hash, [&](std::uint32_t at) { return view_of(words_ + at) == stack; });
        return found == 0 ? nullptr : words_ + found;
    }

    address* words_ = nullptr;
    memory::resident_front resident_{};
    memory::number_index index_{}; // where stacks begin among the words
    std::size_t used_words_ = 1;
    std::size_t most_words_ = 0;
};

} // namespace peakscope::sites
