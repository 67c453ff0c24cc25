// SPDX-License-Identifier: MIT
// Catch2, version 2: limits on the memory of every test case, and a matcher for reports. Needs Catch2.
//
//     #define CATCH_CONFIG_RUNNER
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
// A test case with sections runs once for each of its last ones, and each run is looked at by itself.
#pragma once

#include <peakscope/testing/test_memory.hpp>

#if !defined(CATCH_CONFIG_RUNNER) && !defined(CATCH_CONFIG_MAIN) && !defined(CATCH_CONFIG_EXTERNAL_INTERFACES)
#define CATCH_CONFIG_EXTERNAL_INTERFACES // listeners
#endif
#include <catch2/catch.hpp>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

class catch2_listener final : public Catch::TestEventListenerBase {
  public:
    using TestEventListenerBase::TestEventListenerBase;

    void assertionStarting(const Catch::AssertionInfo&) override {}
    bool assertionEnded(const Catch::AssertionStats&) override { return false; }

    void sectionStarting(const Catch::SectionInfo& section) override {
        {
            const detail::framework_scope framework;
            TestEventListenerBase::sectionStarting(section);
        }
        if (depth_++ == 0) memory_.begin();
    }
    void sectionEnded(const Catch::SectionStats& stats) override {
        if (--depth_ == 0) {
            const detail::test_memory::outcome outcome = memory_.end();
            const detail::framework_scope framework;
            if (detail::test_memory::prints())
                std::cout << "memory of '" << stats.sectionInfo.name << "': " << outcome.line << '\n';
            if (stats.assertions.failed == 0)
                for (const std::string& each : outcome.broken)
                    FAIL_CHECK(each);
        }
        const detail::framework_scope framework;
        TestEventListenerBase::sectionEnded(stats);
    }

  private:
    detail::test_memory memory_;
    int depth_ = 0;
};

/// A fixture for TEST_CASE_METHOD, which is looked at exactly, without a listener: reporters keep a block or more when
/// a section begins, and a listener cannot tell.
class memory_test {
  public:
    memory_test(const memory_test&) = delete;
    memory_test& operator=(const memory_test&) = delete;

  protected:
    memory_test() { memory_.begin(); }
    ~memory_test() {
        const detail::test_memory::outcome outcome = memory_.end();
        const detail::framework_scope framework;
        if (detail::test_memory::prints())
            std::cout << "memory of '" << Catch::getResultCapture().getCurrentTestName() << "': " << outcome.line
                      << '\n';
        for (const std::string& each : outcome.broken)
            FAIL_CHECK(each);
    }

  private:
    detail::test_memory memory_;
};

/// Matches a memory_report that keeps the budget; the description has the limits that it breaks.
class keeps_budget final : public Catch::MatcherBase<memory_report> {
  public:
    explicit keeps_budget(budget limits) : limits_(std::move(limits)) {}

    [[nodiscard]] bool match(const memory_report& report) const override {
        const detail::framework_scope framework;
        broken_ = detail::broken_limits(report, limits_);
        return broken_.empty();
    }

  protected:
    [[nodiscard]] std::string describe() const override {
        std::string text = "keeps its budget";
        for (const std::string& each : broken_)
            text += "\n" + each;
        return text;
    }

  private:
    budget limits_;
    mutable std::vector<std::string> broken_;
};

} // namespace peakscope::testing

/// A report is shown by its title.
template <>
struct Catch::StringMaker<peakscope::memory_report> {
    static std::string convert(const peakscope::memory_report& report) {
        return "the report '" + peakscope::testing::detail::title_of(report) + "'";
    }
};
