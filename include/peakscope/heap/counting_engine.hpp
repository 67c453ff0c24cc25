// SPDX-License-Identifier: MIT
// The counting engine: exact live bytes and their peak, at the price of a few plain instructions per event.
//
// An *event* is one allocation or deallocation. Every thread counts its events in a record of its own, in *pending*
// bytes, and adds them to the shared sum when they exceed a batch: a *flush*. Nothing on that path is locked.
//
// The peak. A record also keeps the highest its pending bytes have been since its last flush (`pending_high`). A flush
// reads the shared sum G as it adds to it, and G_before + pending_high is a candidate for the peak. With one thread at
// work, G + pending is live(t) at every moment, so the largest candidate is the peak, exactly.
//
// The bound with T threads at work, B the batch. Between events every |pending| < B.
//   Too low by less than T x B:  live(t) = G(t) + sum of pending < G(t) + T x B, and every value that G takes was
//     covered by a candidate (pending_high >= pending) or by the cut that began the window.
//   Too high by less than (T+1) x B:  the flush that offers G + high found live >= G + pending - (T-1) x B just before
//     its last event, and high - pending < 2 x B, because both lie within the batch. A last event that itself sets
//     the high leaves high = pending, and only the other T-1 threads' pending bytes are missing.
// So the peak of an interval between two cuts is within (T+1) x B where two or more threads had events in it, and exact
// where at most one had. A window is as good as the worst of its intervals, because a maximum is.
//
// Cuts. To read all records at one moment, a cut stops every thread between two events. A thread says that it is in an
// event with a plain store (`busy`) and then looks at `gate`; the processor may swap the two, and a fence on every
// event would cost more than all the rest. membarrier(2) lets the cut pay instead: it is a fence on all threads at
// once. Where the kernel has none, `gate` keeps a bit set that sends every event through a fence of its own.
#pragma once

#include <peakscope/heap/block_header.hpp>
#include <peakscope/heap/thread_record.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <thread>
#include <utility>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace peakscope::heap::detail {

inline constexpr std::int64_t default_batch_bytes = 32'768;

struct counting_engine {
    enum gate_bits : std::uint32_t {
        open = 0,
        stopped = 1,    // a cut is on: wait
        needs_fence = 2 // no membarrier: every event pays for a fence
    };

    // Read by every event, written by none.
    alignas(128) std::atomic<std::uint32_t> gate{open};
    std::atomic<std::int64_t> batch_bytes{default_batch_bytes};
    std::atomic<thread_record*> records{nullptr};

    // Written by flushes.
    alignas(128) std::atomic<std::int64_t> live_bytes{0};
    std::atomic<std::int64_t> peak_bytes{0}; // of the innermost window

    // Rarely touched.
    alignas(128) std::atomic<std::uint64_t> foreign_blocks{0}; // freed here, but not allocated here
    std::atomic<std::int64_t> record_bytes{0};                 // the records themselves
    std::atomic<bool> in_cut{false};
    std::atomic<bool> set_up{false};
    std::atomic<bool> measured{false};
    thread_record reserve; // for a thread that has no record and cannot get one
};

inline constinit counting_engine engine;

// Constant-initialised and trivially destroyed, so that reading it is one instruction in an executable.
inline constinit thread_local thread_record* current_record = nullptr;
inline constinit thread_local bool thread_is_ending = false;
inline constinit thread_local bool thread_holds_cut = false;

// ---- the event ------------------------------------------------------------------------------------------------------

void wait_at_gate(thread_record& record) noexcept;

// Between the two, no cut can read the record. A count and not a flag, so that an event in a signal handler that
// interrupts an event is one event more.
inline void raise_busy(thread_record& record) noexcept {
    record.busy.store(record.busy.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst); // the cut's membarrier makes it a fence for the processor
}
inline void lower_busy(thread_record& record) noexcept {
    record.busy.store(record.busy.load(std::memory_order_relaxed) - 1, std::memory_order_release);
}

// One event on one record.
class event {
  public:
    explicit event(thread_record& record) noexcept : record_(record) {
        raise_busy(record_);
        if (engine.gate.load(std::memory_order_relaxed) != counting_engine::open) wait_at_gate(record_);
    }
    ~event() { lower_busy(record_); }
    event(const event&) = delete;
    event& operator=(const event&) = delete;

