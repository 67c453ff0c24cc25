// SPDX-License-Identifier: MIT
// How a thread comes by its record and lets go of it; set-up; fork.
#pragma once

#include <peakscope/engine/cut.hpp>
#include <peakscope/engine/end_of_thread.hpp>
#include <peakscope/engine/event.hpp>
#include <peakscope/engine/work.hpp>
#include <peakscope/memory/blocked_signals.hpp>
#include <peakscope/memory/pages.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace peakscope::engine {

inline void push_record(thread_record& record) noexcept {
    record.next = state.records.load(std::memory_order_relaxed);
    while (!state.records.compare_exchange_weak(record.next, &record, std::memory_order_release)) {
    }
}

[[nodiscard]] inline bool take(thread_record& record) noexcept {
    return !record.taken.load(std::memory_order_relaxed) && !record.taken.exchange(true, std::memory_order_acquire);
}

// What a thread has pending when it lets go of its record must not wait for the next owner. Returns what was in scope.
inline thread_scopes release_record(thread_record& record) noexcept {
    thread_scopes scopes;
    {
        const excluded_from_cuts in_progress{record};
        if (record.interval == state.interval) flush(record);
        if (record.scopes.work.is_phase()) book_work(record);
        scopes = record.take_scopes();
    }
    record.interrupted = nullptr;
    record.taken.store(false, std::memory_order_release);
    return scopes;
}

// All of a record's tables in one piece of address space, which becomes memory where it is written.
[[nodiscard]] inline bool give_tables(thread_record& record, std::size_t limit) noexcept {
    const std::size_t labels = std::min(limit, most_labels);
    const std::size_t tables_bytes =
        limit * (sizeof(tally) + sizeof(extra_tally)) + labels * sizeof(label_pending) + stack_cache::size_bytes();
    const std::size_t marks_bytes = memory::whole_pages(memory::resident_marks::bytes_for(tables_bytes));
    auto* at = static_cast<std::byte*>(memory::reserve_pages(marks_bytes + tables_bytes));
    if (at == nullptr) return false;
    record.pages.use(at);
    at += marks_bytes;
    const auto part = [&at](auto*& table, std::size_t count) {
        table = reinterpret_cast<std::remove_reference_t<decltype(table)>>(at);
        at += count * sizeof(*table);
    };
    record.stacks.use(at, record.pages); // first, so that its pages hold nothing else
    at += stack_cache::size_bytes();
    part(record.tallies, limit);
    part(record.extras, limit);
    part(record.labels, labels);
    return true;
}

// A record that no other thread has, a new one if need be. Null where there is no memory for one.
[[nodiscard]] inline thread_record* acquire_record() noexcept {
    for (auto* record = state.records.load(std::memory_order_acquire); record != nullptr; record = record->next)
        if (record != &state.reserve && take(*record)) return record;
    // Asking the system takes long, and it will say no for a while.
    constexpr std::uint64_t events_between_tries = 256;
    if (state.reserve_events.load(std::memory_order_relaxed) % events_between_tries != 0) return nullptr;
    // From the system: malloc may be what is counted.
    void* const memory = memory::reserve_pages(sizeof(thread_record));
    if (memory == nullptr) return nullptr;
    auto* const record = ::new (memory) thread_record;
    if (!give_tables(*record, state.origins.limit())) {
        memory::release_pages(memory, sizeof(thread_record));
        return nullptr;
    }
    record->taken.store(true, std::memory_order_relaxed);
    memory::count_resident(static_cast<std::int64_t>(memory::whole_pages(sizeof(thread_record))));
    push_record(*record);
    return record;
}

void set_up_once() noexcept;

// For one event. What is in scope on the thread is in scope on the record meanwhile.
template <auto Count, class... Arguments>
void with_lent_record(thread_record& record, Arguments&&... arguments) noexcept {
    const thread_record* const interrupted = std::exchange(lent_record, &record);
    record.interrupted = interrupted;
    {
        const excluded_from_cuts in_progress{record};
        record.scopes = scopes_without_record;
        if (record.scopes.work.is_phase()) record.work_flow = flow_of(record);
    }
    Count(record, arguments...);
    scopes_without_record = release_record(record);
    lent_record = interrupted;
}

// The reserve is one for all, so a handler of the thread that has it would wait for it for ever.
template <class Use>
void with_reserve(Use use) noexcept {
    const memory::blocked_signals no_handlers;
    while (!take(state.reserve))
        std::this_thread::yield();
    state.reserve_events.fetch_add(1, std::memory_order_relaxed);
    use(state.reserve);
}

// A thread gets its record with its first event and keeps it. When it has ended all but for the C library's part, or
// where there is no memory for a record, it borrows one for each event.
template <auto Count, class... Arguments>
[[gnu::noinline, gnu::cold]] void with_new_record(Arguments&&... arguments) noexcept {
    set_up_once();
    thread_record* const record = acquire_record();
    if (record == nullptr)
        return with_reserve([&](thread_record& reserve) { with_lent_record<Count>(reserve, arguments...); });
    if (thread_is_ending) return with_lent_record<Count>(*record, arguments...);
    record->hook = count_new_on;
    record->scopes = std::exchange(scopes_without_record, {});
    current_record = record;
    ++record->scopes.own_memory;
    expect_end_of_thread();
    --record->scopes.own_memory;
    Count(*record, arguments...);
}

// In a signal handler that has interrupted an event of this thread.
template <auto Count, class... Arguments>
[[gnu::noinline, gnu::cold]] void with_another_record(const thread_record& interrupted,
                                                      Arguments&&... arguments) noexcept {
    const auto count_on = [&](thread_record& record) {
        record.interrupted = &interrupted;
        Count(record, arguments...);
        static_cast<void>(release_record(record));
    };
    if (thread_record* const record = acquire_record())
        count_on(*record);
    else
        with_reserve(count_on);
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
            const bool rose = flush_without_notice(*record);
            if (rose && !record->alone) state.peaks.fetch_add(1, std::memory_order_relaxed);
        }
        // A thread that came to the gate while the cut was on may have been busy for a moment; it never got through.
        record->busy.store(0, std::memory_order_relaxed);
        static_cast<void>(record->take_scopes());
        record->taken.store(false, std::memory_order_release);
    }
    state.gate.fetch_add(engine_state::next_number, std::memory_order_relaxed);
    use_membarrier_if_there_is_one();
    resume_threads_after_fork();
}

// Where the address space is limited (ulimit -v), the tables that all need reserve a small part of it, and the program
// has the rest.
[[nodiscard]] inline std::size_t origins_in_address_space() noexcept {
#if defined(__linux__)
    constexpr std::size_t part = 32;
    constexpr std::size_t bytes_an_origin = 512; // in all tables of two records, see set_up_tables
    rlimit space{};
    if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
        return std::clamp<std::size_t>(space.rlim_cur / part / bytes_an_origin, 256, most_origins);
#endif
    return most_origins;
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
    std::size_t limit = origins_in_address_space();
    while (!set_up_tables(limit)) {
        if (limit < 256) std::abort(); // not even a heap could be used
        limit /= 4;
    }
    push_record(state.reserve);
    make_end_of_thread();
    use_membarrier_if_there_is_one();
    state.set_up.store(2, std::memory_order_release);
#if defined(__linux__)
    ::pthread_atfork(stop_threads_for_fork, resume_threads_after_fork, disown_records_after_fork); // may allocate
#endif
}

} // namespace peakscope::engine
