// SPDX-License-Identifier: MIT
// A hash index over things that are kept elsewhere and have numbers. It grows with them, so that a program with few
// call sites pays for few pages. It has no destructor, because the last events of a process come after all of these.
#pragma once

#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace peakscope::memory {

class number_index {
  public:
    // The number for which `is_wanted(number)` holds, or 0.
    template <class IsWanted>
    [[nodiscard]] std::uint32_t find(std::uint64_t hash, IsWanted is_wanted) const noexcept {
        if (slots_ == 0) return 0;
        for (std::size_t slot = hash % slots_; numbers_[slot] != 0; slot = (slot + 1) % slots_)
            if (is_wanted(numbers_[slot])) return numbers_[slot];
        return 0;
    }

    // `number` is not 0 and not in the index. `hash_of(number)` is asked of the others when the index grows. False when
    // the system has no memory for that.
    template <class HashOf>
    [[nodiscard]] bool insert(std::uint64_t hash, std::uint32_t number, HashOf hash_of) noexcept {
        if (2 * (count_ + 1) > slots_ && !grow(hash_of)) return false;
        place(hash, number);
        ++count_;
        return true;
    }

    void clear() noexcept {
        if (slots_ > 0) std::memset(numbers_, 0, slots_ * sizeof(std::uint32_t));
        count_ = 0;
    }
    // Its memory is given back. Not by a destructor: those of the process stay to its end.
    void release() noexcept {
        resident_.give_back();
        release_pages(numbers_, slots_ * sizeof(std::uint32_t));
        numbers_ = nullptr;
        slots_ = count_ = 0;
    }

    // Empty, without memory.
    void give_back() noexcept {
        resident_.give_back();
        release_pages(numbers_, slots_ * sizeof(std::uint32_t));
        *this = {};
    }

  private:
    void place(std::uint64_t hash, std::uint32_t number) noexcept {
        std::size_t slot = hash % slots_;
        while (numbers_[slot] != 0)
            slot = (slot + 1) % slots_;
        numbers_[slot] = number;
    }

    template <class HashOf>
    [[nodiscard]] bool grow(HashOf hash_of) noexcept {
        const std::size_t slots = slots_ == 0 ? 1'024 : 2 * slots_;
        auto* const numbers = static_cast<std::uint32_t*>(reserve_pages(slots * sizeof(std::uint32_t)));
        if (numbers == nullptr) return false;
        resident_front resident;
        resident.reach(numbers, slots * sizeof(std::uint32_t)); // what is hashed lies everywhere
        std::uint32_t* const old = numbers_;
        const std::size_t old_slots = slots_;
        numbers_ = numbers;
        slots_ = slots;
        for (std::size_t i = 0; i < old_slots; ++i)
            if (old[i] != 0) place(hash_of(old[i]), old[i]);
        resident_.give_back();
        resident_ = resident;
        release_pages(old, old_slots * sizeof(std::uint32_t));
        return true;
    }

    std::uint32_t* numbers_ = nullptr; // 0 for none
    std::size_t slots_ = 0;
    std::size_t count_ = 0;
    resident_front resident_{};
};

} // namespace peakscope::memory