  private:
    thread_record& record_;
};

// Moves pending bytes into the shared sum and offers a candidate for the peak. Called inside an event or a cut.
[[gnu::noinline]] inline void flush(thread_record& record) noexcept {
    const std::int64_t before = engine.live_bytes.fetch_add(record.pending_bytes.get(), std::memory_order_relaxed);
    const std::int64_t candidate = before + record.pending_high_bytes.get();
    record.pending_bytes.set(0);
    record.pending_high_bytes.set(0);
    std::int64_t peak = engine.peak_bytes.load(std::memory_order_relaxed);
    while (candidate > peak && !engine.peak_bytes.compare_exchange_weak(peak, candidate, std::memory_order_relaxed)) {
    }
}

// The program's own events: three plain additions to one cache line, for an allocation perhaps a new high, and a
// comparison. Nothing shared is written. Each says whether the record must be flushed.
[[nodiscard]] inline bool add_allocation(thread_record& record, std::uint64_t size_bytes) noexcept {
    record.allocated_bytes.add(size_bytes);
    record.allocations.add(1);
    const std::int64_t pending = record.pending_bytes.add(static_cast<std::int64_t>(size_bytes));
    if (pending > record.pending_high_bytes.get()) record.pending_high_bytes.set(pending);
    return pending >= engine.batch_bytes.load(std::memory_order_relaxed);
}
[[nodiscard]] inline bool add_deallocation(thread_record& record, std::uint64_t size_bytes) noexcept {
    record.freed_bytes.add(size_bytes);
    record.deallocations.add(1);
    const std::int64_t pending = record.pending_bytes.add(-static_cast<std::int64_t>(size_bytes));
    return -pending >= engine.batch_bytes.load(std::memory_order_relaxed);
}

// The hot path: an event of the program's on a thread that has a record, with no cut on. It makes no call, so that the
// operators around it need not save a register; what remains to be done, they do as their last act.
enum class remains {
    nothing,
    to_flush, // counted, and the record is busy still: flush it and lower `busy`
    to_count  // not counted: take the long way
};

[[nodiscard, gnu::always_inline]] inline remains count_quickly(thread_record* record, const block_header& header,
                                                               bool (*add)(thread_record&, std::uint64_t) noexcept,
                                                               bool is_allocation) noexcept {
    if (record == nullptr) [[unlikely]]
        return remains::to_count;
    raise_busy(*record);
    const std::uint32_t apart = is_allocation ? record->own_memory_scopes : 0;
    if ((engine.gate.load(std::memory_order_relaxed) | apart) != counting_engine::open) [[unlikely]] {
        lower_busy(*record);
        return remains::to_count;
    }
    if (add(*record, header.requested_bytes)) [[unlikely]]
        return remains::to_flush;
    lower_busy(*record);
    return remains::nothing;
}

// The long way, for every event.
inline void count_allocation(thread_record& record, block_header& header) noexcept {
    const event in_progress{record};
    if (record.own_memory_scopes != 0) {
        header.tag |= block_header::own_bit;
        record.own_bytes.add(static_cast<std::int64_t>(header.requested_bytes));
        record.own_blocks.add(1);
    } else if (add_allocation(record, header.requested_bytes)) {
        flush(record);
    }
}
inline void count_deallocation(thread_record& record, const block_header& header) noexcept {
    const event in_progress{record};
    if (add_deallocation(record, header.requested_bytes)) flush(record);
}

inline void count_nothing(thread_record&) noexcept {}

// What an over-aligned block wastes in front of it is the profiler's own memory, and no block's size shows it.
inline void count_padding(thread_record& record, const block_header& header) noexcept {
    const event in_progress{record};
    record.own_bytes.add(header.padding_bytes());
}

// A block that is over-aligned, or the profiler's own.
inline void count_unusual_deallocation(thread_record& record, const block_header& header) noexcept {
    if (!header.own()) count_deallocation(record, header);
    const event in_progress{record};
    record.own_bytes.add(-header.padding_bytes());
    if (header.own()) {
        record.own_bytes.add(-static_cast<std::int64_t>(header.requested_bytes));
        record.own_blocks.add(-1);
    }
}

