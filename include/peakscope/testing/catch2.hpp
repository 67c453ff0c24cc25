// SPDX-License-Identifier: MIT
// Catch2: limits on the memory of every test case, and a matcher for reports. Needs Catch2: tested with 2.13 and 3.7.
//
//     #define CATCH_CONFIG_RUNNER // version 2; with version 3, link Catch2 without its main
//     #include <peakscope/testing/catch2.hpp>
//     using peakscope::testing::catch2_listener;
//     CATCH_REGISTER_LISTENER(catch2_listener)
//     int main(int argc, char** argv) {
//         peakscope::testing::set_test_defaults({.allowed = {.leaked_blocks = 0}});
//         return Catch::Session().run(argc, argv);
//     }
//
//     CHECK_THAT(memory.finish(), peakscope::testing::keeps_budget({.whole = {.heap_peak = 4_MiB}}));
//
// A test case with sections or generators runs several times, and each run is measured by itself. What Catch2 and its
// reporters keep of assertions, sections, generators and messages is not the test's; what is allocated to put a name or
// a text together is, and so is the memory of a BENCHMARK. Between the tests, what their thread allocates is in no
// figure.
#pragma once

#include <peakscope/testing/test_memory.hpp>

#if !defined(CATCH_CONFIG_RUNNER) && !defined(CATCH_CONFIG_MAIN) && !defined(CATCH_CONFIG_EXTERNAL_INTERFACES)
#define CATCH_CONFIG_EXTERNAL_INTERFACES // listeners
#endif
#include <peakscope/testing/catch2_capture.hpp>

#include <array>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace peakscope::testing {

namespace detail {

// Both versions have a pointer to the function of each test case, and call it after they have told the listeners of the
// test case. Nothing public leads to the pointer; an explicit instantiation may name it.
#if CATCH_VERSION_MAJOR == 2
using catch2_listener_base = Catch::TestEventListenerBase;
using catch2_report_matcher = Catch::MatcherBase<memory_report>;
using catch2_asserted = bool; // what assertionEnded returns
using catch2_test = Catch::TestCase;
using catch2_function = std::shared_ptr<Catch::ITestInvoker>;
#else
using catch2_listener_base = Catch::EventListenerBase;
using catch2_report_matcher = Catch::Matchers::MatcherBase<memory_report>;
using catch2_asserted = void;
using catch2_test = Catch::TestCaseHandle;
using catch2_function = Catch::ITestInvoker*;
#endif

catch2_function catch2_test::* function_of_test();
template <catch2_function catch2_test::* Member>
struct known_member {
    friend catch2_function catch2_test::* function_of_test() { return Member; }
};
#if CATCH_VERSION_MAJOR == 2
template struct known_member<&Catch::TestCase::test>;

inline const catch2_test& catch2_test_of(const Catch::TestCaseInfo& info) {
    return static_cast<const catch2_test&>(info);
}
inline catch2_function catch2_pointer_to(const std::shared_ptr<Catch::ITestInvoker>& function) { return function; }
#else
template struct known_member<&Catch::TestCaseHandle::m_invoker>;

inline const catch2_test& catch2_test_of(const Catch::TestCaseInfo& info) {
    const auto& all = Catch::getAllTestCasesSorted(*Catch::getCurrentContext().getConfig());
    auto test = all.begin();
    while (&test->getTestCaseInfo() != &info)
        ++test;
    return *test;
}
inline catch2_function catch2_pointer_to(const std::shared_ptr<Catch::ITestInvoker>& function) {
    return function.get();
}
#endif

// Catch2 keeps the streams in which it puts texts together, and their buffers, for the next ones. They are made before
// the first test, in which only more of them at once, or longer texts, take memory.
inline void catch2_make_streams() {
    const std::string text(4'000, ' ');
    std::array<Catch::ReusableStringStream, 8> streams;
    for (Catch::ReusableStringStream& each : streams)
        each << text;
}

inline void catch2_print(void*, const char* line) { std::cout << line << '\n'; }

// FAIL_CHECK at a place that is not this one. `place` is a SourceLineInfo.
inline void catch2_fail(void* place, const char* message) {
    using namespace Catch;
    AssertionHandler failed{"FAIL_CHECK"_catch_sr, *static_cast<const SourceLineInfo*>(place), StringRef{},
                            ResultDisposition::ContinueOnFailure};
    failed.handleMessage(ResultWas::ExplicitFailure, std::string{message});
    try {
        failed.complete();
    } catch (const TestFailureException&) {
        return; // --abort: the test has ended already, and no other one begins
    }
}
inline void end(test_memory& of, const std::string& name, bool has_failed, const Catch::SourceLineInfo& place) {
    const framework_scope framework;
    of.end(name.c_str(), has_failed, catch2_print, catch2_fail, const_cast<Catch::SourceLineInfo*>(&place));
}

} // namespace detail

/// Puts itself around the function of each test case, so that what Catch2 and its reporters allocate when a test begins
/// and ends is not the test's, and what is printed is within the output that reporters expect of a test.
class catch2_listener final : public detail::catch2_listener_base {
    using base = detail::catch2_listener_base;

