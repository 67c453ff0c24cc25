// SPDX-License-Identifier: MIT
// The bodies of testing/test_memory.hpp.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/engine/fault_hook.hpp>
#include <peakscope/heap/heap_since.hpp>
#include <peakscope/heap/ignoring.hpp>
#include <peakscope/heap/sites_since.hpp>
#include <peakscope/profiler/running.hpp>
#include <peakscope/testing/budget.hpp>
#include <peakscope/testing/stacks.hpp>
#include <peakscope/testing/test_memory.hpp>

#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace peakscope::testing {

namespace detail {

struct looked_since {
    std::unique_ptr<heap::sites_since> sites{}; // before `process`, which begins the interval
    std::optional<heap::heap_since> process{};
    std::optional<heap::thread_heap_since> thread{};

    void reset() noexcept {
        thread.reset();
        process.reset();
        sites.reset();
    }
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

void test_memory::begin() {
    const heap::ignoring framework;
    limits_of_this_test().reset();
    looked_since& since = since_in(since_);
    since.reset();
    const test_defaults& all = defaults_of_tests();
    if (all.scope != looks_at::process) return static_cast<void>(since.thread.emplace());
    if (all.stacks != nullptr) since.sites = std::make_unique<heap::sites_since>(*all.stacks->mode);
    since.process.emplace();
    if (since.sites) since.sites->begin();
}

// The figures are read first, so that nothing that is done with them is in them.
void test_memory::end(const char* name, bool has_failed, void (*print)(void* to, const char* line),
                      void (*fail)(void* to, const char* message), void* to) {
    looked_since& since = since_in(since_);
    heap_figures figures;
    if (since.process) figures = since.process->figures();
    if (since.thread) figures = since.thread->figures();
    const heap::ignoring framework;
    const attribution allocated = since.sites ? since.sites->end() : attribution{};
    since.reset();
    memory_report report;
    report.heap = figures;
    report.heap_source = !heap::detail::operators_are_replaced()
                             ? "counting, without counting_operators.hpp in any file"
                         : defaults_of_tests().scope == looks_at::process ? "counting"
                                                                          : "counting, this thread";
    report.rss_source = "none";
    if (defaults_of_tests().prints) {
        std::string line = "memory of '";
        line += name;
        line += "': heap Δ " + (report.heap.delta ? format_signed_bytes(*report.heap.delta) : "n/a") + ", peak " +
                (report.heap.peak_delta ? format_signed_bytes(*report.heap.peak_delta) : "n/a") + ", " +
                (report.heap.allocations ? format_count(*report.heap.allocations) : "n/a") +
                (report.heap.allocations == 1 ? " allocation" : " allocations");
        print(to, line.c_str());
    }
    if (has_failed) return;
    const budget held_to{.whole = limits_of_this_test().value_or(defaults_of_tests().allowed)};
    std::vector<violation> broken = check(report, held_to);
    if (!broken.empty() && !allocated.windows.empty()) {
        profiler_detail::write_sites(report, allocated, defaults_of_tests().stacks->named(allocated), nullptr, 0);
        broken = check(report, held_to);
    }
    for (const violation& each : broken)
        fail(to, each.message.c_str());
}

static_assert(sizeof(engine::fault_scope) <= 16 && alignof(engine::fault_scope) <= alignof(void*));

first_block::first_block() noexcept {
    const auto note = [](void* to, const engine::faultable& allocation) noexcept {
        *static_cast<std::uint64_t*>(to) = allocation.requested_bytes;
        engine::faults_here = nullptr; // and no more of them
        return false;
    };
    ::new (static_cast<void*>(hook_)) engine::fault_scope{note, &requested_bytes_};
}
first_block::~first_block() { std::destroy_at(std::launder(reinterpret_cast<engine::fault_scope*>(hook_))); }

shown_bytes::shown_bytes(bytes value) : text{} { format_bytes_exactly(value).copy(text, sizeof(text) - 1); }

} // namespace detail

void set_test_defaults(const test_defaults& all) { detail::defaults_of_tests() = all; }

void limit_this_test(const limits& allowed) { detail::limits_of_this_test() = allowed; }

} // namespace peakscope::testing
