// SPDX-License-Identifier: MIT
// The stacks that one thread has seen, with the origins that their blocks have. A thread looks its stacks up here
// without a lock, and without touching what other threads write.
#pragma once

#include <peakscope/engine/origin_table.hpp>
#include <peakscope/memory/hash.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/stack_table.hpp>

#include <cstddef>
#include <cstdint>

namespace peakscope::engine {

class stack_cache {
  public:
    // It starts small and doubles as it fills; when it is full, it begins anew. Growing forgets all as well: each stack
    // is then looked up once in the tables of the process.
    static constexpr std::size_t most_slots = 65'536;
    static constexpr std::size_t size_bytes() noexcept { return most_slots * sizeof(slot); }

    // Room for it in pages that read as zeros, `size_bytes()` of it; where these pages are marked.
    void use(std::byte* room, memory::resident_marks& pages) noexcept {
        slots_ = reinterpret_cast<slot*>(room);
        pages_ = &pages;
    }

    // The origin of the stack in this context, or `not_attributed`. Most stacks are `Most` frames deep: for these, the
    // compiler knows how often the loops run.
    template <std::size_t Most>
    [[nodiscard, gnu::always_inline]] origin find(const sites::stack_table& stacks, const sites::stack_view& stack,
                                                  origin context) const noexcept {
        if (stack.depth == Most) [[likely]]
            return find(stacks, sites::stack_view{stack.frames, Most}, context);
        return find(stacks, stack, context);
    }

    // The context is below `most_origins`, and the origin is not `not_attributed`.
    void insert(const sites::stack_table& stacks, sites::stored_stack stack, origin context, origin from) noexcept {
        const sites::stack_view view = sites::view_of(stack);
        if (find(stacks, view, context) != not_attributed) return;
        if (2 * (used_ + 1) > mask_ + 1) {
            if (mask_ + 1 < most_slots) mask_ = 2 * mask_ + 1;
            clear();
        }
        const std::uint64_t hash = sites::hash_of(view, context);
        std::size_t at = hash & mask_;
        while (slots_[at].key != 0)
            at = (at + 1) & mask_;
        pages_->touch(&slots_[at], sizeof(slot));
        slots_[at] = {key_of(hash, context, view.depth), stacks.place_of(stack), from};
        ++used_;
    }

    void clear() noexcept {
        pages_->clear(reinterpret_cast<std::byte*>(slots_), (mask_ + 1) * sizeof(slot));
        used_ = 0;
    }

  private:
    struct slot {
        std::uint64_t key;   // 0: empty
        std::uint32_t stack; // its place in the table of stacks
        origin from;
    };
    static_assert(sizeof(slot) == 16);

    // Half of the hash, the context and the depth, which is not 0.
    static constexpr unsigned depth_bits = 7;
    static_assert(sites::most_frames < 1U << depth_bits && most_origins <= 1U << (32 - depth_bits));
    [[nodiscard]] static std::uint64_t key_of(std::uint64_t hash, origin context, std::size_t depth) noexcept {
        return (hash & 0xffff'ffff'0000'0000U) | context << depth_bits | depth;
    }

    [[nodiscard, gnu::always_inline]] origin find(const sites::stack_table& stacks, const sites::stack_view& stack,
                                                  origin context) const noexcept {
        if (stack.depth == 0) return not_attributed;
        const std::uint64_t hash = sites::hash_of(stack, context);
        const std::uint64_t key = key_of(hash, context, stack.depth);
        for (std::size_t at = hash & mask_; slots_[at].key != 0; at = (at + 1) & mask_) {
            if (slots_[at].key != key) continue;
            const sites::address* const frames = stacks.frames_at(slots_[at].stack);
            std::size_t same = 0;
            while (same < stack.depth && frames[same] == stack.frames[same])
                ++same;
            if (same == stack.depth) return slots_[at].from;
        }
        return not_attributed;
    }

    slot* slots_ = nullptr;
    memory::resident_marks* pages_ = nullptr;
    std::size_t mask_ = 1'023;
    std::size_t used_ = 0;
};

} // namespace peakscope::engine
