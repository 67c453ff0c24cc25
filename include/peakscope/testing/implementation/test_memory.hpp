// SPDX-License-Identifier: MIT
// The bodies of testing/test_memory.hpp.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/heap_since.hpp>
#include <peakscope/heap/ignoring.hpp>
#include <peakscope/testing/budget.hpp>
#include <peakscope/testing/test_memory.hpp>

#include <memory>
#include <new>
#include <optional>
#include <ostream>
#include <string>
#include <utility>

namespace peakscope::testing {

namespace detail {

struct looked_since {
    std::optional<heap::heap_since> process;
    std::optional<heap::thread_heap_since> thread;
};
static_assert(sizeof(looked_since) <= sizeof(test_memory) && alignof(looked_since) <= alignof(test_memory));
static_assert(sizeof(heap::ignoring) <= sizeof(framework_scope) && alignof(heap::ignoring) <= alignof(framework_scope));

[[nodiscard]] looked_since& since_in(unsigned char* storage) noexcept {
    return *std::launder(reinterpret_cast<looked_since*>(storage));
}

[[nodiscard]] test_defaults& defaults_of_tests() {
    static test_defaults all;
    return all;
}
[[nodiscard]] std::optional<limits>& limits_of_this_test() {
    static std::optional<limits> own;
    return own;
}

framework_scope::framework_scope() noexcept { ::new (static_cast<void*>(ignoring_)) heap::ignoring; }
framework_scope::~framework_scope() { std::destroy_at(std::launder(reinterpret_cast<heap::ignoring*>(ignoring_))); }

test_memory::test_memory() noexcept { ::new (static_cast<void*>(since_)) looked_since; }
test_memory::~test_memory() { std::destroy_at(&since_in(since_)); }

bool test_memory::prints() noexcept { return defaults_of_tests().prints; }

void test_memory::begin() {
    const heap::ignoring framework;
    limits_of_this_test().reset();
    looked_since& since = since_in(since_);
    since.thread.reset();
    since.process.reset();
    if (defaults_of_tests().scope == looks_at::process)
        since.process.emplace();
    else
        since.thread.emplace();
}

// The figures are read first, so that nothing that is done with them is in them.
test_memory::outcome test_memory::end() {
    looked_since& since = since_in(since_);
    memory_report report;
    report.heap_source = !heap::detail::operators_are_replaced()
                             ? "counting, without counting_operators.hpp in any file"
                         : defaults_of_tests().scope == looks_at::process ? "counting"
                                                                          : "counting, this thread";
    report.rss_source = "none";
    if (since.process) report.heap = since.process->figures();
    if (since.thread) report.heap = since.thread->figures();
    const heap::ignoring framework;
    since.thread.reset();
    since.process.reset();
    outcome made;
    made.line =
        "heap Δ " + (report.heap.delta ? format_signed_bytes(*report.heap.delta) : std::string{"n/a"}) + ", peak " +
        (report.heap.peak_delta ? format_signed_bytes(*report.heap.peak_delta) : std::string{"n/a"}) + ", " +
        (report.heap.allocations ? format_count(*report.heap.allocations) : std::string{"n/a"}) + " allocations";
    made.broken = broken_limits(report, {.whole = limits_of_this_test().value_or(defaults_of_tests().allowed)});
    return made;
}

bool tell(test_memory& of, const char* name, bool has_failed, std::ostream& out) {
    const test_memory::outcome outcome = of.end();
    const heap::ignoring framework;
    if (test_memory::prints()) out << "memory of '" << name << "': " << outcome.line << '\n';
    if (has_failed || outcome.broken.empty()) return false;
    for (const std::string& each : outcome.broken)
        out << "memory of '" << name << "' is over its limit\n" << each << '\n';
    return true;
}

} // namespace detail

void set_test_defaults(const test_defaults& all) { detail::defaults_of_tests() = all; }

void limit_this_test(const limits& allowed) { detail::limits_of_this_test() = allowed; }

} // namespace peakscope::testing
