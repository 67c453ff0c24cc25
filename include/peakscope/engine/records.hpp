// SPDX-License-Identifier: MIT
// How a thread comes by its record and lets go of it; set-up; fork.
#pragma once

#include <peakscope/engine/cut.hpp>
#include <peakscope/engine/event.hpp>
#include <peakscope/engine/work.hpp>
#include <peakscope/memory/pages.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace peakscope::engine {

inline void push_record(thread_record& record) noexcept {
    record.next = state.records.load(std::memory_order_relaxed);
    while (!state.records.compare_exchange_weak(record.next, &record, std::memory_order_release,
                                                std::memory_order_relaxed)) {
    }
}

[[nodiscard]] inline bool take(thread_record& record) noexcept {
    return !record.taken.load(std::memory_order_relaxed) && !record.taken.exchange(true, std::memory_order_acquire);
}

// What a thread has pending when it lets go of its record must not wait for the next owner.
inline void release_record(thread_record& record) noexcept {
    {
        const aside in_progress{record};
        if (record.interval == state.interval) flush(record);
        if (record.work != 0) book_work(record);
        record.label = 0;
        record.work = 0;
        record.pass = record.new_pass = record.sampling_pass = thread_record::no_pass;
    }
    record.interrupted = nullptr;
    record.taken.store(false, std::memory_order_release);
}

// All of a record's tables in one piece of address space, which becomes memory where it is written.
[[nodiscard]] inline bool give_tables(thread_record& record, std::size_t limit) noexcept {
    const std::size_t labels = std::min(limit, most_labels);
    auto* at = static_cast<std::byte*>(memory::reserve_pages(
        limit * (sizeof(tally) + sizeof(special_tally)) + labels * sizeof(label_pending) + stack_cache::size_bytes()));
    if (at == nullptr) return false;
    const auto part = [&at](auto*& table, std::size_t count) {
        table = reinterpret_cast<std::remove_reference_t<decltype(table)>>(at);
        at += count * sizeof(*table);
    };
    record.stacks.use(at); // first, so that its pages hold nothing else
    at += stack_cache::size_bytes();
    part(record.tallies, limit);
    part(record.specials, limit);
    part(record.labels, labels);
    return true;
}

// A record that no other thread has, a new one if need be. The reserve's owner gives it back after one event.
[[nodiscard]] inline thread_record& acquire_record() noexcept {
    for (auto* record = state.records.load(std::memory_order_acquire); record != nullptr; record = record->next)
        if (record != &state.reserve && take(*record)) return *record;
    // From the system: malloc may be what is counted.
    if (void* const memory = memory::reserve_pages(sizeof(thread_record))) {
        auto* const record = ::new (memory) thread_record;
        if (give_tables(*record, state.origins.limit())) {
            record->taken.store(true, std::memory_order_relaxed);
            state.record_bytes.fetch_add(memory::resident_bytes(memory, sizeof(thread_record)),
                                         std::memory_order_relaxed);
            push_record(*record);
            return *record;
        }
        memory::release_pages(memory, sizeof(thread_record));
    }
    while (!take(state.reserve))
        std::this_thread::yield();
    return state.reserve;
}

// Sees to it that the thread lets go of its record when it ends. May allocate.
PEAKSCOPE_BODY_ELSEWHERE void let_go_at_thread_end() noexcept;

void set_up_once() noexcept;

// A thread gets its record with its first event and keeps it. While it ends, or where there is no memory for a record,
// it borrows one for each event.
template <auto Count, class... Arguments>
void with_new_record(Arguments&&... arguments) noexcept {
    set_up_once();
    thread_record& record = acquire_record();
    if (thread_is_ending || &record == &state.reserve) {
        const thread_record* const interrupted = std::exchange(lent_record, &record);
        record.interrupted = interrupted;
        Count(record, arguments...);
        release_record(record);
        lent_record = interrupted;
    } else {
        record.hook = count_new_on;
        current_record = &record;
        ++record.own_memory_scopes;
        let_go_at_thread_end();
        --record.own_memory_scopes;
        Count(record, arguments...);
    }
}

