// SPDX-License-Identifier: MIT
// Measurements that are only to be if they are asked for, or only if they can.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_switch.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/tee.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace when_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

std::vector<std::string> shown; // "backend: first note"
void show(const char* backend, const memory_report& report) {
    shown.push_back(std::string{backend} + ": " + (report.notes.empty() ? "" : report.notes.front()));
}
struct text {
    static constexpr const char* name = "text";
    void operator()(const memory_report& report) const { show(name, report); }
};
struct page {
    static constexpr const char* name = "page";
    void operator()(const memory_report& report) const { show(name, report); }
};

using Phases = phases<"parsing">;
using Memory = profiler<Phases, heap::counting<>, rss::none, text>;
using Other = profiler<phases<"x">, heap::counting<>>;

void allocate(bytes size) { ::operator delete(::operator new(static_cast<std::size_t>(size.count))); }

bool is_counting() {
    Other memory{"probe", if_possible};
    allocate(1_KiB);
    return memory.finish().heap.allocated.has_value();
}

// Whether the counting can be switched off here, which needs glibc's malloc.
bool can_be_off() {
    const bool can = heap::switch_counting_off();
    heap::switch_counting_on();
    return can;
}

struct quiet_again {
    quiet_again() { shown.clear(); }
    ~quiet_again() {
        heap::switch_counting_on();
        ::unsetenv("PEAKSCOPE");
    }
};

} // namespace

TEST_CASE("not asked, nothing is measured, called or shown, and the counting is off") {
    const quiet_again at_the_end;
    bool called = false;
    Memory memory{[&] {
                      called = true;
                      return "title";
                  },
                  when(false), [&] { called = true; }};
    auto label = Memory::label([&] {
        called = true;
        return "label";
    });
    {
        auto phase = Memory::phase<"parsing">();
        allocate(1_MiB);
    }
    const bool counting = is_counting();
    CHECK(counting == !can_be_off());
    const memory_report report = memory.finish();
    CHECK_FALSE(called);
    CHECK(report.title.empty());
    CHECK(report.phases.empty());
    CHECK(report.notes.empty());
    CHECK_FALSE(report.heap.allocated);
    CHECK_FALSE(memory.finish().heap.allocated); // there is nothing that could be finished twice
    CHECK(shown.empty());
}

TEST_CASE("asked, it is measured, also when the last one was not") {
    const quiet_again at_the_end;
    {
        Memory not_asked{"no", when(false)};
    }
    bool settled = false;
    Memory memory{"yes", [&] { settled = true; }, when(true), strict};
    {
        auto phase = Memory::phase<"parsing">();
        allocate(1_MiB);
    }
    {
        auto phase = Memory::phase<"parsing">();
        CHECK_THROWS_AS(static_cast<void>(Memory::phase<"parsing">()), usage_error);
    }
    const memory_report report = memory.finish();
    CHECK(settled);
    CHECK(report.phase("parsing").entries == 2);
    CHECK(report.phase("parsing").heap.peak_delta == 1_MiB);
    CHECK(shown == std::vector<std::string>{"text: "});
}

TEST_CASE("what is not asked for leaves the counting of another measurement alone") {
    const quiet_again at_the_end;
    Other running{"running"};
    Memory not_asked{"no", when(false)};
    allocate(3_MiB);
    CHECK(running.finish().heap.allocated == 3_MiB);
}

TEST_CASE("PEAKSCOPE says whether, and to which backend") {
    const quiet_again at_the_end;
    using Two = profiler<Phases, heap::counting<>, rss::none, report::tee<text, report::tee<page>>>;
    const auto with = [](const char* value) {
        shown.clear();
        ::setenv("PEAKSCOPE", value, 1);
        Two memory{"asked?", when_asked()};
        allocate(1_KiB);
        const memory_report report = memory.finish();
        CHECK(report.heap.allocated.has_value() == !shown.empty());
        return shown;
    };
    using lines = std::vector<std::string>;
    CHECK(with("") == lines{});
    CHECK(with("0") == lines{});
    CHECK(with("off") == lines{});
    CHECK(with("1") == lines{"text: ", "page: "});
    CHECK(with("text") == lines{"text: "});
    CHECK(with("page") == lines{"page: "});
    const std::string note = "PEAKSCOPE asks for 'html', which is no report backend of this program; it has text, page";
    CHECK(with("html") == lines{"text: " + note, "page: " + note});
    ::unsetenv("PEAKSCOPE");
    shown.clear();
    Two memory{"not asked", when_asked()};
    CHECK_FALSE(memory.finish().heap.allocated);
    CHECK(shown.empty());
}

TEST_CASE("a source of its own goes on serving memory when it is not measured") {
    using Local = profiler<Phases, heap::resource>;
    Local memory{"no", when(false)};
    auto phase = memory.phase<"parsing">();
    void* const block = memory.heap().allocate(1'000);
    memory.heap().deallocate(block, 1'000);
    CHECK(memory.finish().phases.empty());
}

TEST_CASE("where a measurement cannot start and need not, the report says why") {
    const quiet_again at_the_end;
    Memory running{"running"};
    {
        Memory second{"second", if_possible};
        auto phase = Memory::phase<"parsing">(); // of the first
        allocate(1_KiB);
        phase.close();
        const memory_report report = second.finish();
        CHECK(report.title == "second");
        CHECK(report.phases.empty());
        CHECK(report.notes == std::vector<std::string>{
                                  "nothing was measured: a measurement with this phase list is running: finish() it "
                                  "before the next one starts"});
        CHECK(shown == std::vector<std::string>{"text: " + report.notes.front()});
    }
    Other other{"other", if_possible};
    CHECK(other.finish().notes.front() == "nothing was measured: the counted heap serves one measurement at a time, "
                                          "and one is running: finish() it before the next one starts");
    CHECK(running.finish().phase("parsing").heap.allocated == 1_KiB);
    const auto fail = [] { throw std::runtime_error("cache is busy"); };
    const auto start = [&] { Memory memory{"settle", if_possible, fail}; };
    CHECK_THROWS_AS(start(), std::runtime_error);
}

} // namespace when_tests
