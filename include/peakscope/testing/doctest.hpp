// SPDX-License-Identifier: MIT
// doctest: limits on the memory of every test case. Needs doctest.
//
//     // in one file, beside counting_operators.hpp:
//     #define DOCTEST_CONFIG_IMPLEMENT
//     #include <peakscope/testing/doctest.hpp>
//     REGISTER_LISTENER("memory", 1, peakscope::testing::doctest_listener);
//     int main(int argc, char** argv) {
//         using namespace peakscope::literals;
//         peakscope::testing::set_test_defaults({.allowed = {.heap_peak = 64_MiB}, .prints = true});
//         return doctest::Context{argc, argv}.run();
//     }
//
// A test case that breaks its limits fails at its own file and line, with the message of the budget, whatever the
// reporter. A test case with subcases runs once for each innermost one, and each run is measured by itself. In a test,
// a report is checked with
//     PEAKSCOPE_CHECK_BUDGET(memory.finish(), {.whole = {.heap_peak = 4_MiB}});
#pragma once

#include <peakscope/testing/test_memory.hpp>

#include <doctest/doctest.h>

#include <optional>

namespace peakscope::testing {

namespace detail {

// As a CHECK that fails: every reporter knows what to do with that, and a message alone is not in JUnit's file.
inline void doctest_fail(const char* file, int line, const char* what, const char* message) {
    doctest::detail::ResultBuilder failed{doctest::assertType::DT_CHECK, file, line, what};
    failed.setResult(doctest::detail::Result{false, message});
    failed.log();
    failed.react();
}

} // namespace detail

/// Puts itself around the function of each test case, so that what doctest and its reporters allocate when a test
/// begins and ends is not the test's.
class doctest_listener final : public doctest::IReporter {
  public:
    explicit doctest_listener(const doctest::ContextOptions&) { running_ = this; }
    doctest_listener(const doctest_listener&) = delete;
    doctest_listener& operator=(const doctest_listener&) = delete;

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    // doctest hands over its own test case, and calls its function afterwards.
    void test_case_start(const doctest::TestCaseData& test) override {
        test_ = &const_cast<doctest::detail::TestCase&>(static_cast<const doctest::detail::TestCase&>(test));
        function_ = test_->m_test;
        test_->m_test = measure;
        has_failed_ = false;
    }
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override { test_->m_test = function_; }
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData& of) override {
        if (of.m_failed && (of.m_at & doctest::assertType::is_warn) == 0) has_failed_ = true;
    }
    void log_message(const doctest::MessageData& of) override {
        if ((of.m_severity & doctest::assertType::is_warn) == 0) has_failed_ = true;
    }
    void test_case_skipped(const doctest::TestCaseData&) override {}

  private:
    static void measure() {
        doctest_listener& self = *running_;
        struct measured {
            doctest_listener& of;
            bool threw = true;
            ~measured() { of.memory_.end(of.test_->m_name, threw || of.has_failed_, print, fail, &of); }
        } test{self};
        self.memory_.begin();
        self.function_();
        test.threw = false;
    }
    static void print(void* self, const char* text) {
        const doctest::detail::TestCase& test = *static_cast<doctest_listener*>(self)->test_;
        DOCTEST_ADD_MESSAGE_AT(test.m_file.c_str(), static_cast<int>(test.m_line), doctest::String{text});
    }
    static void fail(void* self, const char* message) {
        const doctest::detail::TestCase& test = *static_cast<doctest_listener*>(self)->test_;
        detail::doctest_fail(test.m_file.c_str(), static_cast<int>(test.m_line),
                             "the test's memory is within its limits", message);
    }

    inline static doctest_listener* running_ = nullptr;
    doctest::detail::TestCase* test_ = nullptr;
    void (*function_)() = nullptr;
    bool has_failed_ = false;
    detail::test_memory memory_{};
};

} // namespace peakscope::testing

template <>
struct doctest::StringMaker<peakscope::bytes> {
    static String convert(const peakscope::bytes& value) { return peakscope::testing::detail::shown_bytes{value}.text; }
};
template <>
struct doctest::StringMaker<std::optional<peakscope::bytes>> {
    static String convert(const std::optional<peakscope::bytes>& value) {
        return value ? toString(*value) : String{"n/a"};
    }
};

/// Fails the test with a message for each limit that the report breaks. The budget stands last and may be in braces.
#define PEAKSCOPE_CHECK_BUDGET(report, ...)                                                                            \
    ::peakscope::testing::detail::keeps(                                                                               \
        report, ::peakscope::testing::budget __VA_ARGS__, [](void*, const char* broken) {                              \
            ::peakscope::testing::detail::doctest_fail(__FILE__, __LINE__, "the report keeps its budget", broken);     \
        })
