// SPDX-License-Identifier: MIT
// Leaks: does the heap grow with every run of the same work?
//
//     #include <peakscope/heap/counting.hpp>
//     #include <peakscope/sites/frames.hpp>
//     #include <peakscope/sites/libbacktrace.hpp>
//     using Heap = peakscope::heap::counting<peakscope::sites::frames<8>>;
//     const auto found = peakscope::testing::leaks<Heap>(40, [] { build(options); });
//     CHECK_MESSAGE(!found.leaks(), found.text());
//
// The work runs `count` times in one measurement. The first third warms it up: pools, caches, the locale and iostreams
// are set up once, which is no leak. Over the warm runs that follow, the growth of each call site is judged by itself,
// so that a leak of one byte a run is found among megabytes that come and go, and so is the sum of all those that have
// never shrunk, for leaks with many sites. It makes no difference what frees the blocks of a site, or when. A source
// that knows no sites has the heap judged as a whole, where what comes and goes hides what stays.
//
// Where nothing is optimised, std::make_unique and containers allocate in functions of their own, and `sites::caller`
// has one site for all who call these: what fills up and what comes and goes is one series. Healthy work had 21 alarms
// in 2,000 trials by that, and 2 at most where it was optimised, or with `sites::frames`.
//
// A series of growths is a leak when all of these hold:
//   - a sign test says that it grows more often than it shrinks. Were one as likely as the other, in each run by
//     itself, the test would say so with a probability of at most `false_alarms`, divided by the number of series that
//     are looked at (Bonferroni), so that this is the rate for the whole verdict;
//   - the robust slope (Theil and Sen's) of what lives after each run is above 0, with its whole confidence interval: a
//     single step, however large, is none;
//   - it goes on: the last pause is at most twice as long as another, and the last third of the warm runs has its share
//     of the growth. A pool that has filled up stops, whether at once or bit by bit;
//   - the least that lives rises from each third of the warm runs to the next: what is emptied now and then does not.
// So a leak is found whatever its rhythm, once it has leaked often enough: by default 11 times in the warm runs, which
// takes 16 k runs where every k-th leaks. What still fills up when the runs end, and what is emptied less than once in
// a third of them, cannot be told from a leak: make more runs, or ignore what may grow (heap/ignoring.hpp).
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/testing/measured_work.hpp>
#include <peakscope/testing/statistics_functions.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

struct leak_options {
    double false_alarms = 0.001; ///< the largest probability that work without a leak is said to have one
    std::size_t warm_up = 0;     ///< runs that are not judged; 0 for a third of them, at least 3
    double level = 0.99;         ///< of the slope's confidence interval
};

/// How something has grown over the warm runs.
struct growth {
    std::string what{};                 ///< "heap", or a site: "parser.cpp:12  parse"
    std::vector<std::int64_t> by_run{}; ///< bytes, of all runs
    slope bytes_per_run{};
    double probability = 1; ///< of seeing it grow as often as this without a leak
    bool leaks = false;
};

struct leak_report {
    growth heap{};
    std::vector<growth> sites{}; ///< those that leak, the fastest first
    std::size_t warm_up = 0;
    std::size_t runs = 0;      ///< after the warm-up
    std::size_t looked_at = 0; ///< how many series: the heap, and each site that has changed
    double false_alarms = 0;
    double level = 0;

    [[nodiscard]] bool leaks() const noexcept { return heap.leaks || !sites.empty(); }

    /// Several lines: the verdict with its rate of false alarms, the heap, and the sites that grow.
    PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] std::string text() const;
};

namespace detail {

// Before any run: how many there will be. Throws `usage_error` where these are too few.
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] leak_report leaks_to_find(std::size_t count,
                                                                            const leak_options& options);
PEAKSCOPE_STATISTICS_BODY_ELSEWHERE [[nodiscard]] leak_report leaks_of(leak_report found, std::size_t count,
                                                                       measured_runs& measured, const any_work& work,
                                                                       const leak_options& options);

} // namespace detail

/// Runs `work` `count` times under the heap source `Heap`. Work that takes an argument gets the source: a
/// heap::resource to allocate from. Throws `usage_error` when so few runs cannot keep to the rate of false alarms, what
/// the source throws when it cannot measure, and what the work throws.
template <heap_source Heap, class Work>
[[nodiscard]] leak_report leaks(std::size_t count, Work work, const leak_options& options = {}) {
    leak_report found = detail::leaks_to_find(count, options); // before the source is opened
    detail::measured_work<Heap> measured;
    return detail::leaks_of(std::move(found), count, measured, detail::any_work_of<Heap>(work), options);
}

} // namespace peakscope::testing

#ifdef PEAKSCOPE_IMPLEMENTATION
#include <peakscope/testing/implementation/with_boost_math.hpp>
#endif