  public:
    using base::base;

    void testRunStarting(const Catch::TestRunInfo& info) override {
        outside_tests_.emplace();
        detail::catch2_make_streams();
        base::testRunStarting(info);
    }
    void testRunEnded(const Catch::TestRunStats& stats) override {
        base::testRunEnded(stats);
        outside_tests_.reset();
    }
    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        base::testCaseStarting(info);
        function_ = &(const_cast<detail::catch2_test&>(detail::catch2_test_of(info)).*detail::function_of_test());
        around_ = std::make_shared<around>(*function_, info);
        *function_ = detail::catch2_pointer_to(around_);
    }
    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        *function_ = around_->function();
        base::testCaseEnded(stats);
    }
    void assertionStarting(const Catch::AssertionInfo&) override {}
    detail::catch2_asserted assertionEnded(const Catch::AssertionStats& stats) override {
        if (!stats.assertionResult.isOk()) has_failed_ = true;
        return detail::catch2_asserted();
    }

  private:
    // What Catch2 has allocated between tests and frees in one is not that test's either.
    inline static std::optional<detail::framework_scope> outside_tests_;
    struct inside_test {
        inside_test() { outside_tests_.reset(); }
        ~inside_test() { outside_tests_.emplace(); }
        inside_test(const inside_test&) = delete;
        inside_test& operator=(const inside_test&) = delete;
    };

    class around final : public Catch::ITestInvoker {
      public:
        around(const detail::catch2_function& function, const Catch::TestCaseInfo& info)
            : function_(function), info_(info) {}
        around(const around&) = delete;
        around& operator=(const around&) = delete;

        [[nodiscard]] const detail::catch2_function& function() const { return function_; }

        // For each innermost section.
        void invoke() const override {
            const inside_test inside;
            struct measured {
                const Catch::TestCaseInfo& info;
                detail::test_memory memory{};
                bool threw = true;
                ~measured() { detail::end(memory, info.name, threw || has_failed_, info.lineInfo); }
            } test{info_};
            has_failed_ = false;
            const detail::catch2_capture framework;
            test.memory.begin();
            function_->invoke();
            test.threw = false;
        }
#if CATCH_VERSION_MAJOR > 3 || (CATCH_VERSION_MAJOR == 3 && CATCH_VERSION_MINOR >= 7)
        // Of a fixture that outlives the sections.
        void prepareTestCase() override {
            const inside_test inside;
            function_->prepareTestCase();
        }
        void tearDownTestCase() override {
            const inside_test inside;
            function_->tearDownTestCase();
        }
#endif

      private:
        detail::catch2_function function_;
        const Catch::TestCaseInfo& info_;
    };

    inline static bool has_failed_ = false;
    detail::catch2_function* function_ = nullptr;
    std::shared_ptr<around> around_;
};

/// A fixture for TEST_CASE_METHOD, which needs no listener; without it, what Catch2 keeps of sections, generators and
/// messages while the fixture lives is the test's.
class memory_test {
  public:
    memory_test(const memory_test&) = delete;
    memory_test& operator=(const memory_test&) = delete;

  protected:
    memory_test() { memory_.begin(); }
    ~memory_test() {
        static const Catch::SourceLineInfo here{__FILE__, __LINE__}; // a fixture does not know its test's
        detail::end(memory_, std::string{Catch::getResultCapture().getCurrentTestName()}, false, here);
    }

  private:
    detail::test_memory memory_{};
};

/// Matches a memory_report that keeps the budget; the description has the limits that it breaks.
class keeps_budget final : public detail::catch2_report_matcher {
  public:
    explicit keeps_budget(budget limits) : limits_(std::move(limits)) {}

    [[nodiscard]] bool match(const memory_report& report) const override {
        broken_.clear();
        return detail::keeps(
            report, limits_,
            [](void* to, const char* message) { *static_cast<std::string*>(to) += std::string{"\n"} + message; },
            &broken_);
    }

  protected:
    [[nodiscard]] std::string describe() const override { return "keeps its budget" + broken_; }

  private:
    budget limits_;
    mutable std::string broken_{};
};

} // namespace peakscope::testing

template <>
struct Catch::StringMaker<peakscope::bytes> {
    static std::string convert(const peakscope::bytes& value) {
        return peakscope::testing::detail::shown_bytes{value}.text;
    }
};
#if !defined(CATCH_CONFIG_ENABLE_OPTIONAL_STRINGMAKER)
template <>
struct Catch::StringMaker<std::optional<peakscope::bytes>> {
    static std::string convert(const std::optional<peakscope::bytes>& value) {
        return value ? StringMaker<peakscope::bytes>::convert(*value) : "n/a";
    }
};
#endif

/// A report is shown by its title.
template <>
struct Catch::StringMaker<peakscope::memory_report> {
    static std::string convert(const peakscope::memory_report& report) {
        return std::string{"the report '"} + peakscope::testing::detail::title_of(report) + "'";
    }
};