// In a signal handler that has interrupted an event of this thread.
template <auto Count, class... Arguments>
[[gnu::noinline, gnu::cold]] void with_another_record(const thread_record& interrupted,
                                                      Arguments&&... arguments) noexcept {
    thread_record& record = acquire_record();
    record.interrupted = &interrupted;
    Count(record, arguments...);
    release_record(record);
}

// Calls `Count` with a record that is the calling thread's own, and the arguments. A function as a template argument
// and not a function object, so that nothing is passed through memory.
template <auto Count, class... Arguments>
inline void with_record(Arguments&&... arguments) noexcept {
    thread_record* const record = current_record;
    if (record == &no_record) [[unlikely]]
        with_new_record<Count>(arguments...);
    else if (record->busy.load(std::memory_order_relaxed) != 0) [[unlikely]]
        with_another_record<Count>(*record, arguments...);
    else
        Count(*record, arguments...);
}

inline void use_membarrier_if_there_is_one() noexcept {
#if defined(__linux__)
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0) return;
#endif
    state.gate.fetch_or(engine_state::needs_fence, std::memory_order_seq_cst);
}

inline void stop_threads_for_fork() noexcept {
    stop_threads();
    state.in_fork.store(true, std::memory_order_release);
}
inline void resume_threads_after_fork() noexcept {
    state.in_fork.store(false, std::memory_order_relaxed);
    resume_threads();
}

// A child of fork has one thread, and the records of those it has not. `stop_threads` ran before the fork, so they are
// whole; here they become free, and what was pending in them is counted.
inline void disown_records_after_fork() noexcept {
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        if (record == current_record) continue;
        if (record->pending_bytes != 0) {
            const bool rose = flush_quietly(*record);
            if (rose && !record->alone) state.peaks.fetch_add(1, std::memory_order_relaxed);
        }
        // A thread that came to the gate while the cut was on may have been busy for a moment; it never got through.
        record->busy.store(0, std::memory_order_relaxed);
        record->own_memory_scopes = record->ignoring_scopes = 0;
        record->label = 0;
        record->work = 0;
        record->pass = record->new_pass = record->sampling_pass = thread_record::no_pass;
        record->taken.store(false, std::memory_order_release);
    }
    state.gate.fetch_add(engine_state::next_number, std::memory_order_relaxed);
    use_membarrier_if_there_is_one();
    resume_threads_after_fork();
}

[[nodiscard]] inline bool set_up_tables(std::size_t limit) noexcept {
    if (state.labels == nullptr)
        state.labels = static_cast<label_total*>(memory::reserve_pages(most_labels * sizeof(label_total)));
    if (state.live == nullptr) state.live = static_cast<holding*>(memory::reserve_pages(limit * sizeof(holding)));
    if (state.work == nullptr)
        state.work = static_cast<work_total*>(memory::reserve_pages(most_phases * sizeof(work_total)));
    return state.labels != nullptr && state.live != nullptr && state.work != nullptr &&
           (state.reserve.tallies != nullptr || give_tables(state.reserve, limit)) && state.origins.set_up(limit) &&
           state.stacks.set_up(limit);
}

// The first event of the process, which is nearly always in its first thread, before main.
[[gnu::noinline]] inline void set_up_once() noexcept {
    if (state.set_up.load(std::memory_order_acquire) == 2) return;
    int not_begun = 0;
    if (!state.set_up.compare_exchange_strong(not_begun, 1, std::memory_order_acq_rel)) {
        while (state.set_up.load(std::memory_order_acquire) != 2)
            std::this_thread::yield();
        return;
    }
    std::size_t limit = most_origins;
    while (!set_up_tables(limit)) {
        if (limit < 256) std::abort(); // not even a heap could be used
        limit /= 4;
    }
    push_record(state.reserve);
    use_membarrier_if_there_is_one();
    state.set_up.store(2, std::memory_order_release);
#if defined(__linux__)
    ::pthread_atfork(stop_threads_for_fork, resume_threads_after_fork, disown_records_after_fork); // may allocate
#endif
}

} // namespace peakscope::engine
