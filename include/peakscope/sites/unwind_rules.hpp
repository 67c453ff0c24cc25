// SPDX-License-Identifier: MIT
// Unwinding by rules that libunwind has shown.
//
// What an unwinder needs to know of a frame is fixed by its return address: how far the frame's end lies from the stack
// pointer or the frame pointer, and where in it the caller's frame pointer is kept. libunwind works that out from the
// tables of the program for every frame of every stack. Here it is asked once for each return address, for that one
// frame, by the registers that the rules of the frames before it have led to; after that, a frame costs a look-up and
// two loads.
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

#include <peakscope/sites/fork_guard.hpp>
#include <peakscope/sites/object_of.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/stack_limits.hpp>
#include <peakscope/sites/unwind_rule_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#define UNW_LOCAL_ONLY
#include <libunwind.h>

namespace peakscope::sites::detail {

// A frame by where it returns to and the registers of the function that it returns to.
struct frame_registers {
    address return_address = 0;
    address stack_pointer = 0;
    address frame_pointer = 0;
};

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

[[nodiscard]] inline address read_register(unw_cursor_t& cursor, unw_regnum_t which) noexcept {
    unw_word_t value = 0;
    static_cast<void>(::unw_get_reg(&cursor, which, &value));
    return static_cast<address>(value);
}

struct learned_rule {
    unwind_rule rule{};
    bool has_caller = false;
};

// The rule of the frame that a cursor is at. The cursor goes on to the frame that called it, where there is one.
[[nodiscard]] inline learned_rule step_for_rule(unw_cursor_t& cursor) noexcept {
    const address stack_pointer = read_register(cursor, UNW_REG_SP);
    const address frame_pointer = read_register(cursor, UNW_X86_64_RBP);
    const bool of_signal = ::unw_is_signal_frame(&cursor) > 0;
    const bool has_caller = ::unw_step(&cursor) > 0 && read_register(cursor, UNW_REG_IP) != 0;
    if (of_signal) return {{unwind_rule::ask}, has_caller};
    if (!has_caller) return {{unwind_rule::outermost}, false};
    return {rule_between(stack_pointer, frame_pointer, read_register(cursor, UNW_REG_SP), cursor), true};
}

// In the place of registers that are not known: what is computed of one, or read where it points to, is on no stack.
struct unknown_register {
    constexpr unknown_register() noexcept {
        for (const void*& each : cells)
            each = value();
    }
    [[nodiscard]] constexpr const void* value() const noexcept {
        return static_cast<const void*>(cells + std::size(cells) / 2);
    }

    const void* cells[64]{};
};
inline constinit const unknown_register no_stack;

// Asks libunwind for the rule of one frame, by the registers that rules have led to. False where these do not suffice,
// or what they are is not sure: then the whole stack tells.
[[nodiscard, gnu::noinline]] inline bool learn_rule(const frame_registers& of) noexcept {
    const fork_guard guard;
    if (!guard.is_inside()) return false;
    unw_context_t context{};
    auto& registers = context.uc_mcontext.gregs;
    std::fill(std::begin(registers), std::end(registers), reinterpret_cast<greg_t>(no_stack.value()));
    registers[REG_RIP] = static_cast<greg_t>(of.return_address);
    registers[REG_RSP] = static_cast<greg_t>(of.stack_pointer);
    if (of.frame_pointer >= of.stack_pointer && of.frame_pointer < limits_of_thread.high - 2 * sizeof(address))
        registers[REG_RBP] = static_cast<greg_t>(of.frame_pointer);
    unw_cursor_t cursor;
    // libunwind reads the code, which is none where it is in nothing that is loaded.
    if (!object_of(of.return_address).known || ::unw_init_local(&cursor, &context) != 0) return false;
    const unwind_rule rule = step_for_rule(cursor).rule;
    const address end = read_register(cursor, UNW_REG_SP);
    if ((rule.kind != unwind_rule::from_stack_pointer && rule.kind != unwind_rule::from_frame_pointer) ||
        end <= of.stack_pointer || end > limits_of_thread.high)
        return false;
    rules_of_process.insert(of.return_address, rule);
    return rules_of_process.find(of.return_address).kind != unwind_rule::not_known;
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
    // Out of the profiler's own frames, to the caller of the function that `frame` is the frame of.
    const address stack_there = reinterpret_cast<address>(frame) + 2 * sizeof(address);
    int above = 64;
    while (read_register(cursor, UNW_REG_IP) != first || read_register(cursor, UNW_REG_SP) != stack_there)
        if (--above == 0 || ::unw_step(&cursor) <= 0) return 1;
    for (std::size_t depth = 0;;) {
        const address return_address = read_register(cursor, UNW_REG_IP);
        frames[depth++] = return_address;
        const learned_rule learned = step_for_rule(cursor);
        rules_of_process.insert(return_address, learned.rule);
        if (!learned.has_caller || depth == most) return depth;
    }
}

#else

[[nodiscard]] inline bool learn_rule(const frame_registers&) noexcept { return false; }

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

// The frames from the return address of `frame` on, by rules; 0 where libunwind must be asked: where that is for one
// rule, `missing` is set to the frame. Functions in `trusted` need none: they keep a frame pointer, to two words that
// are the caller's and the return address.
[[nodiscard, gnu::always_inline, gnu::no_sanitize_address, gnu::no_sanitize_thread]] inline std::size_t
follow_rules(address* frames, std::size_t most, const void* frame, const auto& trusted,
             frame_registers* missing = nullptr) noexcept {
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
        if (rule.kind != unwind_rule::from_stack_pointer && rule.kind != unwind_rule::from_frame_pointer) [[unlikely]] {
            if (missing != nullptr && rule.kind == unwind_rule::not_known)
                *missing = {return_address, stack_pointer, frame_pointer};
            return rule.kind == unwind_rule::outermost ? depth : 0;
        }
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
    for (;;) { // once more for each rule that is learned
        frame_registers missing;
        const std::size_t depth = follow_rules(frames, most, frame, no_code{}, &missing);
        if (depth > 0) return depth;
        if (missing.return_address == 0 || !learn_rule(missing)) return unwind_and_learn(frames, most, frame);
    }
}

} // namespace peakscope::sites::detail
