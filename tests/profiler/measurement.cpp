// SPDX-License-Identifier: MIT
#include "../invariants.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/tee.hpp>
#include <peakscope/sites/caller.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace measurement_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

// A heap source of a test's own, counted per instance: it has what the test gives it.
struct fake_heap {
    static constexpr const char* name = "fake";
    static constexpr const char* unit = "invented";
    struct window {
        bytes start;
    };
    struct own_memory {};

    static inline bytes live{};
    static inline std::string calls;

    void open() { calls += "open "; }
    void close() noexcept { calls += "close "; }
    void settle() noexcept { calls += "settle "; }
    void enter(window& inner, window*) noexcept {
        calls += "enter ";
        inner.start = live;
    }
    heap_figures leave(window& inner, window*) noexcept {
        calls += "leave ";
        heap_figures figures{.totals_precision = exact};
        figures.start = inner.start;
        figures.end = live;
        figures.delta = live - inner.start;
        return figures;
    }
    [[nodiscard]] std::optional<bytes> own_bytes() const { return std::nullopt; }
    [[nodiscard]] std::string remark() const { return "heap: these figures are invented"; }
};
static_assert(heap_source<fake_heap>);

// An RSS source of a test's own.
struct fake_rss {
    static constexpr const char* name = "fake rss";
    struct window {};
    void open() {}
    void close() noexcept {}
    void enter(window&, window*) noexcept {}
    rss_figures leave(window&, window*) noexcept {
        rss_figures figures;
        figures.delta = 42_B;
        return figures;
    }
    [[nodiscard]] std::string remark() const { return {}; }
};
static_assert(rss_source<fake_rss>);

// A report backend of a test's own.
struct keeps_report {
    static constexpr const char* name = "keeps";
    static inline memory_report kept;
    void operator()(const memory_report& report) const { kept = report; }
};
static_assert(report_backend<keeps_report>);

static_assert(heap_source<heap::none>);
static_assert(heap_source<heap::counting<>>);
static_assert(rss_source<rss::none>);

} // namespace
} // namespace measurement_tests

template <>
inline constexpr bool peakscope::counts_per_instance<measurement_tests::fake_heap> = true;

