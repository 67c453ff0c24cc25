// SPDX-License-Identifier: MIT
// The bodies of testing/leaks.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/implementation/measured_work.hpp>
#include <peakscope/testing/leaks.hpp>

#include <range/v3/algorithm/all_of.hpp>
#include <range/v3/algorithm/count.hpp>
#include <range/v3/algorithm/count_if.hpp>
#include <range/v3/algorithm/min.hpp>
#include <range/v3/algorithm/sort.hpp>
#include <range/v3/numeric/accumulate.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/drop.hpp>
#include <range/v3/view/partial_sum.hpp>
#include <range/v3/view/slice.hpp>
#include <range/v3/view/take.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

// It has not stopped: the time since it last grew is not much longer than it has been before, and in the last third it
// has not grown half as often as in the rest or less, as what fills up by chance does.
[[nodiscard]] bool goes_on(const std::vector<std::int64_t>& warm) {
    std::size_t grew = 0; // after which run
    std::size_t longest_pause = 0;
    std::size_t up = 0;
    std::size_t up_at_last = 0;
    for (std::size_t run = 1; run <= warm.size(); ++run) {
        if (warm[run - 1] <= 0) continue;
        longest_pause = std::max(longest_pause, run - grew);
        grew = run;
        ++up;
        up_at_last += 3 * run > 2 * warm.size();
    }
    return warm.size() - grew <= 2 * longest_pause && 6 * up_at_last >= up;
}

// The least that lives rises from third to third: nothing empties what has grown.
[[nodiscard]] bool is_never_emptied(const std::vector<double>& live) {
    const auto third = static_cast<std::ptrdiff_t>(live.size() / 3);
    const auto first = ranges::min(live | ranges::views::take(third));
    const auto second = ranges::min(live | ranges::views::slice(third, 2 * third));
    const auto last = ranges::min(live | ranges::views::drop(2 * third));
    return first < second && second < last;
}

void judge_growth(growth& of, std::size_t warm_up, std::size_t looked_at, const leak_options& options) {
    const auto warm = of.by_run | ranges::views::drop(warm_up) | ranges::to<std::vector>();
    const auto live = ranges::views::partial_sum(warm) |
                      ranges::views::transform([](std::int64_t sum) { return static_cast<double>(sum); }) |
                      ranges::to<std::vector>();
    const auto up =
        static_cast<std::size_t>(ranges::count_if(warm, [](std::int64_t bytes_grown) { return bytes_grown > 0; }));
    const auto still = static_cast<std::size_t>(ranges::count(warm, 0));
    of.bytes_per_run = theil_sen(live, options.level);
    of.probability = sign_test(up, live.size() - still);
    of.leaks = of.probability * static_cast<double>(looked_at) <= options.false_alarms &&
               of.bytes_per_run.confidence.low > 0 && goes_on(warm) && is_never_emptied(live);
}

// The growth of all that has never shrunk while it was warm: where sites are known, what comes and goes is not held
// against the heap.
[[nodiscard]] growth growth_of_the_rest(const growth& heap, const std::map<call_stack, growth>& by_stack,
                                        std::size_t warm_up) {
    growth of_none = heap; // what no site accounts for
    growth kept;
    kept.by_run.resize(heap.by_run.size());
    const auto add = [](growth& to, const growth& more, std::int64_t sign) {
        for (std::size_t run = 0; run < to.by_run.size(); ++run)
            to.by_run[run] += sign * more.by_run[run];
    };
    const auto keep = [&](const growth& more) {
        if (ranges::all_of(more.by_run | ranges::views::drop(warm_up), [](std::int64_t grown) { return grown >= 0; }))
            add(kept, more, 1);
    };
    for (const auto& [stack, of] : by_stack) {
        add(of_none, of, -1);
        keep(of);
    }
    keep(of_none);
    return kept;
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
        measured.uncounted([&] {
            if (!figures.delta)
                throw usage_error("leaks: the heap source '" + std::string{measured.source_name()} +
                                  "' reports no delta");
            found.heap.by_run.push_back(figures.delta->count);
            for (const auto& [stack, live_bytes] : live_by_stack(measured)) {
                growth& of = by_stack[stack];
                of.by_run.resize(run, 0);
                of.by_run.push_back(live_bytes - ranges::accumulate(of.by_run, std::int64_t{0}));
            }
        });
    }

    measured.uncounted([&] {
        for (auto& [stack, of] : by_stack)
            of.by_run.resize(count, 0);
        std::erase_if(by_stack, [&](const auto& each) {
            return ranges::all_of(each.second.by_run | ranges::views::drop(found.warm_up),
                                  [](std::int64_t bytes_grown) { return bytes_grown == 0; });
        });
        found.looked_at = by_stack.size() + 1;
        judge_growth(found.heap, found.warm_up, found.looked_at, options);
        if (!by_stack.empty()) {
            growth rest = growth_of_the_rest(found.heap, by_stack, found.warm_up);
            judge_growth(rest, found.warm_up, found.looked_at, options);
            found.heap.leaks = rest.leaks;
        }
        for (auto& [stack, of] : by_stack)
            judge_growth(of, found.warm_up, found.looked_at, options);
        std::erase_if(by_stack, [](const auto& each) { return !each.second.leaks; });
        if (!by_stack.empty())
            for (auto& [stack, place] : places_of(measured))
                if (const auto of = by_stack.find(stack); of != by_stack.end()) of->second.what = place;
        for (auto& [stack, of] : by_stack)
            found.sites.push_back(std::move(of));
        ranges::sort(found.sites, ranges::less{}, [](const growth& each) {
            return std::tuple{-each.bytes_per_run.per_step, std::string_view{each.what}};
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
