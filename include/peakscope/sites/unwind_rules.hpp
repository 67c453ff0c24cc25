// SPDX-License-Identifier: MIT
// Unwinding by rules that libunwind has shown.
//
// What an unwinder needs to know of a frame is fixed by its return address: how far the frame's end lies from the stack
// pointer or the frame pointer, and where in it the caller's frame pointer is kept. libunwind works that out from the
// tables of the program for every frame of every stack. Here it is asked once for each return address; after that, a
// frame costs a look-up and two loads.
//
// A rule is taken from one stack and holds for all of them. x86-64 compilers describe the end of a frame (the CFA of
// the DWARF standard, section 6.4) as an offset from the stack pointer, which is fixed for a return address, unless the
// function keeps a base in the frame pointer register. Where it does, the caller's frame pointer lies where the
// register points to. If that is the ordinary place, the offset is from there; every other such frame, and a signal's,
// is left to libunwind each time.
//
// A library that is loaded to the place of one that was unloaded is taken for it: its frames may then be wrong. They
// are never looked for outside of the thread's stack.
#pragma once

#include <peakscope/memory/hash.hpp>
#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/memory/spin_lock.hpp>
#include <peakscope/sites/fork_guard.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/stack_limits.hpp>
#include <peakscope/sites/stack_table.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

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

#if defined(__x86_64__)

// The rule of a frame, from what libunwind says of it and of the frame that called it.
[[nodiscard]] inline unwind_rule rule_between(address stack_pointer, address frame_pointer, address end,
                                              unw_cursor_t& caller) noexcept {
    unwind_rule rule;
    unw_save_loc_t kept{};
    if (::unw_get_save_loc(&caller, UNW_X86_64_RBP, &kept) != 0 || end <= stack_pointer) return {unwind_rule::ask};
    const bool keeps = kept.type == UNW_SLT_MEMORY && kept.u.addr >= stack_pointer && kept.u.addr < end;
    if (keeps) {
        const address words = (end - kept.u.addr) / sizeof(address);
        if (words > UINT8_MAX) return {unwind_rule::ask};
        rule.keeps_frame_pointer = static_cast<std::uint8_t>(words);
    }
    if (keeps && kept.u.addr == frame_pointer) { // the register holds a base
        if (frame_pointer != end - 2 * sizeof(address)) return {unwind_rule::ask};
        rule.kind = unwind_rule::from_frame_pointer;
        rule.size_bytes = 2 * sizeof(address);
    } else {
        rule.kind = unwind_rule::from_stack_pointer;
        if (end - stack_pointer > UINT32_MAX) return {unwind_rule::ask};
        rule.size_bytes = static_cast<std::uint32_t>(end - stack_pointer);
    }
    return rule;
}

// The frames from the return address of `frame` on, as libunwind finds them; keeps a rule for each of them. Steps of
// its cursor and not its unw_backtrace, which is faster but leaves each thread a cache that outlives the thread's end.
[[nodiscard, gnu::noinline]] inline std::size_t unwind_and_learn(address* frames, std::size_t most,
                                                                 const void* frame) noexcept {
    const address first = static_cast<const address*>(frame)[1];
    frames[0] = first; // sure, whatever libunwind knows of the code
    const fork_guard guard;
    if (!guard.is_inside()) return 1; // the process forks
    unw_context_t context;
    unw_cursor_t cursor;
    if (unw_getcontext(&context) != 0 || ::unw_init_local(&cursor, &context) != 0) return 1;
    const auto read = [&](unw_regnum_t which) {
        unw_word_t value = 0;
        static_cast<void>(::unw_get_reg(&cursor, which, &value));
        return static_cast<address>(value);
    };
    // Out of the profiler's own frames, to the caller of the function that `frame` is the frame of.
    const address stack_there = reinterpret_cast<address>(frame) + 2 * sizeof(address);
    int above = 64;
    while (read(UNW_REG_IP) != first || read(UNW_REG_SP) != stack_there)
        if (--above == 0 || ::unw_step(&cursor) <= 0) return 1;
    for (std::size_t depth = 0;;) {
        const address return_address = read(UNW_REG_IP);
        const address stack_pointer = read(UNW_REG_SP);
        const address frame_pointer = read(UNW_X86_64_RBP);
        const bool of_signal = ::unw_is_signal_frame(&cursor) > 0;
        frames[depth++] = return_address;
        const bool has_caller = ::unw_step(&cursor) > 0 && read(UNW_REG_IP) != 0;
        if (of_signal)
            rules_of_process.insert(return_address, {unwind_rule::ask});
        else if (!has_caller)
            rules_of_process.insert(return_address, {unwind_rule::outermost});
        else
            rules_of_process.insert(return_address,
                                    rule_between(stack_pointer, frame_pointer, read(UNW_REG_SP), cursor));
        if (!has_caller || depth == most) return depth;
    }
}

