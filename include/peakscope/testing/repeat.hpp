// SPDX-License-Identifier: MIT
// Repetition: the same measurement several times, each in a process of its own, and how far its figures vary. Needs
// nlohmann-json, as which a report comes back from the child.
//
//     const auto runs = peakscope::testing::repeat(20, [] {
//         Memory memory{"build"};
//         build(options);
//         return memory.finish({"page", 100});
//     });
//     CHECK(runs.failures.empty());
//     CHECK(runs.of(peakscope::testing::figures::heap_peak).spread <= 0.05);
//
// Every child starts from the memory of the caller as it was when `repeat` was called, fixture included; nothing that
// one does is seen by the next. A child has one thread, the caller's: start threads inside the work. A child that
// throws, crashes, is killed or takes too long is a failure with its reason, and the others go on.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/json_reader.hpp>
#include <peakscope/testing/child_process.hpp>
#include <peakscope/testing/repetitions.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

/// Calls `work`, which measures and returns its memory_report, in `count` forked children, one after the other. Throws
/// peakscope::error where no child can be forked at all.
template <class Work>
[[nodiscard]] repetitions repeat(std::size_t count, Work work, const child_limits& limits = {}) {
    repetitions made;
    const std::vector<detail::child_result> results =
        detail::run_in_children(count, [&work] { return report::json::text(work()); }, limits);
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (results[i].outcome == detail::child_outcome::returned)
            made.reports.push_back(report::read_json(results[i].text, "a repetition's report"));
        else
            made.failures.push_back({i + 1, results[i].text});
    }
    return made;
}

/// The same in this process, for code that cannot be forked, and for systems without. Each measurement settles and
/// has a baseline of its own, but what the one before has left in the allocator, in caches and in pools is there.
template <class Work>
[[nodiscard]] repetitions repeat_in_process(std::size_t count, Work work) {
    repetitions made;
    for (std::size_t i = 0; i < count; ++i) {
        try {
            made.reports.push_back(work());
        } catch (const std::exception& failed) {
            made.failures.push_back({i + 1, std::string{"it threw: "} + failed.what()});
        }
    }
    return made;
}

/// One measurement in a child of its own. Throws peakscope::error with the reason where there is no report.
template <class Work>
[[nodiscard]] memory_report isolated(Work work, const child_limits& limits = {}) {
    repetitions one = repeat(1, std::move(work), limits);
    if (!one.failures.empty()) throw error("the isolated measurement failed: " + one.failures[0].reason);
    return std::move(one.reports[0]);
}

} // namespace peakscope::testing
