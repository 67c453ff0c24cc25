// SPDX-License-Identifier: MIT
// A report with call stacks, in round figures: 1,024 bytes at the peak, 1,300 allocated, 40 more at the end than at the
// start.
#pragma once

#include <peakscope/core/report.hpp>

#include <chrono>

namespace tests {

inline peakscope::site_amounts amounts(std::int64_t delta, std::int64_t delta_blocks, std::int64_t at_peak,
                                       std::int64_t at_peak_blocks, std::int64_t allocated, std::uint64_t allocations) {
    peakscope::site_amounts made;
    made.delta_bytes = {delta};
    made.delta_blocks = delta_blocks;
    made.at_peak_bytes = {at_peak};
    made.at_peak_blocks = at_peak_blocks;
    made.at_peak_born_inside = {at_peak};
    made.allocated_bytes = {allocated};
    made.allocations = allocations;
    return made;
}

inline peakscope::memory_report report_with_call_stacks() {
    using namespace std::chrono_literals;
    using peakscope::bytes;
    peakscope::memory_report report;
    report.title = "a build";
    report.heap_source = "counting";
    report.heap_unit = "requested";
    report.heap = {.totals_precision = peakscope::exact, .peak_precision = peakscope::exact};
    report.heap.start = bytes{34};
    report.heap.end = bytes{74};
    report.heap.delta = bytes{40};
    report.heap.peak = bytes{1'024};
    report.heap.peak_delta = bytes{990};
    report.heap.allocated = bytes{1'300};
    report.heap.freed = bytes{1'260};
    report.heap.allocations = 13;
    report.heap.deallocations = 14;
    report.peak_at = 2'500us;
    report.rss_source = "none";
    report.duration = 4ms;
    const peakscope::stack_frame main{"main", "/src/main.cpp", 5, false, 0x2000};
    report.sites = {
        {"render",
         "page.cpp",
         12,
         amounts(100, 1, 600, 3, 1'000, 10),
         {{"make_page", "/src/page.hpp", 3, true, 0x1000}, {"render", "/src/page.cpp", 12, false, 0x1000}, main}},
        {"parse", "parse.cpp", 7, amounts(-50, -1, 400, 2, 300, 3), {{"", "", 0, false, 0x3000}, main}},
        {"(allocated before the measurement)", "", 0, amounts(-10, -1, 24, 1, 0, 0), {}}};
    report.sites_precision = peakscope::exact;
    report.phases = {{"build", 1, 3ms}, {"build/render", 2, 1ms}, {"idle", 0, 0ms}};
    report.phases[0].heap = report.heap;
    report.phases[0].heap.peak = bytes{900};
    report.phases[0].peak_at = 2ms;
    report.phases[0].sites = {{0, amounts(90, 1, 600, 3, 900, 9)}, {1, amounts(0, 0, 300, 1, 200, 2)}};
    report.phases[1].heap = report.phases[0].heap;
    report.phases[1].heap.peak = bytes{550};
    report.phases[1].peak_at = report.phases[0].peak_at;
    report.phases[1].sites = {{0, amounts(70, 1, 550, 2, 700, 7)}};
    report.timeline = {{{0ms, bytes{34}, bytes{4'096}}, {1ms, bytes{500}, {}}, {2'500us, bytes{1'024}, {}}},
                       {{1, 1ms, 1'500us}, {1, 1'600us, 2'100us}, {0, 1ms, 4ms}},
                       3};
    report.notes = {"a note"};
    return report;
}

} // namespace tests
