// SPDX-License-Identifier: MIT
// What the adapters for test frameworks have in common: limits on every test, and the memory of each in a line.
//
// A test's figures are those of the counted heap between its beginning and its end, whichever framework runs it. What
// the framework allocates for an assertion that holds is nothing, and so charges nothing; what it keeps of sections and
// subcases while a test runs is charged to the test, and what it keeps of an assertion that fails: a test that has
// failed by itself is not held to its limits. The whole process is looked at, or the test's thread alone, which has no
// peak.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/testing/limits.hpp>

#include <iosfwd>
#include <string>
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
    struct outcome {
        std::string line{};                ///< "heap Δ +12.0 KiB, peak +1.50 MiB, 1,204 allocations"
        std::vector<std::string> broken{}; ///< the message of each limit that is
    };

    PEAKSCOPE_BODY_ELSEWHERE test_memory() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE ~test_memory();
    test_memory(const test_memory&) = delete;
    test_memory& operator=(const test_memory&) = delete;

    PEAKSCOPE_BODY_ELSEWHERE void begin();
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] outcome end();
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static bool prints() noexcept;

  private:
    alignas(void*) unsigned char since_[128]; // a heap_since or a thread_heap_since, or none
};

// Ends it, writes what there is to tell of the test, and says whether the test has broken its limits. One that has
// failed by itself is not held to them.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool tell(test_memory& of, const char* name, bool has_failed, std::ostream& out);

} // namespace detail

/// What holds for every test of the program. Called before the first one runs.
PEAKSCOPE_BODY_ELSEWHERE void set_test_defaults(const test_defaults& all);

/// Limits for the test that is running, in the place of those for every test. Called in the test.
PEAKSCOPE_BODY_ELSEWHERE void limit_this_test(const limits& allowed);

} // namespace peakscope::testing
