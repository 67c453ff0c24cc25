// SPDX-License-Identifier: MIT
// Leaks: does the heap grow with every run of the same work?
//
//     using Heap = peakscope::heap::counting<peakscope::sites::frames<8>>;
//     const auto found = peakscope::testing::leaks<Heap>(40, [] { build(options); });
//     CHECK_MESSAGE(!found.leaks(), found.text());
//
// The work runs `count` times in one measurement. The first third warms it up: pools, caches, the locale and iostreams
// are set up once, which is no leak. Over the warm runs that follow, the growth of the heap and of each call site is
// looked at by itself, so that a byte a run is found among megabytes that come and go: what frees the blocks of a site,
// and when, makes no difference.
//
// A series of growths is a leak when all of these hold:
//   - a sign test says that it grows more often than it shrinks. Were one as likely as the other, in each run by
//     itself, the test would say so with a probability of at most `false_alarms`, divided by the number of series that
//     are looked at (Bonferroni), so that this is the rate for the whole verdict;
//   - the robust slope (Theil and Sen's) of what lives after each run is above 0, with its whole confidence interval: a
//     single step, however large, is none;
//   - it goes on: the last third of the warm runs grows in at least a third of its runs. A cache that fills up stops.
// A cache that grows for longer than all the runs, and a buffer that is emptied more seldom, cannot be told from a
// leak: make more runs, or ignore what may grow (ignore.hpp).
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/measured_work.hpp>
#include <peakscope/testing/statistics.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

struct leak_options {
    double false_alarms = 0.001; ///< the most that work without a leak is said to have one
    std::size_t warm_up = 0;     ///< runs that are not looked at; 0 for a third of them, at least 3
    double level = 0.99;         ///< of the slope's confidence interval
};

/// How something has grown over the warm runs.
struct growth {
    std::string what{};                 ///< "heap", or a site: "parser.cpp:12  parse"
    std::vector<std::int64_t> by_run{}; ///< bytes, of all runs
    slope bytes_per_run{};
    double probability = 1; ///< of such signs without a leak
    bool leaks = false;
};

struct leak_report {
    growth heap{};
    std::vector<growth> sites{}; ///< those that leak, the fastest first
    std::size_t warm_up = 0;
    std::size_t runs = 0;      ///< warm ones
    std::size_t looked_at = 0; ///< series: the heap and each site that has changed
    double false_alarms = 0;
    double level = 0;

    [[nodiscard]] bool leaks() const noexcept { return heap.leaks || !sites.empty(); }

    /// Several lines: the verdict with its rate of false alarms, the heap, and the sites that grow.
    [[nodiscard]] std::string text() const {
        std::string lines = leaks() ? "leaks" : "no leak";
        lines += " in " + std::to_string(runs) + " runs after " + std::to_string(warm_up) + " to warm up (" +
                 std::to_string(looked_at) + " series, at most " + format_fixed(100 * false_alarms, 2) +
                 " % false alarms)\n  " + line(heap);
        for (const growth& each : sites)
            lines += "\n  " + line(each);
        return lines;
    }

  private:
    [[nodiscard]] static std::string line(const growth& of) {
        const slope& grows = of.bytes_per_run;
        return of.what + "  " + format_fixed(grows.per_step, 1) + " B a run [" + format_fixed(grows.confidence.low, 1) +
               ", " + format_fixed(grows.confidence.high, 1) + "]";
    }
};

namespace detail {

inline void judge_growth(growth& of, std::size_t warm_up, std::size_t looked_at, const leak_options& options) {
    std::vector<double> live;
    double sum = 0;
    std::size_t up = 0;
    std::size_t down = 0;
    for (std::size_t run = warm_up; run < of.by_run.size(); ++run) {
        sum += static_cast<double>(of.by_run[run]);
        live.push_back(sum);
        up += of.by_run[run] > 0;
        down += of.by_run[run] < 0;
    }
    of.bytes_per_run = theil_sen(live, options.level);
    of.probability = sign_test(up, up + down);
    const std::size_t last = live.size() / 3;
    const auto goes_on =
        static_cast<std::size_t>(std::count_if(of.by_run.end() - static_cast<std::ptrdiff_t>(last), of.by_run.end(),
                                               [](std::int64_t bytes_grown) { return bytes_grown > 0; }));
    of.leaks = of.probability * static_cast<double>(looked_at) <= options.false_alarms &&
               of.bytes_per_run.confidence.low > 0 && 3 * goes_on >= last;
}

} // namespace detail

/// Runs `work` `count` times under the heap source `Heap`. Work that takes an argument gets the source: a
/// heap::resource to allocate from. Throws `usage_error` when so few runs cannot keep to the rate of false alarms, what
/// the source throws when it cannot measure, and what the work throws.
template <heap_source Heap, class Work>
[[nodiscard]] leak_report leaks(std::size_t count, Work work, const leak_options& options = {}) {
    leak_report found;
    found.warm_up = options.warm_up > 0 ? options.warm_up : std::max<std::size_t>(3, count / 3);
    found.runs = count > found.warm_up ? count - found.warm_up : 0;
    found.false_alarms = options.false_alarms;
    found.level = options.level;
    if (found.runs < 6 || std::exp2(-static_cast<double>(found.runs)) > options.false_alarms)
        throw usage_error("leaks: " + std::to_string(found.runs) + " runs after " + std::to_string(found.warm_up) +
                          " to warm up cannot keep to " + format_fixed(100 * options.false_alarms, 3) +
                          " % false alarms: make more runs");
    found.heap.what = "heap";
    std::map<detail::call_stack, growth> by_stack;
    detail::measured_work<Heap> measured;
    for (std::size_t run = 0; run < count; ++run) {
        const heap_figures figures = measured.run(work);
        [[maybe_unused]] const typename Heap::own_memory profilers;
        if (!figures.delta)
            throw usage_error("leaks: the heap source '" + std::string{Heap::name} + "' tells no delta");
        found.heap.by_run.push_back(figures.delta->count);
        for (const auto& [stack, live_bytes] : measured.live_by_stack()) {
            growth& of = by_stack[stack];
            of.by_run.resize(run, 0);
            of.by_run.push_back(live_bytes - std::accumulate(of.by_run.begin(), of.by_run.end(), std::int64_t{0}));
        }
    }

    [[maybe_unused]] const typename Heap::own_memory profilers;
    for (auto& [stack, of] : by_stack)
        of.by_run.resize(count, 0);
    std::erase_if(by_stack, [&](const auto& each) {
        const auto& by_run = each.second.by_run;
        return std::all_of(by_run.begin() + static_cast<std::ptrdiff_t>(found.warm_up), by_run.end(),
                           [](std::int64_t bytes_grown) { return bytes_grown == 0; });
    });
    found.looked_at = by_stack.size() + 1;
    detail::judge_growth(found.heap, found.warm_up, found.looked_at, options);
    for (auto& [stack, of] : by_stack)
        detail::judge_growth(of, found.warm_up, found.looked_at, options);
    std::erase_if(by_stack, [](const auto& each) { return !each.second.leaks; });
    if (!by_stack.empty())
        for (auto& [stack, place] : measured.places())
            if (const auto of = by_stack.find(stack); of != by_stack.end()) of->second.what = place;
    for (auto& [stack, of] : by_stack)
        found.sites.push_back(std::move(of));
    std::ranges::sort(found.sites, [](const growth& left, const growth& right) {
        return left.bytes_per_run.per_step != right.bytes_per_run.per_step
                   ? left.bytes_per_run.per_step > right.bytes_per_run.per_step
                   : left.what < right.what;
    });
    return found;
}

} // namespace peakscope::testing
