// SPDX-License-Identifier: MIT
// The counting engine: exact live bytes, their peak and who held them then, for a few plain instructions per event.
//
// An *event* is one allocation or deallocation. Every thread counts its events in a record of its own, by the origin of
// the block (origin_table.hpp), and keeps the sum as *pending* bytes, which it adds to the shared sum when they exceed
// a batch: a *flush*. Nothing on that path is locked. A *cut* stops all threads between two events and collects the
// records; what lies between two cuts is an *interval*.
//
// The peak. A record also keeps the highest its pending bytes have been (`high`). A flush reads the shared sum G as it
// adds to it, and G_before + high is a candidate for the peak. A thread that is *alone* at work in its interval knows
// G, so its high starts at what is missing to the peak, and a new high is a new peak: exactly, and at once.
//
// The bound with T threads at work, B the batch. Between events every |pending| < B, and high starts at 0.
//   Too low by less than T x B:  live(t) = G(t) + sum of pending < G(t) + T x B, and every value that G takes was
//     covered by a candidate (high >= pending) or by the cut that began the window.
//   Too high by less than (T+1) x B:  the flush that offers G + high found live >= G + pending - (T-1) x B just before
//     its last event, and high - pending < 2 x B, because both lie within the batch. A last event that itself sets
//     the high leaves high = pending, and only the other T-1 threads' pending bytes are missing.
// So the peak of an interval is within (T+1) x B where two or more threads had events in it, and exact where at most
// one had. A window is as good as the worst of its intervals, because a maximum is.
//
// Who held it. A record numbers its *moments*. Before a tally changes for the first time in a moment, it notes what it
// holds and stamps that with the moment's number. A new peak begins a new moment, so at any time what a tally held at
// the last peak is what it noted, if the stamp is the moment's, and else what it holds now. That is a comparison per
// event and no look at any other tally, however many there are. A thread that is alone begins a moment with each new
// peak: what is noted then adds up to the peak, to the byte. With more threads, moments begin with a flush that raises
// the shared peak, on every thread as it passes the gate next. What is noted is then of the moment of that flush, and
// adds up to the peak within its bound: the shared sum is then G_before + pending, each other thread holds less than B
// beyond it, and high - pending < 2 x B.
//
// Cuts. To read all records at one moment, a cut stops every thread between two events. A thread says that it is in an
// event with a plain store (`busy`) and then looks at `gate`; the processor may swap the two, and a fence on every
// event would cost more than all the rest. membarrier(2) lets the cut pay instead: it is a fence on all threads at
// once. Where the kernel has none, `gate` keeps a bit set that sends every event through a fence of its own.
//
// The gate is also how threads learn of what they need to know only now and then. It has a number that changes when
// there is something to learn, and a thread that finds another number than it last came through with takes the long way
// once.
#pragma once

#include <peakscope/heap/block_header.hpp>
#include <peakscope/heap/origin_table.hpp>
#include <peakscope/heap/thread_record.hpp>
#include <peakscope/sites/hash.hpp>
#include <peakscope/sites/stack_table.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
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

namespace peakscope::heap::detail {

inline constexpr std::int64_t default_batch_bytes = 32'768;

// What a measurement wants to know of each new block beyond its size.
struct capture_mode {
    new_hook quick;          // counts a new block inside of a pass
    new_hook thorough;       // the same when the record does not know the stack yet
    std::int64_t rate_bytes; // sampling: one stack in so many bytes; else 0
};

// Bytes of a label's live blocks, shared.
struct label_total {
    std::atomic<std::int64_t> live_bytes{0};
    std::atomic<std::int64_t> peak_bytes{0};
};

// What the blocks of one origin hold. Of a sampled origin: estimates, and the blocks in 1,024ths.
struct holding {
    std::int64_t bytes = 0;
    std::int64_t blocks = 0;
    std::int64_t variance = 0;
    std::int64_t samples = 0; // the sampled blocks themselves

    [[nodiscard]] bool is_zero() const noexcept { return bytes == 0 && blocks == 0 && samples == 0; }
    void add(const estimate& value) noexcept {
        bytes += value.bytes;
        blocks += value.blocks_1024ths;
        variance += value.variance;
    }
};

// Its parts lie apart by who writes them.
struct counting_engine { // NOLINT(clang-analyzer-optin.performance.Padding)
    // The gate's bits; above them is its number.
    static constexpr std::uint64_t stopped = 1;     // a cut is on: wait
    static constexpr std::uint64_t needs_fence = 2; // no membarrier: every event pays for a fence
    static constexpr std::uint64_t next_number = 4;

