// SPDX-License-Identifier: MIT
// heap::jemalloc: jemalloc's own statistics (jemalloc(3), 5.0 and later), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::jemalloc<>>;
//     using Memory = peakscope::profiler<Phases, peakscope::heap::jemalloc<peakscope::heap::watched<1000>>>;
//     using Memory = peakscope::profiler<Phases, peakscope::heap::jemalloc<peakscope::heap::this_thread>>;
//
// live is `stats.allocated` less what lies in the threads' caches, which jemalloc counts as allocated: usable bytes of
// the blocks that the program holds. Read on one thread it is exact. While there are others, what their caches hold may
// change as it is read, and the figure is bounded by what all caches hold. A reading takes some 70 µs, because jemalloc
// sums up all arenas for it. To settle, the calling thread's cache is flushed and all arenas are purged.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/flow.hpp>
#include <peakscope/heap/statistics/allocator_statistics.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace peakscope::heap {

namespace detail {

struct jemalloc_statistics {
    static constexpr const char* name = "jemalloc";
    static constexpr const char* unit = "usable";

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static const char* missing() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static void settle() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static allocator_reading read() noexcept;
};

} // namespace detail

/// An option of jemalloc's statistics: the measuring thread alone, by the counters that jemalloc keeps for each thread.
/// They are read in well under a microsecond, and tell flows and peaks, for programs whose work is on one thread. What
/// other threads allocate is in no figure; a block that another thread freed stays, and one that another thread
/// allocated counts as freed all the same.
struct this_thread {};

/// The heap source over jemalloc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class jemalloc : public detail::statistics_source<detail::jemalloc_statistics, Options...> {};

template <>
class jemalloc<this_thread> {
  public:
    static constexpr const char* name = "jemalloc, this thread";
    static constexpr const char* unit = detail::jemalloc_statistics::unit;

    class window {
        friend jemalloc;
        flow start_{};
        std::int64_t peak_bytes_ = 0; // of what it has live, so far
    };
    /// What the profiler allocates cannot be told from the rest; it allocates nothing inside a window.
    struct own_memory {};

    /// Throws `source_error` when malloc is not jemalloc's, or is one without these counters. Each thread may have a
    /// measurement of its own type; within one, this source serves one at a time, because the peak is reset.
    PEAKSCOPE_BODY_ELSEWHERE void open();
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE void settle() noexcept;

    PEAKSCOPE_BODY_ELSEWHERE void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE heap_figures leave(window& inner, window* outer) noexcept;

    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept { return std::nullopt; }
    [[nodiscard]] std::string remark() const {
        return "heap: the measuring thread alone; what it had live counts from its own start";
    }

  private:
    [[nodiscard]] flow now() const noexcept;
    void begin_peak(std::int64_t live_bytes) noexcept;
    void note_peak(window& of) const noexcept;

    const std::uint64_t* allocated_ = nullptr;
    const std::uint64_t* freed_ = nullptr;
    std::int64_t zero_bytes_ = 0;
};

} // namespace peakscope::heap
