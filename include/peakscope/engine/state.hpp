// SPDX-License-Identifier: MIT
// What all threads of the process share, and what each of them has: the data of the counting engine.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/exclusive_claim.hpp>
#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/origin_table.hpp>
#include <peakscope/engine/thread_record.hpp>
#include <peakscope/memory/bounded_series.hpp>
#include <peakscope/memory/resident.hpp>
#include <peakscope/memory/spin_lock.hpp>
#include <peakscope/sites/stack_table.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <csignal>
#endif

namespace peakscope::engine {

class lifetime_table;
struct faultable;
using fault_function = bool(void* context, const faultable& allocation) noexcept;

// The values of `slow_from_bytes`. One number, so that the fast path asks once.
namespace slow_from {
inline constexpr std::size_t too_large = largest_block_bytes + 1; // the counting is on
inline constexpr std::size_t any_size = 0;                        // it is off, or `injects` or `watches` is set
} // namespace slow_from

inline constexpr std::int64_t default_batch_bytes = 32'768;

// What a measurement wants to know of each new block beyond its size.
struct capture_mode {
    new_hook fast;           // counts a new block inside of a pass
    new_hook slow;           // the same when the record does not know the stack yet
    std::int64_t rate_bytes; // sampling: one stack in so many bytes; else 0
    bool watches = false;    // lifetimes
};

// Bytes of a label's live blocks, shared.
struct label_total {
    std::atomic<std::int64_t> live_bytes{0};
    std::atomic<std::int64_t> peak_bytes{0};
};

// What threads have done for one phase that was in scope on them (work.hpp).
struct work_total {
    std::uint64_t entries = 0;
    std::int64_t nanoseconds = 0; // of thread time
    flow flows;
};

// What the blocks of one origin hold. Of a sampled origin: estimates, and the blocks in 1,024ths.
struct holding {
    std::int64_t bytes = 0;
    std::int64_t blocks = 0;
    std::int64_t variance = 0;
    std::int64_t samples = 0; // the sampled blocks themselves

    [[nodiscard]] bool is_zero() const noexcept { return bytes == 0 && blocks == 0 && samples == 0; }
    void add(const estimate& value, std::int64_t sign = 1) noexcept {
        bytes += sign * value.bytes;
        blocks += sign * value.blocks_1024ths;
        variance += sign * value.variance;
    }
};

// Its parts lie apart by who writes them.
struct engine_state { // NOLINT(clang-analyzer-optin.performance.Padding)
    // The gate's bits; above them is its number.
    static constexpr std::uint64_t stopped = 1;     // a cut is on: wait
    static constexpr std::uint64_t needs_fence = 2; // no membarrier: every event pays for a fence
    static constexpr std::uint64_t watched = 4;     // every event takes the slow path
    static constexpr std::uint64_t next_number = 8;

    // Read by every event, written seldom.
    alignas(128) std::atomic<std::uint64_t> gate{0};
    std::atomic<std::int64_t> batch_bytes{default_batch_bytes};
    std::atomic<const capture_mode*> mode{nullptr};
    std::atomic<thread_record*> records{nullptr};
    // Blocks of this size and above take the slow path.
    std::atomic<std::size_t> slow_from_bytes{slow_from::too_large};

    // Written by flushes.
    alignas(128) std::atomic<std::int64_t> live_bytes{0};
    std::atomic<std::int64_t> peak_bytes{0};       // of the innermost window
    std::atomic<std::int64_t> peak_nanoseconds{0}; // when; kept while there is a timeline
    std::atomic<std::uint64_t> peaks{0};           // how often that rose while several threads were at work
    std::atomic<thread_record*> first{nullptr};    // the first record at work since the last cut
    std::atomic<bool> shared{false};               // it is not the only one

    // Changed in cuts alone, except for the tables, which have a lock.
    alignas(128) std::uint64_t interval = 1;
    std::uint64_t generation = 0; // of the measurement
    phase_slot phase{};
    flow totals{};           // since the program began, up to the last cut
    holding* live = nullptr; // what lived at the last cut, by origin
    memory::resident_front live_pages{};
    memory::spin_lock tables_lock{};
    sites::stack_table stacks{};
    origin_table origins{};
    label_total* labels = nullptr; // most_labels of them
    memory::resident_front label_pages{};
    std::atomic<std::size_t> label_count{1};
    work_total* work = nullptr; // by phase, most_phases of them; written under the tables' lock
    memory::resident_front work_pages{};
    bool books_work = false;                    // a measurement is on
    memory::bounded_series* timeline = nullptr; // of live bytes, while a measurement wants one
    lifetime_table* lives = nullptr;            // while a measurement wants them
    std::atomic<std::uint64_t> births{0};       // numbers given to blocks then

    // Rarely touched.
    alignas(128) std::atomic<std::uint64_t> foreign_blocks{0}; // freed here, but not allocated here
    std::atomic<bool> in_cut{false};
#if defined(__linux__)
    sigset_t signals_before_cut{};
#endif
    std::atomic<bool> in_fork{false}; // the cut is for a fork
    std::atomic<int> set_up{0};       // 1 while it is being done, 2 when it is
    exclusive_claim measured{};
    std::atomic<bool> malloc_is_replaced{false}; // and not the operators alone
    std::atomic<bool> injects{false};            // allocations may be made to fail (fault_hook.hpp)
    std::atomic<bool> watches{false};            // blocks have a `birth`
    thread_record reserve{};                     // for threads that have no record and cannot get one
    std::atomic<std::uint64_t> reserve_events{0};

    // In a cut: before `live` is written.
    void reach_live() noexcept { live_pages.reach(live, origins.count() * sizeof(holding)); }
};

inline constinit engine_state state;

[[nodiscard, gnu::always_inline]] inline bool is_off() noexcept {
    return state.slow_from_bytes.load(std::memory_order_relaxed) == slow_from::any_size &&
           !state.injects.load(std::memory_order_relaxed) && !state.watches.load(std::memory_order_relaxed);
}

// The hooks of a thread without a record, and of one with nothing in particular to do.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] void* count_first_new(void* block, thread_record& record,
                                                             const void* frame) noexcept;
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] void* count_new_on(void* block, thread_record& record,
                                                          const void* frame) noexcept;
// The rest of an allocation whose fast path ended early, with the block tagged. Inside an event, which it ends.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] void* finish_new(void* block, thread_record& record) noexcept;

// What a thread has that has no record yet: no gate lets it pass, so that the fast path need not ask for it.
// In the process once, and defined with the hook that it needs: a file that only includes this header needs neither.
extern thread_record no_record;
// Constant-initialised, as the declaration says, and trivially destroyed: reading it is one instruction in an
// executable.
extern constinit thread_local thread_record* current_record;
inline constinit thread_local bool thread_is_ending = false;
inline constinit thread_local thread_scopes scopes_without_record{};
// The record that a thread without one has been lent for an event.
inline constinit thread_local const thread_record* lent_record = nullptr;
inline constinit thread_local bool thread_holds_cut = false;
// Says of an allocation on this thread whether it shall fail; null for none.
inline constinit thread_local fault_function* faults_here = nullptr;
inline constinit thread_local void* fault_context = nullptr;

} // namespace peakscope::engine