// ---- records --------------------------------------------------------------------------------------------------------

inline void push_record(thread_record& record) noexcept {
    record.next = engine.records.load(std::memory_order_relaxed);
    while (!engine.records.compare_exchange_weak(record.next, &record, std::memory_order_release,
                                                 std::memory_order_relaxed)) {
    }
}

[[nodiscard]] inline bool take(thread_record& record) noexcept {
    return !record.taken.load(std::memory_order_relaxed) && !record.taken.exchange(true, std::memory_order_acquire);
}

// What a thread has pending when it lets go of its record must not wait for the next owner.
inline void release_record(thread_record& record) noexcept {
    {
        const event in_progress{record};
        flush(record);
    }
    record.taken.store(false, std::memory_order_release);
}

// A record that no other thread has, a new one if need be. The reserve's owner gives it back after one event.
[[nodiscard]] inline thread_record& acquire_record() noexcept {
    for (auto* record = engine.records.load(std::memory_order_acquire); record != nullptr; record = record->next)
        if (record != &engine.reserve && take(*record)) return *record;
    if (void* memory = std::aligned_alloc(alignof(thread_record), sizeof(thread_record))) {
        auto* record = ::new (memory) thread_record;
        record->taken.store(true, std::memory_order_relaxed);
        engine.record_bytes.fetch_add(sizeof(thread_record), std::memory_order_relaxed);
        push_record(*record);
        return *record;
    }
    while (!take(engine.reserve))
        std::this_thread::yield();
    return engine.reserve;
}

// Lets go of the thread's record when the thread ends. Other destructors of the thread may still free memory after it.
struct record_releaser {
    bool armed = false;
    ~record_releaser() {
        thread_is_ending = true;
        if (thread_record* const record = std::exchange(current_record, nullptr)) release_record(*record);
    }
};
inline thread_local record_releaser releaser;

void set_up_once() noexcept;

// A thread gets its record with its first event and keeps it. While it ends, or where there is no memory for a record,
// it borrows one for each event.
template <auto Count, class... Header>
void with_new_record(Header&... header) noexcept {
    set_up_once();
    thread_record& record = acquire_record();
    if (thread_is_ending || &record == &engine.reserve) {
        Count(record, header...);
        release_record(record);
    } else {
        current_record = &record;
        releaser.armed = true; // the first touch registers its destructor
        Count(record, header...);
    }
}

// Calls `Count` with a record that is the calling thread's own, and the block's header. A function as a template
// argument and not a function object, so that nothing is passed through memory.
template <auto Count, class... Header>
inline void with_record(Header&... header) noexcept {
    if (thread_record* const record = current_record) [[likely]]
        Count(*record, header...);
    else
        with_new_record<Count>(header...);
}

// ---- cuts -----------------------------------------------------------------------------------------------------------

// After it, a thread that is in an event shows as busy, and one that enters an event sees the gate. Where threads fence
// for themselves, the sequentially consistent operations around it are enough.
inline void fence_all_threads() noexcept {
#if defined(__linux__)
    if ((engine.gate.load(std::memory_order_relaxed) & counting_engine::needs_fence) == 0)
        ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); // registered for, so it cannot fail
#endif
}

// Every event comes here while a cut is on, and always where there is no membarrier. Either the exchange comes first
// and the cut sees that the thread is busy, or the cut's mark on the gate comes first and the thread sees that.
[[gnu::noinline, gnu::cold]] inline void wait_at_gate(thread_record& record) noexcept {
    // In a cut of its own, a thread runs what others hook into fork, and signal handlers; these may allocate.
    if (thread_holds_cut) return;
    for (;;) {
        const std::uint32_t depth = record.busy.load(std::memory_order_relaxed);
        record.busy.exchange(depth, std::memory_order_seq_cst);
        if ((engine.gate.load(std::memory_order_seq_cst) & counting_engine::stopped) == 0) return;
        record.busy.store(0, std::memory_order_release);
        while ((engine.gate.load(std::memory_order_acquire) & counting_engine::stopped) != 0)
            std::this_thread::yield();
        record.busy.store(depth, std::memory_order_relaxed);
    }
}

