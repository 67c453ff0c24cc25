// SPDX-License-Identifier: MIT
// What the adapters for test frameworks have in common: limits on every test, and the memory of each in a line.
//
// A test's figures are those of the counted heap between its beginning and its end, whichever framework runs it. What
// the framework allocates for an assertion that holds is nothing, and so charges nothing; what it keeps of sections and
// subcases while a test runs is charged to the test, and what it keeps of an assertion that fails: a test that has
// failed by itself is not held to its limits. The whole process is looked at, or the test's thread alone, which has no
// peak.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/heap_since.hpp>
#include <peakscope/heap/ignoring.hpp>
#include <peakscope/testing/budget.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

enum class looks_at { process, this_thread };

/// For every test of the program, set before the first one runs.
struct test_defaults {
    limits allowed{};
    looks_at scope = looks_at::process;
    bool prints = false; ///< the memory of each test, in a line
};

namespace detail {

class test_memory {
  public:
    static test_defaults& defaults() {
        static test_defaults all;
        return all;
    }
    static std::optional<limits>& of_this_test() {
        static std::optional<limits> own;
        return own;
    }

    void begin() {
        const heap::ignoring framework;
        of_this_test().reset();
        thread_.reset();
        process_.reset();
        if (defaults().scope == looks_at::process)
            process_.emplace();
        else
            thread_.emplace();
    }

    struct outcome {
        std::string line{}; ///< "heap Δ +12.0 KiB, peak +1.50 MiB, 1,204 allocations"
        std::vector<violation> broken{};
    };

    // The figures are read first, so that nothing that is done with them is in them.
    [[nodiscard]] outcome end() {
        memory_report report;
        report.heap_source = !heap::detail::operators_are_replaced()
                                 ? "counting, without counting_operators.hpp in any file"
                             : defaults().scope == looks_at::process ? "counting"
                                                                     : "counting, this thread";
        report.rss_source = "none";
        report.heap = process_ ? process_->figures() : thread_->figures();
        const heap::ignoring framework;
        thread_.reset();
        process_.reset();
        outcome made;
        made.line =
            "heap Δ " + (report.heap.delta ? format_signed_bytes(*report.heap.delta) : std::string{"n/a"}) + ", peak " +
            (report.heap.peak_delta ? format_signed_bytes(*report.heap.peak_delta) : std::string{"n/a"}) + ", " +
            (report.heap.allocations ? format_count(*report.heap.allocations) : std::string{"n/a"}) + " allocations";
        made.broken = check(report, {.whole = of_this_test().value_or(defaults().allowed)});
        return made;
    }

  private:
    std::optional<heap::heap_since> process_;
    std::optional<heap::thread_heap_since> thread_;
};

} // namespace detail

/// What holds for every test of the program. Called before the first one runs.
inline void set_test_defaults(test_defaults all) { detail::test_memory::defaults() = std::move(all); }

/// Limits for the test that is running, in the place of those for every test. Called in the test.
inline void limit_this_test(const limits& allowed) { detail::test_memory::of_this_test() = allowed; }

} // namespace peakscope::testing
