// SPDX-License-Identifier: MIT
// The bodies of rss/rusage.hpp.
#pragma once

#include <peakscope/rss/implementation/procfs.hpp>
#include <peakscope/rss/rusage.hpp>

#include <cstdint>
#include <optional>

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

namespace peakscope::rss {

std::optional<bytes> rusage::maximum() noexcept {
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

void rusage::enter(window& inner, window*) noexcept { inner.mark_.begin(maximum()); }

rss_figures rusage::leave(window& inner, window*) noexcept {
    rss_figures figures;
    figures.peak = inner.mark_.peak(maximum());
    if (figures.peak) figures.peak_precision = bounded({2 * detail::rss_bound_bytes(most_threads)});
    return figures;
}

} // namespace peakscope::rss
