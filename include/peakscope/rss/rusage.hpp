// SPDX-License-Identifier: MIT
// rss::rusage: the maximum RSS of the process so far, from getrusage(2). All that POSIX systems have in common.
//
//     using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::rusage>;
//
// There is no current RSS and no way to set the maximum back. So start, end and delta are `unavailable`, and a window's
// peak is known where the process's maximum rose inside that window: of a measurement that needs more than all before
// it, and of the phase in which it did. Linux takes the maximum from counters that it folds in batches; it is bounded
// as rss::procfs is. Elsewhere it is taken as it is given.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/high_water_mark.hpp>
#include <peakscope/rss/procfs.hpp>

#include <cstdint>
#include <optional>

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

namespace peakscope::rss {

/// Any number of measurements at a time.
class rusage {
  public:
    static constexpr const char* name = "rusage";

    class window {
        friend rusage;
        detail::mark_in_window mark_;
    };

    static constexpr void open() noexcept {}
    static constexpr void close() noexcept {}

    static void enter(window& inner, window*) noexcept { inner.mark_.begin(maximum()); }
    static rss_figures leave(window& inner, window*) noexcept {
        rss_figures figures;
        figures.peak = inner.mark_.peak(maximum());
        if (figures.peak) figures.peak_precision = bounded({detail::rss_bound_bytes(most_threads)});
        return figures;
    }

    static constexpr const char* remark() noexcept {
        return "RSS: getrusage tells the process's maximum alone; a peak is known where that rose";
    }

  private:
    // The kernel's batches are by thread before Linux 6.2, and nobody says here how many threads there are.
    static constexpr std::int64_t most_threads = 64;

    [[nodiscard]] static std::optional<bytes> maximum() noexcept {
#if __has_include(<sys/resource.h>)
        struct ::rusage usage{};
        if (::getrusage(RUSAGE_SELF, &usage) != 0) return std::nullopt;
#if defined(__APPLE__)
        return bytes{usage.ru_maxrss};
#else
        return bytes{static_cast<std::int64_t>(usage.ru_maxrss) * 1024};
#endif
#else
        return std::nullopt;
#endif
    }
};

} // namespace peakscope::rss
