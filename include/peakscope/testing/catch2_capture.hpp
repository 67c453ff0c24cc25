// SPDX-License-Identifier: MIT
// Catch2: what Catch2 and its reporters allocate for an assertion, a section, a generator or a message is not the
// test's. While a test runs, all that its macros call passes through this; for catch2.hpp.
#pragma once

#include <peakscope/testing/test_memory.hpp>

#if __has_include(<catch2/catch.hpp>)
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace peakscope::testing::detail {

// A StringRef or a string: one that Catch2 keeps, or not.
template <class Text>
Text catch2_text_of(void (Catch::IResultCapture::*)(const Catch::AssertionInfo&, Catch::ResultWas::OfType, Text,
                                                    Catch::AssertionReaction&));
using catch2_text = decltype(catch2_text_of(&Catch::IResultCapture::handleMessage));

// In version 3, what is given away comes as an rvalue. Catch2 gets a copy of what it may keep, which the test has not
// allocated.
#if CATCH_VERSION_MAJOR == 2
template <class Given>
using catch2_given = const Given&;
using catch2_name = const std::string&;

// As it is, but that the generator, which the test makes if there is none, is not the test's.
class catch2_generator_tracker final : public Catch::IGeneratorTracker {
  public:
    void track(Catch::IGeneratorTracker& real) {
        real_ = &real;
        if (!real.hasGenerator()) making_.emplace();
    }
    bool hasGenerator() const override { return real_->hasGenerator(); }
    const Catch::Generators::GeneratorBasePtr& getGenerator() const override { return real_->getGenerator(); }
    void setGenerator(Catch::Generators::GeneratorBasePtr&& generator) override {
        real_->setGenerator(std::move(generator));
        making_.reset();
    }

  private:
    Catch::IGeneratorTracker* real_ = nullptr;
    std::optional<framework_scope> making_{};
};
#else
template <class Given>
using catch2_given = Given&&;
using catch2_name = Catch::StringRef;
#endif

class catch2_capture final : public Catch::IResultCapture {
  public:
    catch2_capture() : real_(Catch::getResultCapture()) { Catch::getCurrentMutableContext().setResultCapture(this); }
    ~catch2_capture() override { Catch::getCurrentMutableContext().setResultCapture(&real_); }
    catch2_capture(const catch2_capture&) = delete;
    catch2_capture& operator=(const catch2_capture&) = delete;

#if CATCH_VERSION_MAJOR == 2
    bool sectionStarted(const Catch::SectionInfo& info, Catch::Counts& assertions) override {
        const framework_scope framework;
        return real_.sectionStarted(info, assertions);
    }
    Catch::IGeneratorTracker& acquireGeneratorTracker(Catch::StringRef name,
                                                      const Catch::SourceLineInfo& place) override {
        const framework_scope framework;
        tracker_.track(real_.acquireGeneratorTracker(name, place));
        return tracker_;
    }
#else
    bool sectionStarted(Catch::StringRef name, const Catch::SourceLineInfo& place, Catch::Counts& assertions) override {
        const framework_scope framework;
        return real_.sectionStarted(name, place, assertions);
    }
    Catch::IGeneratorTracker* acquireGeneratorTracker(Catch::StringRef name,
                                                      const Catch::SourceLineInfo& place) override {
        const framework_scope framework;
        Catch::IGeneratorTracker* const tracker = real_.acquireGeneratorTracker(name, place);
        if (tracker == nullptr) making_generator_.emplace(); // the test makes it, and Catch2 keeps it
        return tracker;
    }
    Catch::IGeneratorTracker* createGeneratorTracker(Catch::StringRef name, Catch::SourceLineInfo place,
                                                     Catch::Generators::GeneratorBasePtr&& generator) override {
        const framework_scope framework;
        making_generator_.reset();
        return real_.createGeneratorTracker(name, place, std::move(generator));
    }
    void notifyAssertionStarted(const Catch::AssertionInfo& info) override {
        const framework_scope framework;
        real_.notifyAssertionStarted(info);
    }
#endif
    void sectionEnded(catch2_given<Catch::SectionEndInfo> info) override {
        const framework_scope framework;
        real_.sectionEnded(Catch::SectionEndInfo{info});
    }
    void sectionEndedEarly(catch2_given<Catch::SectionEndInfo> info) override {
        const framework_scope framework;
        real_.sectionEndedEarly(Catch::SectionEndInfo{info});
    }
#if CATCH_VERSION_MAJOR > 2 || defined(CATCH_CONFIG_ENABLE_BENCHMARKING)
    void benchmarkPreparing(catch2_name name) override {
        const framework_scope framework;
        real_.benchmarkPreparing(name);
    }
    void benchmarkStarting(const Catch::BenchmarkInfo& info) override {
        const framework_scope framework;
        real_.benchmarkStarting(info);
    }
    void benchmarkEnded(const Catch::BenchmarkStats<>& stats) override {
        const framework_scope framework;
        real_.benchmarkEnded(stats);
    }
    void benchmarkFailed(catch2_name reason) override {
        const framework_scope framework;
        real_.benchmarkFailed(reason);
    }
#endif
    void pushScopedMessage(const Catch::MessageInfo& message) override {
        const framework_scope framework;
        real_.pushScopedMessage(message);
    }
    void popScopedMessage(const Catch::MessageInfo& message) override {
        const framework_scope framework;
        real_.popScopedMessage(message);
    }
    void emplaceUnscopedMessage(catch2_given<Catch::MessageBuilder> builder) override {
        const framework_scope framework;
        real_.emplaceUnscopedMessage(std::forward<catch2_given<Catch::MessageBuilder>>(builder));
    }
    void handleFatalErrorCondition(Catch::StringRef message) override { real_.handleFatalErrorCondition(message); }
    void handleExpr(const Catch::AssertionInfo& info, const Catch::ITransientExpression& expression,
                    Catch::AssertionReaction& reaction) override {
        const framework_scope framework;
        real_.handleExpr(info, expression, reaction);
    }
    void handleMessage(const Catch::AssertionInfo& info, Catch::ResultWas::OfType type, catch2_text message,
                       Catch::AssertionReaction& reaction) override {
        const framework_scope framework;
        real_.handleMessage(info, type, std::remove_cvref_t<catch2_text>{message}, reaction);
    }
    void handleUnexpectedExceptionNotThrown(const Catch::AssertionInfo& info,
                                            Catch::AssertionReaction& reaction) override {
        const framework_scope framework;
        real_.handleUnexpectedExceptionNotThrown(info, reaction);
    }
    void handleUnexpectedInflightException(const Catch::AssertionInfo& info, catch2_given<std::string> message,
                                           Catch::AssertionReaction& reaction) override {
        const framework_scope framework;
        real_.handleUnexpectedInflightException(info, std::string{message}, reaction);
    }
    void handleIncomplete(const Catch::AssertionInfo& info) override {
        const framework_scope framework;
        real_.handleIncomplete(info);
    }
    void handleNonExpr(const Catch::AssertionInfo& info, Catch::ResultWas::OfType type,
                       Catch::AssertionReaction& reaction) override {
        const framework_scope framework;
        real_.handleNonExpr(info, type, reaction);
    }
    bool lastAssertionPassed() override { return real_.lastAssertionPassed(); }
#if CATCH_VERSION_MAJOR == 2 || CATCH_VERSION_MINOR < 9
    void assertionPassed() override {
        const framework_scope framework;
        real_.assertionPassed();
    }
#endif
    std::string getCurrentTestName() const override { return real_.getCurrentTestName(); }
    const Catch::AssertionResult* getLastResult() const override { return real_.getLastResult(); }
    void exceptionEarlyReported() override { real_.exceptionEarlyReported(); }

  private:
    Catch::IResultCapture& real_;
#if CATCH_VERSION_MAJOR == 2
    catch2_generator_tracker tracker_{};
#else
    std::optional<framework_scope> making_generator_{};
#endif
};

} // namespace peakscope::testing::detail