namespace measurement_tests {

TEST_CASE("the user's own policies work like the built-in ones, several measurements side by side") {
    using Memory = profiler<phases<"a", "b">, fake_heap, fake_rss, keeps_report>;
    fake_heap::live = 100_B;
    fake_heap::calls.clear();
    bool settled = false;
    Memory first{"first", [&] {
                     settled = true;
                     fake_heap::calls += "callback ";
                 }};
    CHECK(settled);
    CHECK(fake_heap::calls == "open callback settle enter ");
    Memory second{std::string{"second"}};
    {
        auto phase = first.phase<"a">();
        fake_heap::live = 150_B;
        auto other = second.phase<"b">();
        fake_heap::live = 170_B;
    }
    const memory_report report = first.finish({"thing", 7});
    CHECK(keeps_report::kept == report);
    CHECK(report.title == "first");
    CHECK(report.items == item_count{"thing", 7});
    CHECK(report.heap_source == "fake");
    CHECK(report.heap_unit == "invented");
    CHECK(report.rss_source == "fake rss");
    CHECK(*report.heap.start == 100_B);
    CHECK(*report.heap.delta == 70_B);
    CHECK_FALSE(report.heap.peak);
    CHECK(*report.phases[0].heap.delta == 70_B);
    CHECK(*report.rss.delta == 42_B);
    CHECK_FALSE(report.profiler_bytes);
    CHECK(report.notes == std::vector<std::string>{"heap: these figures are invented"});
    {
        auto late = first.phase<"a">(); // the measurement is finished: nothing is opened
    }
    const memory_report other = second.finish();
    CHECK(*other.phases[1].heap.delta == 20_B);
    CHECK_FALSE(other.items);
}

TEST_CASE("the profiler's own memory is none of the program's, and has its own line") {
    using Memory = profiler<phases<"a">, heap::counting<>>;
    std::optional<memory_report> report;
    const auto live_before = heap::counting<>{}.own_bytes();
    const std::string title(1'000, 't'); // long, so that copying it allocates
    {
        Memory memory{title};
        report = memory.finish();
    }
    CHECK(*report->heap.delta == 0_B);
    CHECK(*report->heap.allocations == 0);
    CHECK(*report->profiler_bytes > *live_before);
    // What finish returns is the profiler's as well: dropping it in the next measurement frees nothing of the
    // program's.
    Memory next{"next"};
    report.reset();
    CHECK(*next.finish().heap.deallocations == 0);
}

// There is no memory for who allocated.
struct poor_heap : heap::counting<> {
    [[nodiscard]] static attribution attributed() { throw std::bad_alloc{}; }
};

TEST_CASE("a report for which there is no memory has its figures, and says what is missing") {
    using Memory = profiler<phases<"phase">, poor_heap>;
    Memory memory{"short of memory"};
    void* block = nullptr;
    {
        const auto phase = Memory::phase<"phase">();
        block = ::operator new(1'000);
    }
    const memory_report report = memory.finish({"page", 10});
    ::operator delete(block);
    CHECK(*report.heap.delta == 1'000_B);
    CHECK(*report.phase("phase").heap.peak_delta == 1'000_B);
    CHECK(report.heap_source == "counting");
    CHECK(report.sites_precision == unavailable);
    CHECK_FALSE(report.measurement_births);
    REQUIRE(report.peak_at);
    CHECK(*report.peak_at <= report.duration);
    CHECK(report.notes ==
          std::vector<std::string>{"sites, labels and births are missing: there was no memory for them"});
}

// There is no memory for names.
struct nameless_heap : heap::counting<sites::caller<sites::addresses>> {
    [[nodiscard]] static named_stacks named(const attribution&) { throw std::bad_alloc{}; }
};

TEST_CASE("sites for whose names there is no memory have addresses, and labels and births are not lost with them") {
    using Memory = profiler<phases<"phase">, nameless_heap>;
    Memory memory{"short of memory"};
    {
        const auto phase = Memory::phase<"phase">();
        const auto label = Memory::label("page");
        ::operator delete(::operator new(1'000));
    }
    const memory_report report = memory.finish();
    REQUIRE(report.labels.size() == 1);
    CHECK(report.labels[0].allocated_bytes == 1'000_B);
    CHECK(report.phase("phase").births->allocated == 1'000_B);
    CHECK(report.sites_precision == exact);
    bool found = false;
    for (const phase_site_report& each : report.phase("phase").sites)
        found =
            found || (each.amounts.allocated_bytes == 1'000_B && report.sites[each.site].function.starts_with("0x"));
    CHECK(found);
    REQUIRE(!report.notes.empty());
    CHECK(report.notes[0] == "names of sites are missing: there was no memory for them");
}

TEST_CASE("names may be functions, which are called when a measurement runs and not before") {
    using Memory = profiler<phases<"phase">, heap::counting<>>;
    int calls = 0;
    const auto name = [&] {
        ++calls;
        return std::string(100, 'x');
    };
    {
        const auto label = Memory::label(name);
        CHECK(calls == 0);
    }
    Memory memory{name};
    CHECK(calls == 1);
    {
        const auto label = Memory::label(name);
        void* volatile block = ::operator new(1'000);
        ::operator delete(block);
    }
    CHECK(calls == 2);
    const memory_report report = memory.finish();
    CHECK(report.title == std::string(100, 'x'));
    REQUIRE(report.labels.size() == 1);
    CHECK(report.labels[0].name == std::string(100, 'x'));
    CHECK(report.labels[0].allocated_bytes == 1'000_B);
}

TEST_CASE("phases sum up to the measurement, and time is measured") {
    using Memory = profiler<phases<"a", "b">, heap::counting<>>;
    std::vector<std::unique_ptr<char[]>> held;
    held.reserve(10);
    Memory memory{"sum"};
    {
        auto a = Memory::phase<"a">();
        held.push_back(std::make_unique<char[]>(1'000));
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    held.push_back(std::make_unique<char[]>(300)); // outside of all phases
    {
        auto b = Memory::phase<"b">();
        held.push_back(std::make_unique<char[]>(20));
    }
    const memory_report report = memory.finish();
    tests::check_invariants(report);
    CHECK(*report.heap.delta == 1'320_B);
    CHECK(*report.phases[0].heap.delta + *report.phases[1].heap.delta + 300_B == *report.heap.delta);
    CHECK(report.phases[0].duration >= std::chrono::milliseconds{2});
    CHECK(report.duration >= report.phases[0].duration + report.phases[1].duration);
}

} // namespace measurement_tests
