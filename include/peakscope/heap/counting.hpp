// SPDX-License-Identifier: MIT
// heap::counting: the heap as `operator new` and `operator delete` see it, in requested bytes, exactly.
//
//     // in one .cpp file of the program:
//     #include <peakscope/heap/counting_operators.hpp>
//
//     // where the measurement starts:
//     #include <peakscope/heap/counting.hpp>
//     using Memory = peakscope::profiler<Phases, peakscope::heap::counting<>>;
//
// What it counts: every block from the replaced operators, in all threads, from the first one in the process, with the
// size that the program asked for. What it does not see: malloc called directly, by C libraries for example, and mmap.
//
// Precision: start, end, delta, allocated, freed and the counts are exact, also while other threads allocate: they are
// read while all threads stand still for a moment. A peak is exact where one thread alone was at work between each
// phase boundary and the next; where more were, it is bounded, see counting_engine.hpp. `counting<batch<0_B>>` has
// exact peaks with any number of threads, and pays for it with a shared counter on every event.
//
// The price: sixteen bytes in front of each block, reported as the profiler's own. They are in the RSS figures.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/counting_engine.hpp>
#include <peakscope/heap/fwd.hpp>

#include <new>
#include <optional>
#include <string>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace peakscope::heap {

/// An option of `counting`: how many bytes a thread may have pending before it adds them to the shared sum. A smaller
/// batch gives tighter bounds with several threads and costs more; 0 makes every peak exact. The default is 32 KiB.
template <bytes Bytes>
struct batch {
    static_assert(Bytes.count >= 0, "peakscope: a batch is not negative");
    static constexpr std::int64_t batch_bytes = Bytes.count;
};

/// The heap source over the replaced operators. Global to the process: it serves one measurement at a time.
template <class... Options>
class counting {
    static_assert(sizeof...(Options) <= 1, "peakscope: heap::counting takes one option, batch<...>");

    static constexpr std::int64_t batch_bytes() noexcept {
        if constexpr (sizeof...(Options) == 0)
            return detail::default_batch_bytes;
        else
            return (Options::batch_bytes, ...);
    }

  public:
    static constexpr const char* name = "counting";
    static constexpr const char* unit = "requested";

    class window {
        friend counting;
        detail::totals start_;
        std::int64_t outer_peak_bytes_ = 0; // of the window around this one, before it was opened
        std::int64_t bound_bytes_ = 0;      // the worst interval so far
    };

    /// While one is alive, what its thread allocates is the profiler's own memory.
    class own_memory {
      public:
        own_memory() noexcept {
            detail::with_record<detail::count_nothing>(); // sees to it that there is one
            if (detail::thread_record* const record = detail::current_record) ++record->own_memory_scopes;
        }
        ~own_memory() {
            if (detail::thread_record* const record = detail::current_record) --record->own_memory_scopes;
        }
        own_memory(const own_memory&) = delete;
        own_memory& operator=(const own_memory&) = delete;
    };

    /// Throws `usage_error` when another measurement uses the counted heap, and `source_error` when the operators are
    /// not replaced.
    void open() {
        if (detail::engine.measured.exchange(true, std::memory_order_acq_rel))
            throw usage_error("heap::counting serves one measurement at a time, and one is running: finish() it before "
                              "the next one starts");
        if (!operators_are_replaced()) {
            close();
            throw source_error("heap::counting sees no allocations: operator new is not replaced. Include "
                               "<peakscope/heap/counting_operators.hpp> in exactly one .cpp file of the program");
        }
        const detail::cut standing_still;
        static_cast<void>(detail::read_all(standing_still)); // nothing may be pending when the batch changes
        detail::engine.batch_bytes.store(batch_bytes(), std::memory_order_relaxed);
        foreign_blocks_at_start_ = detail::engine.foreign_blocks.load(std::memory_order_relaxed);
    }

    void close() noexcept { detail::engine.measured.store(false, std::memory_order_release); }

