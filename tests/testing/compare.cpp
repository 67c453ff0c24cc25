// SPDX-License-Identifier: MIT
#include "../report/made_up.hpp"

#include <peakscope/testing/compare.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace compare_tests {

using namespace peakscope;
using testing::change_kind;
using testing::compare;
using testing::comparison;

namespace {

memory_report with_peak(std::int64_t heap_bytes, std::int64_t rss_bytes = 0) {
    memory_report report = tests::made_up_report();
    report.heap.peak = *report.heap.peak + bytes{heap_bytes};
    report.heap.peak_delta = *report.heap.peak_delta + bytes{heap_bytes};
    report.rss.peak = *report.rss.peak + bytes{rss_bytes};
    report.rss.peak_delta = *report.rss.peak_delta + bytes{rss_bytes};
    return report;
}

change_kind kind_of(const comparison& all, std::string_view what) {
    const auto found = std::ranges::find(all.figures, what, &testing::figure_change::what);
    REQUIRE(found != all.figures.end());
    return found->kind;
}

constexpr std::int64_t mib = 1 << 20;

} // namespace

TEST_CASE("a report has not changed against itself") {
    const comparison same = compare(tests::made_up_report(), tests::made_up_report());
    CHECK_FALSE(same.worse());
    CHECK_FALSE(same.any(change_kind::better));
    CHECK(same.sites.empty());
    CHECK(same.markdown().starts_with("### Memory: no change\n\n100-page build: 1 report before, 1 report now."));
}

TEST_CASE("beyond the tolerance it has changed, to either side; 92 MiB and 2 % are 1.84 MiB") {
    CHECK(kind_of(compare(with_peak(0), with_peak(1'900'000)), "heap peak") == change_kind::same);
    CHECK(kind_of(compare(with_peak(0), with_peak(1'940'000)), "heap peak") == change_kind::worse);
    CHECK(kind_of(compare(with_peak(0), with_peak(-1'940'000)), "heap peak") == change_kind::better);
    CHECK(kind_of(compare(with_peak(0), with_peak(1'940'000), {.tolerance = 0.05}), "heap peak") == change_kind::same);
    CHECK(kind_of(compare(with_peak(0), with_peak(1), {.tolerance = 0, .least_heap = {}}), "heap peak") ==
          change_kind::worse);
    CHECK(compare(with_peak(0), with_peak(1'940'000)).worse());
}

TEST_CASE("figures at the ends of their range are compared, and shown with their sign") {
    memory_report least = tests::made_up_report();
    memory_report most = least;
    least.heap.delta = bytes{INT64_MIN};
    most.heap.delta = bytes{INT64_MAX};
    least.sites_precision = most.sites_precision = exact;
    least.sites = {{"f", "a.cpp", 1, {.at_peak_bytes = {INT64_MIN}}, {}}};
    most.sites = {{"f", "a.cpp", 1, {.at_peak_bytes = {INT64_MAX}}, {}}};
    const comparison all = compare(least, most);
    CHECK(kind_of(all, "heap delta") == change_kind::worse);
    CHECK(all.markdown().find("| heap delta | -8.00 EiB | 8.00 EiB | +8.00 EiB") != std::string::npos);
    CHECK(all.markdown().find("| a.cpp:1  f | -8.00 EiB | 8.00 EiB | +8.00 EiB |") != std::string::npos);
}

TEST_CASE("counts at the end of their range") {
    memory_report least = tests::made_up_report();
    memory_report most = least;
    least.heap.allocations = 0;
    most.heap.allocations = UINT64_MAX;
    CHECK(compare(least, most)
              .markdown()
              .find("| allocations | 0 | 18,446,744,073,709,551,615 | +18,446,744,073,709,551,615 |") !=
          std::string::npos);
}

TEST_CASE("what the precision of both sides leaves open is noise") {
    // 768 KiB each: a difference of 1.5 MiB tells nothing.
    CHECK(kind_of(compare(with_peak(0), with_peak(0, 3 * mib / 2), {.tolerance = 0}), "RSS peak") == change_kind::same);
    CHECK(kind_of(compare(with_peak(0), with_peak(0, 3 * mib / 2 + 1), {.tolerance = 0}), "RSS peak") ==
          change_kind::worse);
}

