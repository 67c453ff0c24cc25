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

#include <peakscope/core/error.hpp>
#include <peakscope/heap/statistics/allocator_statistics.hpp>
#include <peakscope/heap/statistics/thread_count.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace peakscope::heap {

namespace detail {

struct jemalloc_statistics {
    static constexpr const char* name = "jemalloc";
    static constexpr const char* unit = "usable";

    [[nodiscard]] static const char* missing() noexcept {
        if (!serves_malloc("mallctl"))
            return "malloc is not jemalloc's. Link with -ljemalloc (Debian: libjemalloc-dev), or preload "
                   "libjemalloc.so.2 (Debian: libjemalloc2)";
        return get<bool>("config.stats").value_or(false)
                   ? nullptr
                   : "this jemalloc was built without statistics (--enable-stats)";
    }

    static void settle() noexcept {
        if (mallctl_function* const mallctl = function()) {
            mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
            mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0); // MALLCTL_ARENAS_ALL
        }
    }

    [[nodiscard]] static allocator_reading read() noexcept {
        mallctl_function* const mallctl = function();
        if (mallctl == nullptr) return {};
        std::uint64_t epoch = 1;
        if (mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)) != 0) return {};
        allocator_reading now;
        const auto allocated = get<std::size_t>("stats.allocated");
        const auto cached = get<std::size_t>("stats.arenas.4096.tcache_bytes");
        if (allocated && cached) {
            now.live = bytes{static_cast<std::int64_t>(*allocated) - static_cast<std::int64_t>(*cached)};
            now.of_live = thread_count() == 1 ? exact : bounded(bytes{static_cast<std::int64_t>(*cached)});
        }
        now.state = {now.live, as_bytes("stats.active"), as_bytes("stats.resident"), as_bytes("stats.retained")};
        return now;
    }

    using mallctl_function = int(const char*, void*, std::size_t*, void*, std::size_t);

    [[nodiscard]] static mallctl_function* function() noexcept {
        static mallctl_function* const found = function_of_process<mallctl_function>("mallctl");
        return found;
    }
    template <class Value>
    [[nodiscard]] static std::optional<Value> get(const char* what) noexcept {
        Value value{};
        std::size_t size = sizeof(value);
        mallctl_function* const mallctl = function();
        if (mallctl == nullptr || mallctl(what, static_cast<void*>(&value), &size, nullptr, 0) != 0)
            return std::nullopt;
        return value;
    }

  private:
    [[nodiscard]] static std::optional<bytes> as_bytes(const char* what) noexcept {
        const auto value = get<std::size_t>(what);
        return value ? std::optional{bytes{static_cast<std::int64_t>(*value)}} : std::nullopt;
    }
};

} // namespace detail

/// The heap source over jemalloc's statistics. Global to the process: it serves one measurement at a time.
/// An option of jemalloc's statistics: the measuring thread alone, by the counters that jemalloc keeps for each thread.
/// They are read in well under a microsecond, and tell flows and peaks, for programs whose work is on one thread. What
/// other threads allocate is in no figure; a block that another thread freed stays, and one that another thread
/// allocated counts as freed all the same.
struct this_thread {};

template <class... Options>
class jemalloc : public detail::statistics_source<detail::jemalloc_statistics, Options...> {};

template <>
class jemalloc<this_thread> {
    using statistics = detail::jemalloc_statistics;

  public:
    static constexpr const char* name = "jemalloc, this thread";
    static constexpr const char* unit = statistics::unit;

    class window {
        friend jemalloc;
        std::uint64_t allocated_ = 0;
        std::uint64_t freed_ = 0;
        std::int64_t peak_bytes_ = 0; // of allocated - freed, so far

        [[nodiscard]] std::int64_t live_bytes() const noexcept {
            return static_cast<std::int64_t>(allocated_ - freed_);
        }
    };
    /// What the profiler allocates cannot be told from the rest; it allocates nothing inside a window.
    struct own_memory {};

    /// Throws `source_error` when malloc is not jemalloc's, or is one without these counters. Each thread may have a
    /// measurement of its own type; within one, this source serves one at a time, because the peak is reset.
    void open() {
        if (const char* const what_to_do = statistics::missing())
            throw source_error(std::string{"heap::jemalloc<this_thread> cannot measure: "} + what_to_do);
        const auto allocated = statistics::get<std::uint64_t*>("thread.allocatedp");
        const auto freed = statistics::get<std::uint64_t*>("thread.deallocatedp");
        if (!allocated || !freed || !statistics::get<std::uint64_t>("thread.peak.read"))
            throw source_error(
                "heap::jemalloc<this_thread> cannot measure: this jemalloc has no counters by thread; it "
                "takes version 5.3 with statistics (Debian: libjemalloc2)");
        allocated_ = *allocated;
        freed_ = *freed;
        if (std::exchange(measured_, true))
            throw usage_error(
                "heap::jemalloc<this_thread> serves one measurement a thread at a time, and one is running: "
                "finish() it before the next one starts");
    }
    void close() noexcept { measured_ = false; }
    void settle() noexcept { statistics::settle(); }

    void enter(window& inner, window* outer) noexcept {
        if (outer != nullptr) note_peak(*outer);
        read(inner);
        begin_peak(inner);
    }
    heap_figures leave(window& inner, window* outer) noexcept {
        note_peak(inner);
        window end;
        read(end);
        if (outer != nullptr) {
            outer->peak_bytes_ = std::max(outer->peak_bytes_, inner.peak_bytes_);
            begin_peak(end);
        }
        heap_figures figures{.totals_precision = exact, .peak_precision = bounded(between_looks)};
        figures.start = bytes{inner.live_bytes()};
        figures.end = bytes{end.live_bytes()};
        figures.delta = *figures.end - *figures.start;
        figures.peak = bytes{std::max(inner.peak_bytes_, end.live_bytes())};
        figures.peak_delta = *figures.peak - *figures.start;
        figures.allocated = bytes{static_cast<std::int64_t>(end.allocated_ - inner.allocated_)};
        figures.freed = bytes{static_cast<std::int64_t>(end.freed_ - inner.freed_)};
        return figures;
    }

    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept { return std::nullopt; }
    [[nodiscard]] std::string remark() const {
        return "heap: the measuring thread alone; what it had live counts from its own start";
    }

  private:
    // jemalloc looks for a new peak each time that a thread has allocated so much, or freed so much, since the last
    // look: it is too low by less than that, and never too high.
    static constexpr bytes between_looks{std::int64_t{64} * 1024};

    void read(window& into) const noexcept {
        into.allocated_ = *allocated_;
        into.freed_ = *freed_;
    }
    // The peak is told from the last reset on, above what lived then.
    void begin_peak(window& from) noexcept {
        zero_bytes_ = from.live_bytes();
        from.peak_bytes_ = zero_bytes_;
        statistics::function()("thread.peak.reset", nullptr, nullptr, nullptr, 0);
    }
    void note_peak(window& of) const noexcept {
        const auto above = static_cast<std::int64_t>(statistics::get<std::uint64_t>("thread.peak.read").value_or(0));
        of.peak_bytes_ = std::max(of.peak_bytes_, zero_bytes_ + above);
    }

    const std::uint64_t* allocated_ = nullptr;
    const std::uint64_t* freed_ = nullptr;
    std::int64_t zero_bytes_ = 0;
    static inline constinit thread_local bool measured_ = false;
};

} // namespace peakscope::heap
