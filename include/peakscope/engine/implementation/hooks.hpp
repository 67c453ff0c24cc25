// SPDX-License-Identifier: MIT
// What an event calls when it is more than additions, through a pointer or as its last act: never inlined, and so
// compiled once.
#pragma once

#include <peakscope/engine/engine.hpp>

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
    const bool every_time = (number & engine_state::needs_fence) != 0;
    const capture_mode* const mode = state.mode.load(std::memory_order_acquire);
    const bool own = (record.own_memory_scopes | record.ignoring_scopes) != 0; // or ignored
    record.pass = every_time ? thread_record::no_pass : number;
    record.new_pass = own || mode != nullptr ? thread_record::no_pass : record.pass;
    record.sampling_pass = !own && mode != nullptr && mode->rate_bytes > 0 ? record.pass : thread_record::no_pass;
    record.hook = own || mode == nullptr ? count_new_on : mode->quick;
}

[[gnu::noinline, gnu::cold]] void* count_first_new(void* block, thread_record&, const void* frame) noexcept {
    with_record<count_untagged>(block, frame);
    return block;
}
// Inside an event, which it ends.
[[gnu::noinline]] void* count_new_on(void* block, thread_record& record, const void* frame) noexcept {
    lower_busy(record);
    count_untagged(record, block, frame);
    return block;
}

// Lets go of the thread's record when the thread ends. Other destructors of the thread may still free memory after it.
struct record_releaser {
    bool armed = false;
    ~record_releaser() {
        thread_is_ending = true;
        if (thread_record* const record = std::exchange(current_record, &no_record); record != &no_record)
            release_record(*record);
    }
};
inline thread_local record_releaser releaser;

void let_go_at_thread_end() noexcept {
    releaser.armed = true; // the first touch registers its destructor, for which the C library allocates
}

// ---- own_memory.hpp

inline void count_nothing(thread_record&) noexcept {}

set_apart_scope::set_apart_scope(std::uint32_t thread_record::* scopes) noexcept : scopes_(scopes) {
    with_record<count_nothing>(); // sees to it that there is one
    change(1);
}
set_apart_scope::~set_apart_scope() { change(-1); }

void set_apart_scope::change(int by) const noexcept {
    thread_record* const record = current_record;
    if (record == &no_record) return;
    record->*scopes_ += static_cast<std::uint32_t>(by);
    record->pass = record->new_pass = record->sampling_pass = thread_record::no_pass; // it is asked for at the gate
    record->hook = count_new_on;
}

} // namespace peakscope::engine
