// SPDX-License-Identifier: MIT
// Where blocks come from. An *origin* is a call stack, the phase it allocated in, and the phase and the label that
// were in scope on the thread. It is
// interned to a number that fits in a block's header, and everything that a report says of sites, labels and births is
// a sum over origins.
#pragma once

#include <peakscope/core/phase_slot.hpp>
#include <peakscope/memory/number_index.hpp>
#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/sites/stack_table.hpp>

#include <cstddef>
#include <cstdint>

namespace peakscope::engine {

using origin = std::uint32_t;

// Of the blocks for which no number was left.
inline constexpr origin not_attributed = 0;
// In the header of a block that is in no figure: the profiler's own, but for its bytes.
inline constexpr origin ignored = 1;
// How many numbers there are, where the system gives the address space for the tables that they index.
inline constexpr std::size_t most_origins = std::size_t{1} << 20U;
inline constexpr std::size_t most_phases = 65'533;

enum class origin_kind : std::uint16_t {
    unused = 0,
    counted = 1,    // every block is in its sums
    sampled = 2,    // its sums are estimates from some of the blocks; all of them are counted in `context`, too
    was_sampled = 3 // in an earlier measurement: its blocks are counted in `context` alone
};

struct origin_info {
    sites::stored_stack stack = nullptr; // null for blocks whose stack was not captured
    phase_slot phase{};                  // the innermost that was open
    phase_slot work{};                   // the one that was in scope on the thread, if any
    std::uint16_t label = 0;
    origin_kind kind = origin_kind::unused;
    origin context = not_attributed; // the origin with the same phase and label and no stack

    // What a report counts the blocks to.
    [[nodiscard]] phase_slot born() const noexcept { return work.is_phase() ? work : phase; }
    [[nodiscard]] bool same_as(const origin_info& other) const noexcept {
        return stack == other.stack && phase == other.phase && work == other.work && label == other.label &&
               kind == other.kind;
    }
};

// Not synchronised: callers hold a lock. An origin's info does not move, and does not change while blocks have it but
// in a cut.
class origin_table {
  public:
    [[nodiscard]] bool set_up(std::size_t limit) noexcept {
        infos_ = static_cast<origin_info*>(memory::reserve_pages(limit * sizeof(origin_info)));
        if (infos_ != nullptr) limit_ = limit;
        return infos_ != nullptr;
    }

    // `not_attributed` when there is no number left.
    [[nodiscard]] origin intern(const origin_info& wanted) noexcept {
        const auto is_wanted = [&](origin number) { return infos_[number].same_as(wanted); };
        if (const origin found = index_.find(hash_of(wanted), is_wanted); found != 0) return found;
        const origin number = free_ != not_attributed ? free_ : static_cast<origin>(count_);
        if (number == limit_ ||
            !index_.insert(hash_of(wanted), number, [&](origin other) { return hash_of(infos_[other]); }))
            return none_left();
        if (number == free_)
            free_ = infos_[number].context; // unused ones form a list
        else
            ++count_;
        resident_.reach(infos_, (number + std::size_t{1}) * sizeof(origin_info));
        infos_[number] = wanted;
        return number;
    }

    // A new measurement: no origin is found any more, and those for which `is_live` is false can be had again. The
    // others are from before it.
    template <class IsLive>
    void begin(IsLive is_live) noexcept {
        index_.clear();
        free_ = not_attributed;
        was_full_ = false;
        for (std::size_t number = count_; number-- > 1;) {
            origin_info& info = infos_[number];
            if (info.kind != origin_kind::unused && is_live(static_cast<origin>(number))) {
                info.phase = info.work = phase_slot{};
                // The rate may be another one now, so that what the block stood for cannot be told any more.
                if (info.kind == origin_kind::sampled) info.kind = origin_kind::was_sampled;
            } else {
                info = {};
                info.context = free_;
                free_ = static_cast<origin>(number);
            }
        }
    }

    // Origins are numbered below this; 0 stands for what is not attributed.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] std::size_t limit() const noexcept { return limit_; }
    // In this measurement there was no number left for one at least.
    [[nodiscard]] bool was_full() const noexcept { return was_full_; }
    [[nodiscard]] const origin_info& operator[](origin number) const noexcept { return infos_[number]; }

  private:
    [[nodiscard]] origin none_left() noexcept {
        was_full_ = true;
        return not_attributed;
    }
    [[nodiscard]] static std::uint64_t hash_of(const origin_info& info) noexcept {
        std::uint64_t hash = reinterpret_cast<std::uintptr_t>(info.stack);
        hash = memory::add_to_hash(hash, std::uint64_t{info.phase.number()} << 48U |
                                             std::uint64_t{info.work.number()} << 32U |
                                             std::uint64_t{info.label} << 16U | static_cast<std::uint64_t>(info.kind));
        return memory::finished_hash(hash);
    }

    origin_info* infos_ = nullptr;
    memory::resident_front resident_{};
    memory::number_index index_{};
    std::size_t count_ = 1;
    std::size_t limit_ = 0;
    origin free_ = not_attributed;
    bool was_full_ = false;
};

} // namespace peakscope::engine