#else

[[nodiscard, gnu::noinline]] inline std::size_t unwind_and_learn(address* frames, std::size_t most,
                                                                 const void* frame) noexcept {
    frames[0] = static_cast<const address*>(frame)[1];
    const fork_guard guard;
    if (!guard.is_inside()) return 1;          // the process forks
    std::array<void*, most_frames + 16> found; // NOLINT(cppcoreguidelines-pro-type-member-init): filled below
    const int count = ::unw_backtrace(found.data(), static_cast<int>(std::min(found.size(), most + 16)));
    auto* const end = found.data() + std::max(count, 0);
    auto* const first = std::find(found.data(), end, reinterpret_cast<void*>(frames[0]));
    if (first == end) return 1; // the unwinder does not know this code: one frame is sure
    const auto depth = std::min(static_cast<std::size_t>(end - first), most);
    for (std::size_t i = 0; i < depth; ++i)
        frames[i] = reinterpret_cast<address>(first[i]);
    return depth;
}

#endif

// Stands for the code whose functions are taken to keep frame pointers.
struct no_code {
    [[nodiscard]] static constexpr bool holds(address) noexcept { return false; }
};

[[nodiscard, gnu::always_inline, gnu::no_sanitize_address, gnu::no_sanitize_thread]] inline address
word_at(address at) noexcept {
    address word = 0;
    std::memcpy(&word, reinterpret_cast<const void*>(at), sizeof(word)); // NOLINT(performance-no-int-to-ptr)
    return word;
}

// The frames from the return address of `frame` on, by rules; 0 where libunwind must be asked. Functions in `trusted`
// need none: they keep a frame pointer, to two words that are the caller's and the return address.
[[nodiscard, gnu::always_inline, gnu::no_sanitize_address, gnu::no_sanitize_thread]] inline std::size_t
follow_rules(address* frames, std::size_t most, const void* frame, const auto& trusted) noexcept {
    constexpr address word = sizeof(address);
    const address high = limits_of_thread.high;
    const address last = high - 2 * word; // where a frame may end in a pointer and a return address
    address frame_pointer = word_at(reinterpret_cast<address>(frame));
    address return_address = word_at(reinterpret_cast<address>(frame) + word);
    address stack_pointer = reinterpret_cast<address>(frame) + 2 * word;
    // On a stack of its own, a coroutine's for example; or on one that is not known yet.
    if (stack_pointer < limits_of_thread.low || stack_pointer > last) return 0;
    for (std::size_t depth = 0;;) {
        frames[depth++] = return_address;
        if (depth == most) return depth;
        if (trusted.holds(return_address)) {
            if (frame_pointer < stack_pointer || frame_pointer > last) return depth;
            return_address = word_at(frame_pointer + word);
            stack_pointer = frame_pointer + 2 * word;
            frame_pointer = word_at(frame_pointer);
            continue;
        }
        const unwind_rule rule = rules_of_process.find(return_address);
        if (rule.kind != unwind_rule::from_stack_pointer && rule.kind != unwind_rule::from_frame_pointer) [[unlikely]]
            return rule.kind == unwind_rule::outermost ? depth : 0;
        const address end =
            (rule.kind == unwind_rule::from_frame_pointer ? frame_pointer : stack_pointer) + rule.size_bytes;
        if (end <= stack_pointer || end > high) [[unlikely]]
            return 0;
        return_address = word_at(end - word);
        if (rule.keeps_frame_pointer != 0) frame_pointer = word_at(end - rule.keeps_frame_pointer * word);
        stack_pointer = end;
    }
}

// The frames from the return address of `frame` on. May allocate, and ask the dynamic loader.
[[nodiscard]] inline std::size_t unwind_from(address* frames, std::size_t most, const void* frame) noexcept {
    find_stack_limits();
    const std::size_t depth = follow_rules(frames, most, frame, no_code{});
    return depth > 0 ? depth : unwind_and_learn(frames, most, frame);
}

} // namespace peakscope::sites::detail
