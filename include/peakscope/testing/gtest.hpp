// SPDX-License-Identifier: MIT
// GoogleTest: limits on the memory of every test, and a matcher for reports. Needs GoogleTest; the matcher, GoogleMock.
//
//     int main(int argc, char** argv) {
//         testing::InitGoogleTest(&argc, argv);
//         peakscope::testing::set_test_defaults({.allowed = {.leaked_blocks = 0}});
//         testing::UnitTest::GetInstance()->listeners().Append(new peakscope::testing::gtest_listener);
//         return RUN_ALL_TESTS();
//     }
//
//     EXPECT_THAT(memory.finish(), peakscope::testing::KeepsBudget({.whole = {.heap_peak = 4_MiB}}));
#pragma once

#include <peakscope/testing/test_memory.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

inline void tell(const ::testing::TestInfo& test, const test_memory::outcome& outcome) {
    const detail::framework_scope framework;
    if (test_memory::prints())
        std::printf("memory of %s.%s: %s\n", test.test_suite_name(), test.name(), outcome.line.c_str());
    if (test.result()->Failed()) return;
    for (const std::string& each : outcome.broken)
        GTEST_NONFATAL_FAILURE_(each.c_str());
}

} // namespace detail

/// Looks at every test. GoogleTest makes the test's object in between, and a block or two of its own: what a test is
/// charged exactly is told by a fixture.
class gtest_listener final : public ::testing::EmptyTestEventListener {
  public:
    void OnTestStart(const ::testing::TestInfo&) override { memory_.begin(); }
    void OnTestEnd(const ::testing::TestInfo& test) override { detail::tell(test, memory_.end()); }

  private:
    detail::test_memory memory_;
};

/// A fixture whose tests are looked at from the end of its SetUp to the beginning of its TearDown, without a listener.
class memory_test : public ::testing::Test {
  protected:
    void SetUp() override { memory_.begin(); }
    void TearDown() override { detail::tell(*::testing::UnitTest::GetInstance()->current_test_info(), memory_.end()); }

  private:
    detail::test_memory memory_;
};

/// Matches a memory_report that keeps the budget, and explains which limits it breaks.
class keeps_budget {
  public:
    using is_gtest_matcher = void;
    explicit keeps_budget(budget limits) : limits_(std::move(limits)) {}

    bool MatchAndExplain(const memory_report& report, std::ostream* explanation) const {
        const detail::framework_scope framework;
        const std::vector<std::string> broken = detail::broken_limits(report, limits_);
        if (explanation != nullptr)
            for (const std::string& each : broken)
                *explanation << "\n" << each;
        return broken.empty();
    }
    void DescribeTo(std::ostream* out) const { *out << "keeps its budget"; }
    void DescribeNegationTo(std::ostream* out) const { *out << "breaks its budget"; }

  private:
    budget limits_;
};
[[nodiscard]] inline ::testing::Matcher<const memory_report&> KeepsBudget(budget limits) {
    return keeps_budget{std::move(limits)};
}

/// For GoogleTest's messages: a report is shown by its title, not by its bytes.
inline void PrintTo(const memory_report& report, std::ostream* out) {
    *out << "the report '" << testing::detail::title_of(report) << "'";
}

} // namespace peakscope::testing

namespace peakscope {
inline void PrintTo(const memory_report& report, std::ostream* out) { testing::PrintTo(report, out); }
} // namespace peakscope
