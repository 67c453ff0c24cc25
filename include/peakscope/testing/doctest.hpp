// SPDX-License-Identifier: MIT
// doctest: limits on the memory of every test case. Needs doctest.
//
//     // in one file, beside counting_operators.hpp:
//     #include <peakscope/testing/doctest.hpp>
//     REGISTER_LISTENER("memory", 1, peakscope::testing::doctest_listener);
//     int main(int argc, char** argv) {
//         peakscope::testing::set_test_defaults({.allowed = {.heap_peak = 64_MiB}, .prints = true});
//         return doctest::Context{argc, argv}.run();
//     }
//
// A test case that breaks its limits fails, with the message of the budget. In a test, a report is checked with
//     PEAKSCOPE_CHECK_BUDGET(memory.finish(), {.whole = {.heap_peak = 4_MiB}});
#pragma once

#include <peakscope/testing/test_memory.hpp>

#include <doctest/doctest.h>

#include <iosfwd>

namespace peakscope::testing {

class doctest_listener final : public doctest::IReporter {
  public:
    explicit doctest_listener(const doctest::ContextOptions& options) : out_(*options.cout) {}

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    // doctest has counted by then which tests have failed, and has not told yet.
    void test_run_end(const doctest::TestRunStats& stats) override {
        const_cast<doctest::TestRunStats&>(stats).numTestCasesFailed += failed_;
    }
    void test_case_start(const doctest::TestCaseData& test) override {
        name_ = test.m_name;
        memory_.begin();
    }
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        if (detail::tell(memory_, name_, stats.failure_flags != 0, out_)) ++failed_;
    }
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

  private:
    std::ostream& out_;
    const char* name_ = "";
    unsigned failed_ = 0;
    detail::test_memory memory_;
};

} // namespace peakscope::testing

/// Fails the test with a message for each limit that the report breaks. The budget stands last and may be in braces.
#define PEAKSCOPE_CHECK_BUDGET(report, ...)                                                                            \
    do {                                                                                                               \
        for (const auto& peakscope_broken :                                                                            \
             ::peakscope::testing::detail::broken_limits(report, ::peakscope::testing::budget __VA_ARGS__))            \
            ADD_FAIL_CHECK_AT(__FILE__, __LINE__, peakscope_broken);                                                   \
    } while (false)
