// SPDX-License-Identifier: MIT
// What the adapters for test frameworks have in common: limits on every test, and a line about the memory of each.
//
// A test's figures are those of the counted heap between its beginning and its end, whichever framework runs it. What
// the framework allocates for an assertion that holds is nothing, and so charges nothing; what it keeps of sections and
// subcases while a test runs is charged to the test, and so is what it keeps of an assertion that fails; a test that
// has failed by itself is not held to its limits. What counts is the whole process, or the test's thread alone, which
// has no peak.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/byte_count.hpp>
#include <peakscope/testing/limits.hpp>

#include <cstdint>

namespace peakscope::testing {

/// Whose allocations a test is charged with.
enum class looks_at { process, this_thread };

namespace detail {
struct stack_source;
} // namespace detail

/// For every test of the program, set before the first one runs.
struct test_defaults {
    limits allowed{};
    looks_at scope = looks_at::process;
    bool prints = false; ///< a line about the memory of each test
    /// For the whole process: names the lines behind a broken limit. See testing/stacks.hpp. None by default.
    const detail::stack_source* stacks = nullptr;
};

namespace detail {

// heap::ignoring, without the engine: every test file includes this.
class [[nodiscard, maybe_unused]] framework_scope {
  public:
    PEAKSCOPE_BODY_ELSEWHERE framework_scope() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE ~framework_scope();
    framework_scope(const framework_scope&) = delete;
    framework_scope& operator=(const framework_scope&) = delete;

  private:
    alignas(void*) unsigned char ignoring_[16]; // a heap::ignoring
};

class test_memory {
  public:
    PEAKSCOPE_BODY_ELSEWHERE test_memory() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE ~test_memory();
    test_memory(const test_memory&) = delete;
    test_memory& operator=(const test_memory&) = delete;

    PEAKSCOPE_BODY_ELSEWHERE void begin();
    // Calls `print` with a line about the memory of the test, if all tests are to print it, and `fail` with the message
    // of each limit that is broken. A test that has failed by itself is not held to its limits.
    PEAKSCOPE_BODY_ELSEWHERE void end(const char* name, bool has_failed, void (*print)(void* to, const char* line),
                                      void (*fail)(void* to, const char* message), void* to = nullptr);

  private:
    alignas(void*) unsigned char since_[128]; // a heap_since, perhaps with a sites_since, or a thread_heap_since
};

// The requested bytes of the first block that this thread allocates while this is alive; 0 as long as there is none.
class first_block {
  public:
    PEAKSCOPE_BODY_ELSEWHERE first_block() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE ~first_block();
    first_block(const first_block&) = delete;
    first_block& operator=(const first_block&) = delete;

    [[nodiscard]] std::uint64_t requested_bytes() const noexcept { return requested_bytes_; }

  private:
    alignas(void*) unsigned char hook_[16]; // an engine::fault_scope, under which nothing fails
    std::uint64_t requested_bytes_ = 0;
};

// "2.00 MiB (2,097,152 B)", for what a framework shows of an assertion.
struct shown_bytes {
    char text[64];
    PEAKSCOPE_BODY_ELSEWHERE explicit shown_bytes(bytes value);
};

} // namespace detail

/// What holds for every test of the program. Called before the first one runs.
PEAKSCOPE_BODY_ELSEWHERE void set_test_defaults(const test_defaults& all);

/// Limits for the test that is running, in the place of those for every test. Called in the test.
PEAKSCOPE_BODY_ELSEWHERE void limit_this_test(const limits& allowed);

} // namespace peakscope::testing
