// SPDX-License-Identifier: MIT
// The entry point of every test program. A filter that no test case passes is a mistake, not a success.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

namespace {

unsigned passed_filters = 0;

struct counts_cases : doctest::IReporter {
    explicit counts_cases(const doctest::ContextOptions&) {}
    void test_run_end(const doctest::TestRunStats& run) override { passed_filters = run.numTestCasesPassingFilters; }
    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_case_start(const doctest::TestCaseData&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}
};

} // namespace

DOCTEST_REGISTER_LISTENER("counts_cases", 0, counts_cases);

int main(int argc, char** argv) {
    doctest::Context context{argc, argv};
    const int failed = context.run();
    return context.shouldExit() || passed_filters > 0 ? failed : 1;
}