TEST_CASE("repetitions: a shift within their scatter is noise, the same shift of steady figures is none") {
    const auto set = [](std::int64_t shift, double scatter, unsigned seed) {
        std::mt19937 random{seed};
        std::normal_distribution<double> noise{0, scatter};
        std::vector<memory_report> all;
        for (int i = 0; i < 20; ++i)
            all.push_back(with_peak(shift + static_cast<std::int64_t>(noise(random))));
        return all;
    };
    int false_alarms = 0;
    int found = 0;
    for (unsigned seed = 1; seed <= 100; ++seed) {
        const testing::compare_options options{.tolerance = 0};
        false_alarms += kind_of(compare(set(0, 10 * mib, seed), set(0, 10 * mib, seed + 1'000), options),
                                "heap peak") != change_kind::same;
        found += kind_of(compare(set(0, mib, seed), set(3 * mib, mib, seed + 1'000), options), "heap peak") ==
                 change_kind::worse;
    }
    CHECK(false_alarms <= 5); // at 99 %, one in a hundred on average
    CHECK(found == 100);
}

TEST_CASE("figures that only one side has are listed, and fail nothing") {
    memory_report without = tests::made_up_report();
    without.heap.peak_delta.reset();
    const comparison changes = compare(tests::made_up_report(), without);
    CHECK(kind_of(changes, "heap peak") == change_kind::unknown);
    CHECK_FALSE(changes.worse());
    memory_report more = tests::made_up_report();
    more.phases[4].entries = 1; // postprocess, which the other has not entered
    more.phases[4].heap = tests::heap(0, 5, 6);
    CHECK(kind_of(compare(tests::made_up_report(), more), "heap peak of postprocess") == change_kind::unknown);
}

TEST_CASE("the sites that explain it, and Markdown in which nobody's text is markup") {
    memory_report before = tests::made_up_report();
    memory_report now = with_peak(20 * mib);
    const auto site = [](const char* function, std::int64_t at_peak) {
        return site_report{function, "a.cpp", 7, {{}, 0, {at_peak}, 1, {}, {}, 0}, {}};
    };
    before.sites = {site("stays", 5 * mib), site("grows<int>", 10 * mib), site("goes", mib)};
    now.sites = {site("stays", 5 * mib), site("grows<int>", 25 * mib), site("comes|@team", 6 * mib)};
    now.title = "build *<script>*";
    const comparison changes = compare(before, now);
    REQUIRE(changes.sites.size() == 3);
    CHECK(changes.sites[0].place == "a.cpp:7  grows<int>");
    CHECK(changes.sites[1].place == "a.cpp:7  comes|@team");
    const std::string text = changes.markdown();
    CHECK(text.starts_with("### Memory: more than before\n\nbuild \\*&lt;script>\\*: 1 report before, 1 report now."));
    CHECK(text.find("| heap peak | 92.0 MiB | 112 MiB | +20.0 MiB (+21.7 %) | **worse** |") != std::string::npos);
    CHECK(text.find("| a.cpp:7  grows&lt;int> | 10.0 MiB | 25.0 MiB | +15.0 MiB |") != std::string::npos);
    CHECK(text.find("comes\\|\\@team") != std::string::npos);
    CHECK(text.find("| a.cpp:7  goes | 1.00 MiB | 0 B | -1.00 MiB |") != std::string::npos);
}

TEST_CASE("reports of different work are not compared") {
    memory_report other = tests::made_up_report();
    other.heap_source = "jemalloc";
    CHECK_THROWS_WITH_AS(
        static_cast<void>(compare(tests::made_up_report(), other)),
        "these reports are not of the same work: the heap source is 'counting' in one and 'jemalloc' in "
        "another",
        testing::compare_error);
    other = tests::made_up_report();
    other.items->count = 500;
    CHECK_THROWS_WITH_AS(
        static_cast<void>(compare(tests::made_up_report(), other)),
        "these reports are not of the same work: the number of items is '100 page' in one and '500 page' "
        "in another",
        testing::compare_error);
    CHECK_THROWS_AS(static_cast<void>(compare(std::vector<memory_report>{}, {other})), testing::compare_error);
}

} // namespace compare_tests