[[nodiscard]] inline thread_record* first_record() noexcept { return engine.records.load(std::memory_order_acquire); }

// From `stop_threads` to `resume_threads`, every other thread stands between two events, and all records can be read as
// of one moment.
inline void stop_threads() noexcept {
    while (engine.in_cut.exchange(true, std::memory_order_acquire))
        std::this_thread::yield();
    thread_holds_cut = true;
    engine.gate.fetch_or(counting_engine::stopped, std::memory_order_seq_cst);
    fence_all_threads();
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        if (record == current_record) continue; // our own thread is here, and so in no event
        while (record->busy.load(std::memory_order_seq_cst) != 0)
            std::this_thread::yield();
    }
}

inline void resume_threads() noexcept {
    thread_holds_cut = false;
    engine.gate.fetch_and(~std::uint32_t{counting_engine::stopped}, std::memory_order_release);
    engine.in_cut.store(false, std::memory_order_release);
}

class cut {
  public:
    cut() noexcept { stop_threads(); }
    ~cut() { resume_threads(); }
    cut(const cut&) = delete;
    cut& operator=(const cut&) = delete;
};

// Sums since the program began. Their differences are a window's figures.
struct totals {
    std::uint64_t allocated_bytes = 0;
    std::uint64_t freed_bytes = 0;
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;

    [[nodiscard]] std::int64_t live_bytes() const noexcept {
        return static_cast<std::int64_t>(allocated_bytes - freed_bytes);
    }
    [[nodiscard]] std::uint64_t live_blocks() const noexcept { return allocations - deallocations; }
};

struct cut_reading {
    totals sums;
    std::int64_t peak_bytes = 0;       // of the innermost window, up to now
    std::int64_t peak_bound_bytes = 0; // of what has happened since the last cut
};

// Flushes every record and reads all of it. After it, no record has anything pending.
[[nodiscard]] inline cut_reading read_all(const cut&) noexcept {
    cut_reading reading;
    std::int64_t threads_at_work = 0;
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        flush(*record);
        totals& sums = reading.sums;
        sums.allocated_bytes += record->allocated_bytes.get();
        sums.freed_bytes += record->freed_bytes.get();
        sums.allocations += record->allocations.get();
        sums.deallocations += record->deallocations.get();
        const std::uint64_t events = record->allocations.get() + record->deallocations.get();
        if (std::exchange(record->events_at_last_cut, events) != events) ++threads_at_work;
    }
    reading.peak_bytes = engine.peak_bytes.load(std::memory_order_relaxed);
    if (threads_at_work > 1)
        reading.peak_bound_bytes = (threads_at_work + 1) * engine.batch_bytes.load(std::memory_order_relaxed);
    return reading;
}

// ---- set-up, and fork -----------------------------------------------------------------------------------------------

inline void use_membarrier_if_there_is_one() noexcept {
#if defined(__linux__)
    if (::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0) return;
#endif
    engine.gate.fetch_or(counting_engine::needs_fence, std::memory_order_seq_cst);
}

// A child of fork has one thread, and the records of those it has not. `stop_threads` ran before the fork, so they are
// whole; here they become free, and what was pending in them is counted.
inline void disown_records_after_fork() noexcept {
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        if (record == current_record) continue;
        flush(*record);
        // A thread that came to the gate while the cut was on may have been busy for a moment; it never got through.
        record->busy.store(0, std::memory_order_relaxed);
        record->own_memory_scopes = 0;
        record->taken.store(false, std::memory_order_relaxed);
    }
    use_membarrier_if_there_is_one();
    resume_threads();
}

inline void set_up_once() noexcept {
    if (engine.set_up.load(std::memory_order_acquire) || engine.set_up.exchange(true, std::memory_order_acq_rel))
        return;
    push_record(engine.reserve);
    use_membarrier_if_there_is_one();
#if defined(__linux__)
    ::pthread_atfork(stop_threads, resume_threads, disown_records_after_fork);
#endif
}

} // namespace peakscope::heap::detail