    /// Gives free pages back to the system (glibc: malloc_trim), so that RSS starts from what is really in use.
    void settle() noexcept {
#if defined(__GLIBC__)
        static_cast<void>(::malloc_trim(0)); // whether it could give anything back makes no difference here
#endif
    }

    void enter(window& inner, window* outer) noexcept {
        const detail::cut standing_still;
        const detail::cut_reading now = detail::read_all(standing_still);
        inner.start_ = now.sums;
        inner.outer_peak_bytes_ = now.peak_bytes;
        if (outer != nullptr) outer->bound_bytes_ = std::max(outer->bound_bytes_, now.peak_bound_bytes);
        detail::engine.peak_bytes.store(now.sums.live_bytes(), std::memory_order_relaxed);
    }

    heap_figures leave(window& inner, window* outer) noexcept {
        detail::cut_reading now;
        {
            const detail::cut standing_still;
            now = detail::read_all(standing_still);
            inner.bound_bytes_ = std::max(inner.bound_bytes_, now.peak_bound_bytes);
            if (outer != nullptr) {
                outer->bound_bytes_ = std::max(outer->bound_bytes_, inner.bound_bytes_);
                detail::engine.peak_bytes.store(std::max(inner.outer_peak_bytes_, now.peak_bytes),
                                                std::memory_order_relaxed);
            }
        }
        const detail::totals& start = inner.start_;
        const detail::totals& end = now.sums;
        heap_figures figures{.totals_precision = exact, .peak_precision = bounded({inner.bound_bytes_})};
        figures.start = bytes{start.live_bytes()};
        figures.end = bytes{end.live_bytes()};
        figures.delta = bytes{end.live_bytes() - start.live_bytes()};
        figures.peak = bytes{now.peak_bytes};
        figures.peak_delta = bytes{now.peak_bytes - start.live_bytes()};
        figures.allocated = bytes{static_cast<std::int64_t>(end.allocated_bytes - start.allocated_bytes)};
        figures.freed = bytes{static_cast<std::int64_t>(end.freed_bytes - start.freed_bytes)};
        figures.allocations = end.allocations - start.allocations;
        figures.deallocations = end.deallocations - start.deallocations;
        figures.blocks_start = start.live_blocks();
        figures.blocks_end = end.live_blocks();
        return figures;
    }

    /// Block headers, thread records, and what was allocated under `own_memory` and is still live.
    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept {
        const detail::cut standing_still;
        std::int64_t own = detail::engine.record_bytes.load(std::memory_order_relaxed);
        std::int64_t blocks = 0;
        for (auto* record = detail::first_record(); record != nullptr; record = record->next) {
            own += record->own_bytes.get();
            blocks += record->own_blocks.get();
            blocks += static_cast<std::int64_t>(record->allocations.get() - record->deallocations.get());
        }
        return bytes{own + blocks * static_cast<std::int64_t>(sizeof(detail::block_header))};
    }

    [[nodiscard]] std::string remark() const {
        const auto foreign = detail::engine.foreign_blocks.load(std::memory_order_relaxed) - foreign_blocks_at_start_;
        if (foreign == 0) return {};
        return "heap: " + std::to_string(foreign) +
               " blocks were deleted that the counted operator new did not allocate; they are in no figure";
    }

  private:
    // Asks the operators themselves: what is linked decides, not what was included somewhere.
    [[nodiscard]] static bool operators_are_replaced() {
        const own_memory not_the_programs;
        detail::thread_record* const record = detail::current_record;
        if (record == nullptr) return false;
        const std::int64_t before = record->own_blocks.get();
        void* volatile probe = ::operator new(1); // volatile: the call must not be optimised away
        const bool counted = record->own_blocks.get() == before + 1;
        ::operator delete(probe);
        return counted;
    }

    std::uint64_t foreign_blocks_at_start_ = 0;
};

} // namespace peakscope::heap
