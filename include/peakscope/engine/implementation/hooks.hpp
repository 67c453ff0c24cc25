// SPDX-License-Identifier: MIT
// What an event calls when it is more than additions, through a pointer or as its last act: never inlined, and so
// compiled once. In what is `flatten`, and events come to often, all calls are inlined, however large the file is.
#pragma once

#include <peakscope/engine/capture.hpp>
#include <peakscope/engine/engine.hpp>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peakscope::engine {

constinit thread_record no_record{.hook = count_first_new};
constinit thread_local thread_record* current_record = &no_record;

// In a cut of its own, a thread runs what others hook into fork, and signal handlers; these may allocate.
[[gnu::noinline]] void wait_at_gate(thread_record& record) noexcept {
    if (!thread_holds_cut) static_cast<void>(number_at_gate(record));
}

// Every event comes here once after the gate has changed; while a cut is on; and always where there is no membarrier.
[[gnu::noinline]] void come_through_gate(thread_record& record) noexcept {
    if (thread_holds_cut) return;
    const std::uint64_t number = number_at_gate(record);
    learn(record);
    const bool every_time = (number & (engine_state::needs_fence | engine_state::watched)) != 0;
    const capture_mode* const mode = state.mode.load(std::memory_order_acquire);
    const bool own = record.scopes.set_apart(); // or ignored
    record.pass = every_time ? thread_record::no_pass : number;
    record.new_pass = own || mode != nullptr ? thread_record::no_pass : record.pass;
    record.sampling_pass = !own && mode != nullptr && mode->rate_bytes > 0 ? record.pass : thread_record::no_pass;
    record.hook = own || mode == nullptr ? count_new_on : mode->fast;
}

[[gnu::noinline, gnu::cold]] void* count_first_new(void* block, thread_record&, const void* frame) noexcept {
    with_record<count_untagged>(block, frame);
    return block;
}
// Inside an event, which it ends.
[[gnu::noinline, gnu::flatten]] void* count_new_on(void* block, thread_record& record, const void* frame) noexcept {
    lower_busy(record);
    count_untagged(record, block, frame);
    return block;
}

[[gnu::noinline, gnu::flatten]] void* finish_new(void* block, thread_record& record) noexcept {
    add_allocation(record, block_header::of(block).from(), block_header::of(block).requested_bytes);
    lower_busy(record);
    return block;
}

void let_go_of_record(void* round) noexcept {
    if (const auto number = reinterpret_cast<std::uintptr_t>(round); number < last_round)
        return expect_end_of_thread(number + 1);
    thread_is_ending = true;
    if (thread_record* const record = std::exchange(current_record, &no_record); record != &no_record)
        scopes_without_record = release_record(*record);
}

// ---- event.hpp

std::int64_t nanoseconds_now() noexcept {
    return std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count();
}

// ---- capture.hpp

bool is_new(thread_record& record, const sites::stack_view& stack) noexcept {
    const excluded_from_cuts in_progress{record};   // whoever holds the lock must not be stopped
    if (in_progress.inside_another()) return false; // it will not be interned either
    const std::lock_guard lock{state.tables_lock};
    return stack.depth == 0 || state.stacks.find(stack) == nullptr;
}

[[nodiscard]] inline sites::stored_stack intern_stack(const sites::stack_view& stack) noexcept {
    const std::lock_guard lock{state.tables_lock};
    return state.stacks.intern(stack);
}

void* intern_and_count(void* block, thread_record& record, const sites::stack_view& stack, origin_kind kind) noexcept {
    const event in_progress{record};
    origin from = record.context;
    if (stack.depth > 0 && !in_progress.inside_another()) {
        const sites::stored_stack stored = intern_stack(stack);
        if (stored != nullptr) from = intern_origin(record, stored, kind);
        if (from == not_attributed)
            from = record.context; // no more numbers: its phase and label are still known
        else if (stored != nullptr)
            record.stacks.insert(state.stacks, stored, record.context, from);
    }
    block_header& header = block_header::of(block);
    header.set_origin(from);
    add_allocation(record, from, header.requested_bytes);
    return block;
}

void* count_without_stack(void* block, thread_record& record) noexcept {
    const event in_progress{record};
    block_header& header = block_header::of(block);
    header.set_origin(record.context);
    add_allocation(record, record.context, header.requested_bytes);
    return block;
}

void begin_event(thread_record& record) noexcept {
    raise_busy(record);
    if (state.gate.load(std::memory_order_acquire) != record.pass) come_through_gate(record);
}
inline void add_birth(void* block, thread_record& record, origin from) noexcept {
    if (state.lives != nullptr) state.lives->add_birth(record, block, from);
}
void* finish_watched(void* block, thread_record& record, origin from) noexcept {
    block_header& header = block_header::of(block);
    header.set_origin(from);
    add_allocation(record, from, header.requested_bytes);
    add_birth(block, record, from);
    lower_busy(record);
    return block;
}
void* note_birth(void* block, thread_record& record) noexcept {
    const event in_progress{record};
    add_birth(block, record, block_header::of(block).from());
    return block;
}

void leave_and_tag(void* block, thread_record& record) noexcept {
    lower_busy(record);
    {
        const event in_progress{record};
    }
    block_header::of(block).set_tag(not_attributed);
}

bool is_sampled(thread_record& record, std::uint64_t size_bytes, std::int64_t rate_bytes) noexcept {
    record.until_sample_bytes -= sampled_size(size_bytes);
    if (record.until_sample_bytes >= 0) return false;
    // Where the sample points lie does not depend on where the last one lay: the next one is looked for from the end of
    // this block.
    record.until_sample_bytes = bytes_to_next_sample(record, rate_bytes);
    return true;
}

// ---- own_memory.hpp

inline void count_nothing(thread_record&) noexcept {}

set_apart_scope::set_apart_scope(std::uint32_t thread_scopes::* scopes) noexcept : scopes_(scopes) {
    with_record<count_nothing>(); // sees to it that there is one
    change(1);
}
set_apart_scope::~set_apart_scope() { change(-1); }

void set_apart_scope::change(int by) const noexcept {
    thread_record* const record = current_record;
    if (record == &no_record) { // it goes into each that is lent
        scopes_without_record.*scopes_ += static_cast<std::uint32_t>(by);
        return;
    }
    record->scopes.*scopes_ += static_cast<std::uint32_t>(by);
    record->revoke_passes(); // it is asked for at the gate
    record->hook = count_new_on;
}

} // namespace peakscope::engine
