// SPDX-License-Identifier: MIT
// The rules of sites/unwind_rules.hpp, by return address.
#pragma once

#include <peakscope/memory/hash.hpp>
#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/memory/spin_lock.hpp>
#include <peakscope/sites/stack.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace peakscope::sites::detail {

struct unwind_rule {
    enum kind_of : std::uint8_t {
        not_known, // yet
        from_stack_pointer,
        from_frame_pointer,
        outermost, // nothing lies behind it
        ask        // libunwind, each time
    };
    kind_of kind = not_known;
    std::uint8_t keeps_frame_pointer = 0; // at how many words below the frame's end; 0: the register is left as it is
    std::uint32_t size_bytes = 0;         // from the register to the frame's end
};

// Rules by return address, for the whole process. Read without a lock; a rule never changes.
class rule_table {
  public:
    [[nodiscard, gnu::always_inline]] unwind_rule find(address return_address) const noexcept {
        const slots_of_size* const in = slots_.load(std::memory_order_acquire);
        for (std::size_t at = in->place_of(return_address);; at = (at + 1) & in->mask) {
            const address found = in->slots[at].return_address.load(std::memory_order_acquire);
            if (found == return_address) return in->slots[at].rule;
            if (found == 0) return {};
        }
    }

    void insert(address return_address, const unwind_rule& rule) noexcept {
        const std::lock_guard lock{guard_};
        slots_of_size* in = slots_.load(std::memory_order_relaxed);
        if (2 * (count_ + 1) > in->mask + 1) {
            if (!grow()) return; // full: the rest is asked for each time
            in = slots_.load(std::memory_order_relaxed);
        }
        if (place(*in, return_address, rule)) ++count_;
    }

  private:
    struct slot {
        std::atomic<address> return_address{0};
        unwind_rule rule{};
    };
    struct slots_of_size {
        std::size_t mask = 0;
        slot* slots = nullptr;
        memory::resident_front resident{};

        [[nodiscard, gnu::always_inline]] std::size_t place_of(address return_address) const noexcept {
            return return_address * memory::hash_factor >> 32U & mask;
        }
    };
    static constexpr unsigned least_bits = 9; // 512 slots
    static constexpr unsigned most_bits = 17;

    // False when it is there already.
    static bool place(slots_of_size& in, address return_address, const unwind_rule& rule) noexcept {
        std::size_t at = in.place_of(return_address);
        for (; in.slots[at].return_address.load(std::memory_order_relaxed) != 0; at = (at + 1) & in.mask)
            if (in.slots[at].return_address.load(std::memory_order_relaxed) == return_address) return false;
        in.slots[at].rule = rule;
        in.slots[at].return_address.store(return_address, std::memory_order_release);
        return true;
    }

    // Twice as many slots. Who reads the old ones meanwhile finds a rule there or an empty slot, and then asks: their
    // address space stays, their memory does not.
    [[nodiscard]] bool grow() noexcept {
        slots_of_size& old = *slots_.load(std::memory_order_relaxed);
        if (bits_ == most_bits) return false;
        const unsigned bits = bits_ == 0 ? least_bits : bits_ + 1;
        slots_of_size& made = sizes_[bits];
        const std::size_t size_bytes = (std::size_t{1} << bits) * sizeof(slot);
        made.slots = static_cast<slot*>(memory::reserve_pages(size_bytes));
        if (made.slots == nullptr) return false;
        made.mask = (std::size_t{1} << bits) - 1;
        made.resident.reach(made.slots, size_bytes);
        for (std::size_t at = 0; at <= old.mask; ++at)
            if (const address each = old.slots[at].return_address.load(std::memory_order_relaxed); each != 0)
                place(made, each, old.slots[at].rule);
        slots_.store(&made, std::memory_order_release);
        if (bits_ != 0) {
            old.resident.give_back();
            memory::clear_pages(old.slots, (old.mask + 1) * sizeof(slot));
        }
        bits_ = bits;
        return true;
    }

    slot no_rule_{};
    slots_of_size sizes_[most_bits + 1]{{0, &no_rule_}};
    std::atomic<slots_of_size*> slots_{&sizes_[0]};
    memory::spin_lock guard_{};
    std::size_t count_ = 0;
    unsigned bits_ = 0;
};
inline constinit rule_table rules_of_process;

} // namespace peakscope::sites::detail
