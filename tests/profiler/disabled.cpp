// SPDX-License-Identifier: MIT
// Every policy none. That the machine code is the same is for the disassembler to say; here is what the language can
// say.
#include <peakscope/core/report.hpp>
#include <peakscope/profiler/profiler.hpp>

#include <doctest/doctest.h>

#include <string>
#include <type_traits>

namespace disabled_tests {

using Phases = peakscope::phases<"parsing", peakscope::phase<"rendering", "markdown">>;
using Memory = peakscope::profiler<Phases>;

static_assert(std::is_empty_v<Memory>);
static_assert(std::is_trivially_destructible_v<Memory>);
static_assert(std::is_empty_v<decltype(Memory::phase<"parsing">())>);
static_assert(std::is_trivial_v<decltype(Memory::phase<"parsing">())>);
static_assert(
    std::is_same_v<Memory,
                   peakscope::profiler<Phases, peakscope::heap::none, peakscope::rss::none, peakscope::report::none>>);

// A header names its sources, and how sites get their names, by the fwd.hpp headers alone.
using Named =
    peakscope::profiler<Phases, peakscope::heap::counting<peakscope::sites::frames<8, peakscope::sites::addr2line<>>,
                                                          peakscope::sites::caller<peakscope::sites::addresses>>>;
static_assert(std::is_same_v<Named::phase_list, Phases>);

// Usable where nothing may be read or written: in a constant expression.
constexpr int work() {
    auto phase = Memory::phase<"rendering">();
    auto child = Memory::phase<"markdown">();
    child.close();
    auto worker = Memory::work<"markdown">();
    worker.close();
    return 7;
}
static_assert(work() == 7);
static_assert(std::is_base_of_v<peakscope::no_scopes<Phases>, Memory>);

TEST_CASE("a switched-off profiler settles nothing, opens nothing and reports nothing") {
    bool settled = false;
    Memory memory{"disabled", [&] { settled = true; }, peakscope::strict, peakscope::when_asked()};
    Memory second{"at the same time"}; // there is nothing to collide on
    bool named = false;
    const auto name = [&] {
        named = true;
        return std::string{"a name"};
    };
    Memory third{name};
    const auto label = Memory::label(name);
    CHECK_FALSE(named);
    auto misplaced = Memory::phase<"markdown">();
    const auto report = memory.finish({"page", 100});
    CHECK_FALSE(settled);
    CHECK(report == peakscope::memory_report{});
    CHECK_FALSE(report.heap.delta);
}

} // namespace disabled_tests
