// SPDX-License-Identifier: MIT
// A report with figures that are easy to recognise.
#pragma once

#include <peakscope/core/report.hpp>

#include <chrono>

namespace tests {

inline peakscope::heap_figures heap(std::int64_t start, std::int64_t delta, std::int64_t peak) {
    using peakscope::bytes;
    peakscope::heap_figures figures{.totals_precision = peakscope::exact, .peak_precision = peakscope::exact};
    figures.start = bytes{start};
    figures.end = bytes{start + delta};
    figures.delta = bytes{delta};
    figures.peak = bytes{peak};
    figures.peak_delta = bytes{peak - start};
    figures.allocated = bytes{delta + 1'000};
    figures.freed = bytes{1'000};
    figures.allocations = 12;
    figures.deallocations = 5;
    figures.blocks_start = 3;
    figures.blocks_end = 10;
    return figures;
}

inline peakscope::rss_figures rss(std::int64_t start, std::int64_t delta, std::int64_t peak) {
    using peakscope::bytes;
    peakscope::rss_figures figures;
    figures.totals_precision = peakscope::bounded({768 * 1'024});
    figures.peak_precision = figures.totals_precision;
    figures.start = bytes{start};
    figures.end = bytes{start + delta};
    figures.delta = bytes{delta};
    figures.peak = bytes{peak};
    figures.peak_delta = bytes{peak - start};
    return figures;
}

// 1 MiB of heap and 10 MiB of RSS before; rendering/template has the high-water mark.
inline peakscope::memory_report made_up_report() {
    using namespace std::chrono_literals;
    constexpr std::int64_t mib = 1 << 20;
    peakscope::memory_report report;
    report.title = "100-page build";
    report.items = {"page", 100};
    report.heap_source = "counting";
    report.heap_unit = "requested";
    report.heap = heap(mib, 48 * mib, 93 * mib);
    report.rss_source = "procfs";
    report.rss = rss(10 * mib, 156 * mib, 181 * mib);
    report.duration = 1'250ms;
    report.phases = {
        {"discovery", 1, 10ms, heap(mib, 12 * mib, 14 * mib), rss(10 * mib, 15 * mib, 30 * mib)},
        {"rendering", 1, 900ms, heap(13 * mib, 30 * mib, 93 * mib), rss(25 * mib, 130 * mib, 181 * mib)},
        {"rendering/markdown", 100, 500ms, heap(13 * mib, 10 * mib, 60 * mib), rss(25 * mib, 30 * mib, 90 * mib)},
        {"rendering/template", 1, 400ms, heap(23 * mib, 20 * mib, 93 * mib), rss(55 * mib, 100 * mib, 181 * mib)},
        {"postprocess", 0, 0ms, {}, {}},
    };
    report.profiler_bytes = peakscope::bytes{64 * 1'024};
    report.rss.profiler_bytes = peakscope::bytes{48 * 1'024};
    report.rss.delta_bound = peakscope::bytes{512 * 1'024};
    report.process_peak_rss = peakscope::bytes{200 * mib};
    return report;
}

} // namespace tests
