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

#include <iostream>
#include <string>
#include <utility>

namespace peakscope::testing {

namespace detail {

inline void end(test_memory& of, const ::testing::TestInfo& test) {
    const framework_scope framework;
    const std::string name = std::string{test.test_suite_name()} + "." + test.name();
    of.end(
        name.c_str(), test.result()->Failed(), [](void*, const char* line) { std::cout << line << '\n'; },
        [](void* to, const char* message) {
            const auto& failed = *static_cast<const ::testing::TestInfo*>(to);
            ADD_FAILURE_AT(failed.file(), failed.line()) << message;
        },
        const_cast<::testing::TestInfo*>(&test));
}

} // namespace detail

/// Holds every test to its limits. GoogleTest makes the test's object in between, and a block or two of its own; a
/// fixture charges a test exactly.
class gtest_listener final : public ::testing::EmptyTestEventListener {
  public:
    void OnTestStart(const ::testing::TestInfo&) override { memory_.begin(); }
    void OnTestEnd(const ::testing::TestInfo& test) override { detail::end(memory_, test); }

  private:
    detail::test_memory memory_{};
};

/// A fixture whose tests are measured from the end of its SetUp to the beginning of its TearDown, without a listener.
class memory_test : public ::testing::Test {
  protected:
    void SetUp() override { memory_.begin(); }
    void TearDown() override { detail::end(memory_, *::testing::UnitTest::GetInstance()->current_test_info()); }

  private:
    detail::test_memory memory_{};
};

/// Matches a memory_report that keeps the budget, and explains which limits it breaks.
class keeps_budget {
  public:
    using is_gtest_matcher = void;
    explicit keeps_budget(budget limits) : limits_(std::move(limits)) {}

    bool MatchAndExplain(const memory_report& report, std::ostream* explanation) const {
        return detail::keeps(
            report, limits_,
            [](void* to, const char* message) {
                if (to != nullptr) *static_cast<std::ostream*>(to) << "\n" << message;
            },
            explanation);
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
inline void PrintTo(const bytes& value, std::ostream* out) { *out << testing::detail::shown_bytes{value}.text; }
} // namespace peakscope
