// SPDX-License-Identifier: MIT
// What one thread has allocated and freed. The thread writes it without locks; a cut (cut.hpp) reads it.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

namespace peakscope::heap::detail {

// A number with one writer. Plain load and store, no locked instruction; other threads may read it at any time.
template <class Number>
class single_writer {
  public:
    [[nodiscard]] Number get() const noexcept { return value_.load(std::memory_order_relaxed); }
    void set(Number value) noexcept { value_.store(value, std::memory_order_relaxed); }
    Number add(std::type_identity_t<Number> amount) noexcept {
        const Number sum = get() + amount;
        set(sum);
        return sum;
    }

  private:
    std::atomic<Number> value_{0};
};

// Two cache lines: x86 fetches lines in pairs, and records of two threads must not share one.
struct alignas(128) thread_record {
    // In an event: raised before the record changes, lowered after. A cut waits for 0.
    std::atomic<std::uint32_t> busy{0};
    // How many `own_memory` scopes this thread is in. Its owner's alone.
    std::uint32_t own_memory_scopes = 0;

    // Live bytes that are not in `engine.live_bytes` yet, and the highest that sum has been since it was last 0.
    single_writer<std::int64_t> pending_bytes;
    single_writer<std::int64_t> pending_high_bytes;

    // Since the program began. They only grow, so that windows are differences.
    single_writer<std::uint64_t> allocated_bytes;
    single_writer<std::uint64_t> freed_bytes;
    single_writer<std::uint64_t> allocations;
    single_writer<std::uint64_t> deallocations;

    // The profiler's own blocks; may be negative here when another thread allocated what this one freed.
    single_writer<std::int64_t> own_bytes;
    single_writer<std::int64_t> own_blocks;

    // Belongs to the cut: allocations + deallocations when it last looked.
    std::uint64_t events_at_last_cut = 0;

    // A record outlives its thread: its counts still matter, and the next new thread takes it over.
    std::atomic<bool> taken{false};
    thread_record* next = nullptr;
};

} // namespace peakscope::heap::detail