    // Read by every event, written seldom.
    alignas(128) std::atomic<std::uint64_t> gate{0};
    std::atomic<std::int64_t> batch_bytes{default_batch_bytes};
    std::atomic<const capture_mode*> mode{nullptr};
    std::atomic<thread_record*> records{nullptr};

    // Written by flushes.
    alignas(128) std::atomic<std::int64_t> live_bytes{0};
    std::atomic<std::int64_t> peak_bytes{0};    // of the innermost window
    std::atomic<std::uint64_t> peaks{0};        // how often that rose while several threads were at work
    std::atomic<thread_record*> first{nullptr}; // the first record at work since the last cut
    std::atomic<bool> shared{false};            // it is not the only one

    // Changed in cuts alone, except for the tables, which have a lock.
    alignas(128) std::uint64_t interval = 1;
    std::uint64_t generation = 0; // of the measurement
    std::uint16_t phase = before_measurement;
    flow totals;             // since the program began, up to the last cut
    holding* live = nullptr; // what lived at the last cut, by origin
    sites::detail::spin_lock tables_lock;
    sites::detail::stack_table stacks;
    origin_table origins;
    label_total* labels = nullptr; // most_labels of them
    std::atomic<std::size_t> label_count{1};

    // Rarely touched.
    alignas(128) std::atomic<std::uint64_t> foreign_blocks{0}; // freed here, but not allocated here
    std::atomic<std::int64_t> record_bytes{0};                 // the records themselves
    std::atomic<bool> in_cut{false};
    std::atomic<int> set_up{0}; // 1 while it is being done, 2 when it is
    std::atomic<bool> measured{false};
    thread_record reserve; // for a thread that has no record and cannot get one
};

inline constinit counting_engine engine;

// What a thread has that has no record yet: no gate lets it pass, so that the short way need not ask for it.
[[nodiscard]] void* count_first_new(void* block, thread_record& record, const void* frame) noexcept;
inline constinit thread_record no_record{.hook = count_first_new};
// Constant-initialised and trivially destroyed, so that reading it is one instruction in an executable.
inline constinit thread_local thread_record* current_record = &no_record;
inline constinit thread_local bool thread_is_ending = false;
inline constinit thread_local bool thread_holds_cut = false;

// ---- the event ------------------------------------------------------------------------------------------------------

void come_through_gate(thread_record& record) noexcept;
void wait_at_gate(thread_record& record) noexcept;

// Between the two, no cut can read the record. A count and not a flag, so that an event in a signal handler that
// interrupts an event is one event more.
inline std::uint32_t raise_busy(thread_record& record) noexcept {
    const std::uint32_t before = record.busy.load(std::memory_order_relaxed);
    record.busy.store(before + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst); // the cut's membarrier makes it a fence for the processor
    return before;
}
inline void lower_busy(thread_record& record, std::uint32_t before) noexcept {
    record.busy.store(before, std::memory_order_release);
}
inline void lower_busy(thread_record& record) noexcept {
    lower_busy(record, record.busy.load(std::memory_order_relaxed) - 1);
}

// In a signal handler that interrupted an event: what that event has locked is locked still.
[[nodiscard]] inline bool is_nested(const thread_record& record) noexcept {
    return record.busy.load(std::memory_order_relaxed) > 1;
}

// One event on one record, the long way.
class event {
  public:
    explicit event(thread_record& record) noexcept : record_(record) {
        raise_busy(record_);
        if (engine.gate.load(std::memory_order_relaxed) != record_.pass) come_through_gate(record_);
    }
    ~event() { lower_busy(record_); }
    event(const event&) = delete;
    event& operator=(const event&) = delete;

    [[nodiscard]] bool inside_another() const noexcept { return is_nested(record_); }

  private:
    thread_record& record_;
};

// The same for what is no event of the program's, but no cut may fall into: the thread is not at work by it.
class aside {
  public:
    explicit aside(thread_record& record) noexcept : record_(record) {
        raise_busy(record_);
        if (engine.gate.load(std::memory_order_relaxed) != record_.pass) wait_at_gate(record_);
    }
    ~aside() { lower_busy(record_); }
    aside(const aside&) = delete;
    aside& operator=(const aside&) = delete;

    [[nodiscard]] bool inside_another() const noexcept { return is_nested(record_); }

