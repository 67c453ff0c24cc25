// SPDX-License-Identifier: MIT
// Every wrong use that the documentation names, and what comes of it where the measurement is strict.
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace misuse_tests {

using namespace peakscope;

namespace {

using Build = phases<"parsing", phase<"rendering", "markdown">>;
using Memory = profiler<Build, heap::counting<>>;

template <class Error, class Act>
std::string message_of(Act act) {
    try {
        act();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

} // namespace

TEST_CASE("two measurements on one global source") {
    Memory memory{"first"};
    const std::string same_type = message_of<usage_error>([] { Memory second{"second"}; });
    CHECK(same_type == "a measurement with this phase list is running: finish() it before the next one starts");
    using Other = profiler<phases<"x">, heap::counting<heap::batch<bytes{0}>>>;
    const std::string other_type = message_of<usage_error>([] { Other second{"second"}; });
    CHECK(other_type == "the counted heap serves one measurement at a time, and one is running: finish() it before the "
                        "next one starts");
    {
        auto phase = Memory::phase<"parsing">();
    } // the first is unharmed
    CHECK(memory.finish().phases.front().entries == 1);
    Other afterwards{"now it is free"};
    static_cast<void>(afterwards.finish());
}

TEST_CASE("when one source is free and the other is not, the free one is given back") {
    using Rss = profiler<Build, heap::none, rss::procfs>;
    using Both = profiler<phases<"x">, heap::counting<>, rss::procfs>;
    {
        Rss running{"rss only"};
        CHECK(
            message_of<usage_error>([] { Both second{"both"}; }) ==
            "rss::procfs serves one measurement at a time, and one is running: finish() it before the next one starts");
        static_cast<void>(running.finish());
    }
    Both now{"both"};
    static_cast<void>(now.finish());
}

TEST_CASE("finish twice") {
    Memory memory{"twice"};
    static_cast<void>(memory.finish());
    CHECK(message_of<usage_error>([&] { static_cast<void>(memory.finish()); }) ==
          "finish() was called on a measurement that is finished: it reports once, keep what it returns");
}

TEST_CASE("a phase that is open when its measurement finishes: an error, after which all goes on") {
    Memory memory{"open", strict};
    {
        auto rendering = Memory::phase<"rendering">();
        auto markdown = Memory::phase<"markdown">();
        CHECK(message_of<usage_error>([&] { static_cast<void>(memory.finish()); }) ==
              "finish() was called while phase 'rendering/markdown' is open: end its scope first, the measurement goes "
              "on until then");
    }
    const memory_report report = memory.finish();
    CHECK(report.phase("rendering/markdown").entries == 1);
    CHECK(report.notes.empty());
}

TEST_CASE("a scope that outlives an abandoned measurement does nothing, also to the next one") {
    struct holder {
        phase_scope scope = Memory::phase<"parsing">();
    };
    std::optional<holder> late;
    {
        Memory abandoned{"abandoned"};
        late.emplace();
    }
    Memory next{"next"};
    {
        auto phase = Memory::phase<"rendering">();
    }
    late.reset();
    auto phase = Memory::phase<"parsing">();
    phase.close();
    phase.close(); // a second time is nothing
    const memory_report report = next.finish();
    CHECK(report.phase("parsing").entries == 1);
    CHECK(report.notes.empty());
}

TEST_CASE("a child outside its parent, and a phase inside itself") {
    Memory memory{"misplaced", strict};
    CHECK(message_of<usage_error>([] { auto phase = Memory::phase<"markdown">(); }) ==
          "phase 'rendering/markdown' lies in phase 'rendering' and cannot be opened in the measurement: open it "
          "directly inside phase 'rendering', or change the phase list so that it fits the program");
    auto rendering = Memory::phase<"rendering">();
    CHECK(message_of<usage_error>([] { auto phase = Memory::phase<"rendering">(); }) ==
          "phase 'rendering' lies in the measurement and cannot be opened in phase 'rendering': open it "
          "directly inside the measurement, or change the phase list so that it fits the program");
    rendering.close();
    const memory_report report = memory.finish();
    CHECK(report.phase("rendering/markdown").entries == 0);
    CHECK(report.phase("rendering").entries == 1);
}

TEST_CASE("a phase on another thread than the measurement's") {
    Memory memory{"threads", strict};
    std::string message;
    std::thread{[&] { message = message_of<usage_error>([] { auto phase = Memory::phase<"parsing">(); }); }}.join();
    CHECK(message ==
          "phase 'parsing' cannot be opened on this thread: phases are windows on the whole process, and are "
          "opened on the thread that started the measurement");
    std::string finishing;
    std::thread{[&] { finishing = message_of<usage_error>([&] { static_cast<void>(memory.finish()); }); }}.join();
    CHECK(finishing == "finish() must be called on the thread that started the measurement");
    static_cast<void>(memory.finish());
}

TEST_CASE("a phase without a measurement is nothing") {
    auto phase = Memory::phase<"markdown">();
    phase.close();
    Memory memory{"later"};
    CHECK(memory.finish().phases.front().entries == 0);
}

TEST_CASE("scopes that close in the wrong order close what is inside, and the report says so") {
    Memory memory{"order"};
    struct outer_holder {
        phase_scope scope = Memory::phase<"rendering">();
    };
    struct inner_holder {
        phase_scope scope = Memory::phase<"markdown">();
    };
    std::optional<outer_holder> outer{std::in_place};
    std::optional<inner_holder> inner{std::in_place};
    outer.reset();
    inner.reset();
    const memory_report report = memory.finish();
    CHECK(report.phase("rendering").entries == 1);
    CHECK(report.phase("rendering/markdown").entries == 1);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes.front() == "phases: a phase was closed while one inside it was open; both were closed then");
}

TEST_CASE("settling that throws leaves no measurement behind") {
    CHECK(message_of<std::runtime_error>(
              [] { Memory memory{"settle", [] { throw std::runtime_error("cache is busy"); }}; }) == "cache is busy");
    Memory memory{"after"};
    static_cast<void>(memory.finish());
}

} // namespace misuse_tests
