// SPDX-License-Identifier: MIT
// The bodies of testing/leaks.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/leaks.hpp>

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

namespace detail {

void judge_growth(growth& of, std::size_t warm_up, std::size_t looked_at, const leak_options& options) {
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

[[nodiscard]] std::string line_of(const growth& of) {
    const slope& grows = of.bytes_per_run;
    return of.what + "  " + format_fixed(grows.per_step, 1) + " B a run [" + format_fixed(grows.confidence.low, 1) +
           ", " + format_fixed(grows.confidence.high, 1) + "]";
}

leak_report leaks_to_find(std::size_t count, const leak_options& options) {
    leak_report found;
    found.warm_up = options.warm_up > 0 ? options.warm_up : std::max<std::size_t>(3, count / 3);
    found.runs = count > found.warm_up ? count - found.warm_up : 0;
    found.false_alarms = options.false_alarms;
    found.level = options.level;
    if (found.runs < 6 || std::exp2(-static_cast<double>(found.runs)) > options.false_alarms)
        throw usage_error("leaks: " + std::to_string(found.runs) + " runs after " + std::to_string(found.warm_up) +
                          " to warm up cannot keep to " + format_fixed(100 * options.false_alarms, 3) +
                          " % false alarms: make more runs");
    return found;
}

leak_report leaks_of(leak_report found, std::size_t count, measured_runs& measured, const any_work& work,
                     const leak_options& options) {
    found.heap.what = "heap";
    std::map<call_stack, growth> by_stack;
    for (std::size_t run = 0; run < count; ++run) {
        const heap_figures figures = measured.run(work);
        measured.as_profilers([&] {
            if (!figures.delta)
                throw usage_error("leaks: the heap source '" + std::string{measured.source_name()} +
                                  "' tells no delta");
            found.heap.by_run.push_back(figures.delta->count);
            for (const auto& [stack, live_bytes] : measured.live_by_stack()) {
                growth& of = by_stack[stack];
                of.by_run.resize(run, 0);
                of.by_run.push_back(live_bytes - std::accumulate(of.by_run.begin(), of.by_run.end(), std::int64_t{0}));
            }
        });
    }

    measured.as_profilers([&] {
        for (auto& [stack, of] : by_stack)
            of.by_run.resize(count, 0);
        std::erase_if(by_stack, [&](const auto& each) {
            const auto& by_run = each.second.by_run;
            return std::all_of(by_run.begin() + static_cast<std::ptrdiff_t>(found.warm_up), by_run.end(),
                               [](std::int64_t bytes_grown) { return bytes_grown == 0; });
        });
        found.looked_at = by_stack.size() + 1;
        judge_growth(found.heap, found.warm_up, found.looked_at, options);
        for (auto& [stack, of] : by_stack)
            judge_growth(of, found.warm_up, found.looked_at, options);
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
    });
    return found;
}

} // namespace detail

std::string leak_report::text() const {
    std::string lines = leaks() ? "leaks" : "no leak";
    lines += " in " + std::to_string(runs) + " runs after " + std::to_string(warm_up) + " to warm up (" +
             std::to_string(looked_at) + " series, at most " + format_fixed(100 * false_alarms, 2) +
             " % false alarms)\n  " + detail::line_of(heap);
    for (const growth& each : sites)
        lines += "\n  " + detail::line_of(each);
    return lines;
}

} // namespace peakscope::testing