  private:
    thread_record& record_;
};

// True when the peak rose.
inline bool raise_peak(std::atomic<std::int64_t>& peak_bytes, std::int64_t candidate) noexcept {
    std::int64_t peak = peak_bytes.load(std::memory_order_relaxed);
    while (candidate > peak)
        if (peak_bytes.compare_exchange_weak(peak, candidate, std::memory_order_relaxed)) return true;
    return false;
}

inline void set_upper_bound(thread_record& record) noexcept {
    record.upper_bytes = std::min(record.high_bytes, -record.lower_bytes - 1);
    const bool stamped = record.context_tally != nullptr && record.context_tally->stamp == record.moment;
    record.context_upper_bytes = stamped ? record.upper_bytes : INT64_MIN;
}
inline void set_bounds(thread_record& record) noexcept {
    const std::int64_t batch = engine.batch_bytes.load(std::memory_order_relaxed);
    record.lower_bytes = -batch;
    set_upper_bound(record);
}

// From here on, what was noted of older peaks is void.
inline void begin_moment(thread_record& record) noexcept {
    ++record.moment;
    record.context_upper_bytes = INT64_MIN;
}

// Moves pending bytes into the shared sum and offers a candidate for the peak; true when the peak rose. Called inside
// an event or a cut.
inline bool flush_quietly(thread_record& record) noexcept {
    const std::int64_t pending = std::exchange(record.pending_bytes, 0);
    const std::int64_t before = engine.live_bytes.fetch_add(pending, std::memory_order_relaxed);
    const bool rose = raise_peak(engine.peak_bytes, (record.alone ? record.base_bytes : before) + record.high_bytes);
    record.base_bytes = before + pending;
    record.high_bytes =
        record.alone ? engine.peak_bytes.load(std::memory_order_relaxed) - record.base_bytes : std::int64_t{0};
    set_bounds(record);
    return rose;
}

// The same, and tells the other threads.
inline void flush(thread_record& record) noexcept {
    if (!flush_quietly(record) || record.alone) return;
    engine.peaks.fetch_add(1, std::memory_order_relaxed);
    engine.gate.fetch_add(counting_engine::next_number, std::memory_order_release);
}

bool add_special(thread_record& record, tally& changed, origin from, std::uint64_t size_bytes,
                 bool is_allocation) noexcept;

// Puts the tally on the record's list, and finds out whether it is a special one.
[[gnu::noinline]] inline void list_tally(thread_record& record, tally& changed, origin from) noexcept {
    const origin_info& info = engine.origins[from];
    changed.listed = true;
    changed.special = info.label != 0 || info.kind > origin_kind::counted;
    changed.next = std::exchange(record.changed, from);
}

// Before a tally changes: notes what it holds, where that is what it held at the last peak.
inline void note(thread_record& record, tally& changed, origin from) noexcept {
    if (!changed.listed) list_tally(record, changed, from);
    special_tally* const more = changed.special ? &record.specials[from] : nullptr;
    std::uint64_t& stamp = more != nullptr ? more->stamp : changed.stamp;
    if (stamp == record.moment) return;
    stamp = record.moment;
    changed.at_peak_bytes = changed.since_cut.live_bytes();
    changed.at_peak_blocks = changed.since_cut.live_blocks();
    if (more != nullptr) more->at_peak = more->live;
}

// An event in all its cases, inside an event. Its short way is in `count_new_quickly` and `count_delete_quickly`.
inline void add_allocation(thread_record& record, origin from, std::uint64_t size_bytes) noexcept {
    tally& changed = record.tallies[from];
    note(record, changed, from);
    if (changed.special && add_special(record, changed, from, size_bytes, true)) return;
    changed.since_cut.allocated_bytes += size_bytes;
    changed.since_cut.allocations += 1;
    record.pending_bytes += static_cast<std::int64_t>(size_bytes);
    if (record.pending_bytes > record.high_bytes) {
        record.high_bytes = record.pending_bytes;
        if (record.alone) begin_moment(record);
    }
    if (record.pending_bytes >= -record.lower_bytes)
        flush(record);
    else
        set_upper_bound(record);
}
inline void add_deallocation(thread_record& record, origin from, std::uint64_t size_bytes) noexcept {
    tally& changed = record.tallies[from];
    note(record, changed, from);
    if (changed.special && add_special(record, changed, from, size_bytes, false)) return;
    changed.since_cut.freed_bytes += size_bytes;
    changed.since_cut.deallocations += 1;
    record.pending_bytes -= static_cast<std::int64_t>(size_bytes);
    if (record.pending_bytes <= record.lower_bytes) flush(record);
}

// The hot path. An event of the program's on a thread that has a record, with nothing new behind the gate, of an origin
// that has had an event since the last peak. It makes no call, so that the operators around it need not save a
// register; what remains to be done, they do as their last act. Where something does, the event goes on.
enum class remains {
    nothing,
    to_finish, // count it in its origin
    to_count   // by the record's hook, or the long way
};

// A block of no bytes has a chance to be sampled too.
[[nodiscard]] inline std::int64_t sampled_size(std::uint64_t size_bytes) noexcept {
    return static_cast<std::int64_t>(size_bytes + (size_bytes == 0 ? 1U : 0U));
}

// A block of the record's context. Writes the tag.
[[nodiscard, gnu::always_inline]] inline remains count_new_quickly(thread_record& record, void* block,
                                                                   std::uint64_t size_bytes) noexcept {
    const std::uint32_t depth = raise_busy(record);
    const std::uint64_t gate = engine.gate.load(std::memory_order_relaxed);
    if (gate != record.new_pass) {
        // While a measurement samples, the same, but for the blocks that are hit.
        const std::int64_t rest = record.until_sample_bytes - sampled_size(size_bytes);
        if (gate != record.sampling_pass || rest < 0) return remains::to_count;
        record.until_sample_bytes = rest;
    }
    block_header::of(block).tag = block_header::tag_of(block, record.context_key);
    const std::int64_t pending = record.pending_bytes + static_cast<std::int64_t>(size_bytes);
    if (pending > record.context_upper_bytes) [[unlikely]]
        return remains::to_finish;
    tally& changed = *record.context_tally;
    record.pending_bytes = pending;
    changed.since_cut.allocated_bytes += size_bytes;
    changed.since_cut.allocations += 1;
    lower_busy(record, depth);
    return remains::nothing;
}

[[nodiscard, gnu::always_inline]] inline remains count_delete_quickly(thread_record& record, origin from,
                                                                      std::uint64_t size_bytes) noexcept {
    const std::uint32_t depth = raise_busy(record);
    if (engine.gate.load(std::memory_order_relaxed) != record.pass) [[unlikely]]
        return remains::to_count;
    tally& changed = record.tallies[from];
    const std::int64_t pending = record.pending_bytes - static_cast<std::int64_t>(size_bytes);
    if (pending <= record.lower_bytes || changed.stamp != record.moment) [[unlikely]]
        return remains::to_finish;
    record.pending_bytes = pending;
    changed.since_cut.freed_bytes += size_bytes;
    changed.since_cut.deallocations += 1;
    lower_busy(record, depth);
    return remains::nothing;
}

// The long way of a deallocation, and of an allocation whose origin is known. The block has its tag.
inline void count_block(thread_record& record, const block_header& header) noexcept {
    const event in_progress{record};
    add_allocation(record, header.from(), header.requested_bytes);
}
inline void count_deallocation(thread_record& record, const block_header& header) noexcept {
    const event in_progress{record};
    add_deallocation(record, header.from(), header.requested_bytes);
}

inline void count_nothing(thread_record&) noexcept {}

// The long way of an allocation. The block has its tag, without an origin.
inline void count_allocation(thread_record& record, void* block, const void* frame) noexcept {
    block_header& header = block_header::of(block);
    if (record.own_memory_scopes != 0) {
        const aside in_progress{record};
        header.set_own();
        record.own_bytes += static_cast<std::int64_t>(header.requested_bytes);
        record.own_blocks += 1;
        return;
    }
    const capture_mode* mode = nullptr;
    {
        const event in_progress{record};
        mode = in_progress.inside_another() ? nullptr : engine.mode.load(std::memory_order_acquire);
        if (mode == nullptr) {
            header.set_origin(record.context);
            add_allocation(record, record.context, header.requested_bytes);
            return;
        }
    }
    static_cast<void>(mode->thorough(block, record, frame));
}

// What an over-aligned block wastes in front of it is the profiler's own memory, and no block's size shows it.
inline void count_padding(thread_record& record, void* block) noexcept {
    const aside in_progress{record};
    record.own_bytes += block_header::of(block).padding_bytes();
}

// A block that is over-aligned, or the profiler's own.
inline void count_unusual_deallocation(thread_record& record, const block_header& header) noexcept {
    if (!header.own()) count_deallocation(record, header);
    const aside in_progress{record};
    record.own_bytes -= header.padding_bytes();
    if (header.own()) {
        record.own_bytes -= static_cast<std::int64_t>(header.requested_bytes);
        record.own_blocks -= 1;
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
        const aside in_progress{record};
        if (record.interval == engine.interval) flush(record);
        record.label = 0;
        record.pass = record.new_pass = record.sampling_pass = thread_record::no_pass;
    }
    record.taken.store(false, std::memory_order_release);
}

// All of a record's tables in one piece of address space, which becomes memory where it is written.
[[nodiscard]] inline bool give_tables(thread_record& record, std::size_t limit) noexcept {
    const std::size_t labels = std::min(limit, most_labels);
    auto* at = static_cast<std::byte*>(sites::detail::reserve_pages(
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
    for (auto* record = engine.records.load(std::memory_order_acquire); record != nullptr; record = record->next)
        if (record != &engine.reserve && take(*record)) return *record;
    if (void* memory = std::aligned_alloc(alignof(thread_record), sizeof(thread_record))) {
        auto* record = ::new (memory) thread_record;
        if (give_tables(*record, engine.origins.limit())) {
            record->taken.store(true, std::memory_order_relaxed);
            engine.record_bytes.fetch_add(sizeof(thread_record), std::memory_order_relaxed);
            push_record(*record);
            return *record;
        }
        std::free(memory);
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
        if (thread_record* const record = std::exchange(current_record, &no_record); record != &no_record)
            release_record(*record);
    }
};
inline thread_local record_releaser releaser;

void set_up_once() noexcept;
[[nodiscard]] void* count_new_on(void* block, thread_record& record, const void* frame) noexcept;

// A thread gets its record with its first event and keeps it. While it ends, or where there is no memory for a record,
// it borrows one for each event.
template <auto Count, class... Arguments>
void with_new_record(Arguments&&... arguments) noexcept {
    set_up_once();
    thread_record& record = acquire_record();
    if (thread_is_ending || &record == &engine.reserve) {
        Count(record, arguments...);
        release_record(record);
    } else {
        record.hook = count_new_on;
        current_record = &record;
        releaser.armed = true; // the first touch registers its destructor
        Count(record, arguments...);
    }
}

// Calls `Count` with a record that is the calling thread's own, and the arguments. A function as a template argument
// and not a function object, so that nothing is passed through memory.
template <auto Count, class... Arguments>
inline void with_record(Arguments&&... arguments) noexcept {
    if (thread_record* const record = current_record; record != &no_record) [[likely]]
        Count(*record, arguments...);
    else
        with_new_record<Count>(arguments...);
}

// ---- the gate -------------------------------------------------------------------------------------------------------

// An origin for blocks that this thread allocates; `not_attributed` when there are no more numbers. Inside an event
// that is in no other.
[[nodiscard]] inline origin intern_origin(const thread_record& record, sites::detail::stored_stack stack,
                                          origin_kind kind) noexcept {
    const std::lock_guard lock{engine.tables_lock};
    return engine.origins.intern(
        {stack, engine.phase, record.label, kind, stack == nullptr ? not_attributed : record.context});
}

inline void set_context(thread_record& record) noexcept {
    record.context = intern_origin(record, nullptr, origin_kind::counted);
    record.context_key = block_header::key_of(sizeof(block_header), record.context);
    record.context_tally = record.tallies + record.context;
    set_upper_bound(record);
}

// Exponentially distributed: the gaps of a Poisson process.
[[nodiscard]] inline std::int64_t bytes_to_next_sample(thread_record& record, std::int64_t rate_bytes) noexcept {
    const double even =
        (static_cast<double>(sites::detail::next_random(record.random_state) >> 11U) + 1) * 0x1p-53; // in (0, 1]
    return static_cast<std::int64_t>(-std::log(even) * static_cast<double>(rate_bytes));
}

// The first event of a measurement on this thread.
inline void join_measurement(thread_record& record) noexcept {
    record.generation = engine.generation;
    record.stacks.clear();
    const capture_mode* const mode = engine.mode.load(std::memory_order_acquire);
    if (mode == nullptr || mode->rate_bytes == 0) return;
    record.random_state = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()) ^
                          reinterpret_cast<std::uintptr_t>(&record) * sites::detail::hash_factor;
    record.until_sample_bytes = bytes_to_next_sample(record, mode->rate_bytes);
}

// The first event since a cut.
inline void join_interval(thread_record& record) noexcept {
    record.interval = engine.interval;
    record.base_bytes = engine.live_bytes.load(std::memory_order_relaxed);
    thread_record* nobody = nullptr;
    record.alone = engine.first.compare_exchange_strong(nobody, &record, std::memory_order_acq_rel);
    if (!record.alone && !engine.shared.exchange(true, std::memory_order_acq_rel)) // the first one must know
        engine.gate.fetch_add(counting_engine::next_number, std::memory_order_release);
    record.high_bytes =
        record.alone ? engine.peak_bytes.load(std::memory_order_relaxed) - record.base_bytes : std::int64_t{0};
    set_bounds(record);
    record.seen_peaks = engine.peaks.load(std::memory_order_relaxed);
    begin_moment(record);
    if (record.generation != engine.generation) join_measurement(record);
    set_context(record);
}

// What the gate's new number may mean. Inside an event.
inline void learn(thread_record& record) noexcept {
    if (record.interval != engine.interval) join_interval(record);
    if (record.alone && engine.shared.load(std::memory_order_acquire)) {
        // All that it has counted up to now, it has counted alone, and knows exactly.
        const bool holds_the_peak = flush_quietly(record);
        record.alone = false;
        record.high_bytes = 0;
        set_bounds(record);
        if (holds_the_peak) record.seen_peaks = engine.peaks.load(std::memory_order_relaxed);
    }
    if (std::exchange(record.seen_peaks, engine.peaks.load(std::memory_order_relaxed)) != record.seen_peaks)
        begin_moment(record);
}

// Returns when no cut is on, with the number that the gate had then. Busy all the while but for the waiting.
[[nodiscard]] inline std::uint64_t number_at_gate(thread_record& record) noexcept {
    const std::uint32_t depth = record.busy.load(std::memory_order_relaxed);
    std::uint64_t number = engine.gate.load(std::memory_order_acquire);
    while ((number & (counting_engine::stopped | counting_engine::needs_fence)) != 0) {
        // Either the exchange comes first and the cut sees that the thread is busy, or the cut's mark on the gate comes
        // first and the thread sees that.
        record.busy.exchange(depth, std::memory_order_seq_cst);
        number = engine.gate.load(std::memory_order_seq_cst);
        if ((number & counting_engine::stopped) == 0) break;
        record.busy.store(0, std::memory_order_release);
        while ((engine.gate.load(std::memory_order_acquire) & counting_engine::stopped) != 0)
            std::this_thread::yield();
        record.busy.store(depth, std::memory_order_relaxed);
        number = engine.gate.load(std::memory_order_acquire) | counting_engine::needs_fence; // once more around
    }
    return number;
}

// In a cut of its own, a thread runs what others hook into fork, and signal handlers; these may allocate.
[[gnu::noinline]] inline void wait_at_gate(thread_record& record) noexcept {
    if (!thread_holds_cut) static_cast<void>(number_at_gate(record));
}

// Every event comes here once after the gate has changed; while a cut is on; and always where there is no membarrier.
[[gnu::noinline]] inline void come_through_gate(thread_record& record) noexcept {
    if (thread_holds_cut) return;
    const std::uint64_t number = number_at_gate(record);
    // In a signal handler, the event that it interrupted will learn what there is.
    if (record.busy.load(std::memory_order_relaxed) > 1) return;
    learn(record);
    const bool every_time = (number & counting_engine::needs_fence) != 0;
    const capture_mode* const mode = engine.mode.load(std::memory_order_acquire);
    const bool own = record.own_memory_scopes != 0;
    record.pass = every_time ? thread_record::no_pass : number;
    record.new_pass = own || mode != nullptr ? thread_record::no_pass : record.pass;
    record.sampling_pass = !own && mode != nullptr && mode->rate_bytes > 0 ? record.pass : thread_record::no_pass;
    record.hook = own || mode == nullptr ? count_new_on : mode->quick;
}

// The long way of an allocation that the operator could not count itself. The block has no tag yet.
inline void count_untagged(thread_record& record, void* block, const void* frame) noexcept {
    block_header::of(block).tag =
        block_header::tag_of(block, block_header::key_of(sizeof(block_header), not_attributed));
    count_allocation(record, block, frame);
}
[[gnu::noinline, gnu::cold]] inline void* count_first_new(void* block, thread_record&, const void* frame) noexcept {
    with_record<count_untagged>(block, frame);
    return block;
}
// Inside an event, which it ends.
[[gnu::noinline]] inline void* count_new_on(void* block, thread_record& record, const void* frame) noexcept {
    lower_busy(record);
    count_untagged(record, block, frame);
    return block;
}

// ---- sampling and labels --------------------------------------------------------------------------------------------

// What a sampled block stands for. Samples are points on the line of all allocated bytes, a Poisson process with one
// point in `rate_bytes` on average: a block of s bytes is hit with the probability p = 1 - exp(-s / rate), whatever the
// others are. Weighting each sampled block with 1/p makes every sum unbiased (Horvitz and Thompson, 1952), and
// (1 - p) / p^2 x s^2 is the unbiased estimate of what the block adds to the variance of that sum.
[[nodiscard]] inline estimate estimate_of(std::uint64_t size_bytes, std::int64_t rate_bytes) noexcept {
    const double size = size_bytes == 0 ? 1 : static_cast<double>(size_bytes); // a block of no bytes is a block
    const double part = size / static_cast<double>(rate_bytes);
    const double hit = -std::expm1(-part);
    return {size_bytes == 0 ? 0 : std::llround(size / hit), std::llround(1024 / hit),
            std::llround((1 - hit) * (part / hit) * (part / hit) * 0x1p20)};
}

inline void flush_label(label_pending& pending, label_total& total) noexcept {
    const std::int64_t before = total.live_bytes.fetch_add(pending.bytes, std::memory_order_relaxed);
    raise_peak(total.peak_bytes, before + pending.high_bytes);
    pending = {};
}

// True when that was all: a sampled block is counted in its context as well, once, and has an estimate here.
[[gnu::noinline]] inline bool add_special(thread_record& record, tally& changed, origin from, std::uint64_t size_bytes,
                                          bool is_allocation) noexcept {
    const origin_info& info = engine.origins[from];
    if (info.kind != origin_kind::counted) {
        special_tally& more = record.specials[from];
        const capture_mode* const mode = engine.mode.load(std::memory_order_relaxed);
        const bool estimated = info.kind == origin_kind::sampled && mode != nullptr && mode->rate_bytes > 0;
        const estimate weight = estimated ? estimate_of(size_bytes, mode->rate_bytes) : estimate{};
        if (is_allocation) {
            changed.since_cut.allocations += 1;
            more.allocated += weight;
            more.live += weight;
            add_allocation(record, info.context, size_bytes);
        } else {
            changed.since_cut.deallocations += 1;
            more.live -= weight;
            add_deallocation(record, info.context, size_bytes);
        }
        return true;
    }
    label_pending& pending = record.labels[info.label];
    pending.bytes += is_allocation ? static_cast<std::int64_t>(size_bytes) : -static_cast<std::int64_t>(size_bytes);
    pending.high_bytes = std::max(pending.high_bytes, pending.bytes);
    if (pending.bytes >= -record.lower_bytes || pending.bytes <= record.lower_bytes)
        flush_label(pending, engine.labels[info.label]);
    return false;
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
    engine.gate.fetch_and(~counting_engine::stopped, std::memory_order_release);
    engine.in_cut.store(false, std::memory_order_release);
}

class cut {
  public:
    cut() noexcept { stop_threads(); }
    ~cut() { resume_threads(); }
    cut(const cut&) = delete;
    cut& operator=(const cut&) = delete;
};

struct interval_peak {
    std::int64_t peak_bytes = 0;  // of the innermost window, up to now
    std::int64_t bound_bytes = 0; // of what has happened since the last cut
    bool is_now = false;          // the peak is what lives now; what is noted in the tallies is of an older one
};

// Brings the shared sum and the peak up to date. The tallies are left as they are.
[[nodiscard]] inline interval_peak flush_all(const cut&) noexcept {
    interval_peak reading;
    std::int64_t threads_at_work = 0;
    for (auto* record = first_record(); record != nullptr; record = record->next) {
        if (record->interval == engine.interval)
            ++threads_at_work;
        else if (record->pending_bytes == 0) // else the cut's own thread counted between two cuts
            continue;
        else
            record->alone = false;
        if (flush_quietly(*record)) reading.is_now = !record->alone;
        const std::size_t labels = engine.label_count.load(std::memory_order_acquire);
        for (std::size_t label = 1; label < labels; ++label)
            if (label_pending& pending = record->labels[label]; pending.bytes != 0 || pending.high_bytes != 0)
                flush_label(pending, engine.labels[label]);
    }
    reading.peak_bytes = engine.peak_bytes.load(std::memory_order_relaxed);
    if (threads_at_work > 1)
        reading.bound_bytes = (threads_at_work + 1) * engine.batch_bytes.load(std::memory_order_relaxed);
    return reading;
}

// Calls `use(record, from, tally)` for every tally that has changed since the last cut.
template <class Use>
void for_each_changed(const cut&, Use use) noexcept {
    for (auto* record = first_record(); record != nullptr; record = record->next)
        for (origin from = record->changed; from != thread_record::end_of_list;) {
            tally& changed = record->tallies[from];
            from = changed.next;
            use(*record, static_cast<origin>(&changed - record->tallies), changed);
        }
}

// Whether every block of the origin is in its tallies. A sampled origin's are in its context's.
[[nodiscard]] inline bool is_counted(origin from) noexcept {
    return from == not_attributed || engine.origins[from].kind == origin_kind::counted;
}

// Whether what a tally has noted is what it held at the last peak; else that is what it holds now.
[[nodiscard]] inline bool noted_at_peak(const thread_record& record, origin from, const tally& changed) noexcept {
    const std::uint64_t stamp = changed.special ? record.specials[from].stamp : changed.stamp;
    return stamp == record.moment && record.seen_peaks == engine.peaks.load(std::memory_order_relaxed);
}

// Ends the interval: hands every changed tally to `use(from, tally, special)`, sets it back, and opens the next one.
// `special` is null where the tally is not a special one.
template <class Use>
void end_interval(const cut& standing_still, Use use) noexcept {
    for_each_changed(standing_still, [&](thread_record& record, origin from, tally& changed) {
        special_tally* const more = changed.special ? &record.specials[from] : nullptr;
        holding& live = engine.live[from];
        if (is_counted(from)) {
            engine.totals += changed.since_cut;
            live.bytes += changed.since_cut.live_bytes();
            live.blocks += changed.since_cut.live_blocks();
        } else if (more != nullptr) { // always: a sampled origin is a special one
            live.add(more->live);
            live.samples += changed.since_cut.live_blocks();
        }
        use(from, changed, more);
        changed = {};
        if (more != nullptr) *more = {};
    });
    for (auto* record = first_record(); record != nullptr; record = record->next)
        record->changed = thread_record::end_of_list;
    ++engine.interval;
    engine.first.store(nullptr, std::memory_order_relaxed);
    engine.shared.store(false, std::memory_order_relaxed);
    engine.gate.fetch_add(counting_engine::next_number, std::memory_order_relaxed); // threads still wait at it
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
        if (record->pending_bytes != 0) {
            const bool rose = flush_quietly(*record);
            if (rose && !record->alone) engine.peaks.fetch_add(1, std::memory_order_relaxed);
        }
        // A thread that came to the gate while the cut was on may have been busy for a moment; it never got through.
        record->busy.store(0, std::memory_order_relaxed);
        record->own_memory_scopes = 0;
        record->label = 0;
        record->pass = record->new_pass = record->sampling_pass = thread_record::no_pass;
        record->taken.store(false, std::memory_order_release);
    }
    engine.gate.fetch_add(counting_engine::next_number, std::memory_order_relaxed);
    use_membarrier_if_there_is_one();
    resume_threads();
}

[[nodiscard]] inline bool set_up_tables(std::size_t limit) noexcept {
    if (engine.labels == nullptr)
        engine.labels = static_cast<label_total*>(sites::detail::reserve_pages(most_labels * sizeof(label_total)));
    if (engine.live == nullptr)
        engine.live = static_cast<holding*>(sites::detail::reserve_pages(limit * sizeof(holding)));
    return engine.labels != nullptr && engine.live != nullptr &&
           (engine.reserve.tallies != nullptr || give_tables(engine.reserve, limit)) && engine.origins.set_up(limit) &&
           engine.stacks.set_up(limit);
}

// The first event of the process, which is nearly always in its first thread, before main.
[[gnu::noinline]] inline void set_up_once() noexcept {
    if (engine.set_up.load(std::memory_order_acquire) == 2) return;
    int not_begun = 0;
    if (!engine.set_up.compare_exchange_strong(not_begun, 1, std::memory_order_acq_rel)) {
        while (engine.set_up.load(std::memory_order_acquire) != 2)
            std::this_thread::yield();
        return;
    }
    std::size_t limit = most_origins;
    while (!set_up_tables(limit)) {
        if (limit < 256) std::abort(); // not even a heap could be used
        limit /= 4;
    }
    push_record(engine.reserve);
    use_membarrier_if_there_is_one();
#if defined(__linux__)
    ::pthread_atfork(stop_threads, resume_threads, disown_records_after_fork);
#endif
    engine.set_up.store(2, std::memory_order_release);
}

} // namespace peakscope::heap::detail
