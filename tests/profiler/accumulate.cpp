// SPDX-License-Identifier: MIT
// Adding up the entries of a phase, by hand.
#include <peakscope/profiler/implementation/accumulate.hpp>

#include <doctest/doctest.h>

namespace accumulate_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

heap_figures entry(bytes start, bytes end, bytes peak, std::uint64_t allocations) {
    heap_figures made{.totals_precision = exact, .peak_precision = exact};
    made.start = start;
    made.end = end;
    made.delta = end - start;
    made.peak = peak;
    made.peak_delta = peak - start;
    made.allocated = peak - start;
    made.freed = peak - end;
    made.allocations = allocations;
    made.deallocations = 1;
    made.blocks_start = 3;
    made.blocks_end = 2 + allocations;
    return made;
}

} // namespace

TEST_CASE("flows add up, peaks keep the largest, and there is no single start and end") {
    heap_figures sum = entry(10_KiB, 14_KiB, 20_KiB, 5);
    profiler_detail::accumulate(sum, entry(14_KiB, 12_KiB, 18_KiB, 2));
    CHECK(*sum.delta == 2_KiB);
    CHECK(*sum.peak == 20_KiB);
    CHECK(*sum.peak_delta == 10_KiB);
    CHECK(*sum.allocated == 14_KiB);
    CHECK(*sum.freed == 12_KiB);
    CHECK(*sum.allocations == 7);
    CHECK(*sum.deallocations == 2);
    CHECK_FALSE(sum.start);
    CHECK_FALSE(sum.end);
    CHECK_FALSE(sum.blocks_start);
    CHECK_FALSE(sum.blocks_end);
}

TEST_CASE("what one entry does not know, the sum does not know, and it is as precise as the worst") {
    heap_figures sum = entry(0_B, 1_KiB, 1_KiB, 1);
    heap_figures other = entry(0_B, 1_KiB, 1_KiB, 1);
    other.peak.reset();
    other.peak_precision = bounded(64_KiB);
    profiler_detail::accumulate(sum, other);
    CHECK_FALSE(sum.peak);
    CHECK(*sum.peak_delta == 1_KiB);
    CHECK(sum.peak_precision == bounded(64_KiB));
    CHECK(sum.totals_precision == exact);
}

TEST_CASE("the bounds of RSS deltas add up, those of peaks do not") {
    rss_figures sum{.totals_precision = bounded(96_KiB), .peak_precision = bounded(96_KiB)};
    sum.delta = 1_MiB;
    sum.peak = 5_MiB;
    rss_figures other = sum;
    other.delta = 2_MiB;
    other.peak = 4_MiB;
    profiler_detail::accumulate(sum, other);
    CHECK(*sum.delta == 3_MiB);
    CHECK(*sum.peak == 5_MiB);
    CHECK(sum.totals_precision == bounded(192_KiB));
    CHECK(sum.peak_precision == bounded(96_KiB));
    other.delta_bound = 8_KiB; // that of start and end is the larger one
    profiler_detail::accumulate(sum, other);
    CHECK(sum.totals_precision == bounded(200_KiB));
    CHECK_FALSE(sum.delta_bound);
}

TEST_CASE("a sum of RSS deltas that may be off by all that there was is n/a, and stays so") {
    rss_figures sum{.totals_precision = bounded(3_MiB), .peak_precision = bounded(96_KiB)};
    sum.delta = 1_MiB;
    sum.peak = 6_MiB;
    const rss_figures other = sum;
    profiler_detail::accumulate(sum, other);
    CHECK_FALSE(sum.delta);
    CHECK(sum.totals_precision == unavailable);
    CHECK(*sum.peak == 6_MiB);
    profiler_detail::accumulate(sum, {.totals_precision = exact, .delta = 1_MiB, .peak = 1_MiB});
    CHECK_FALSE(sum.delta);
    CHECK(sum.totals_precision == unavailable);
}

TEST_CASE("of what entries touched, the largest is kept, member by member; not known of one is not known") {
    rss_figures sum{.touched = touched_memory{3_KiB, 4_KiB, 9_KiB}};
    profiler_detail::accumulate(sum, {.touched = touched_memory{2_KiB, 7_KiB, 8_KiB}});
    CHECK(sum.touched == touched_memory{3_KiB, 7_KiB, 9_KiB});
    profiler_detail::accumulate(sum, {});
    CHECK_FALSE(sum.touched);
}

} // namespace accumulate_tests
