// SPDX-License-Identifier: MIT
// Programs with a planted mistake on the path that nobody tests, and programs without one.
#include "../heap/counted_heap.hpp"

#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/symboliser.hpp>
#include <peakscope/testing/faults.hpp>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <memory_resource>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace faults_tests {

using namespace peakscope;
using testing::fail_each_allocation;
using testing::fault_kind;
using testing::fault_report;

namespace {

using Heap = tests::counted_heap<sites::caller<sites::addresses>>;

// Kept in sight, so that no compiler leaves an allocation out, and that a leak sanitizer does not tell of the leaks
// that are planted here.
void* taken(std::size_t size_bytes) {
    static std::array<void* volatile, 10'000> all{};
    static std::size_t count = 0;
    void* volatile& block = all[count++ % all.size()];
    block = ::operator new(size_bytes);
    return block;
}

void leaks_when_the_second_fails() {
    void* const first = taken(100);
    void* const second = taken(200);
    ::operator delete(second);
    ::operator delete(first);
}

void checks_nothing() {
    ::operator delete(taken(10));
    auto* volatile block = static_cast<char*>(::operator new(50, std::nothrow));
    const_cast<volatile char*>(block)[0] = 1;
    ::operator delete(block);
}

} // namespace

TEST_CASE("a leak on the path of failure is found, with the number of the allocation and the bytes") {
    const fault_report report = fail_each_allocation<Heap>(leaks_when_the_second_fails);
    CHECK(report.attempts == 2);
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].kind == fault_kind::leaked);
    CHECK(report.findings[0].number == 2);
    CHECK(report.findings[0].detail.starts_with("100 B, allocated at "));
    CHECK_FALSE(report.findings[0].place.empty());
    CHECK_FALSE(report.ok());
    CHECK(report.text().starts_with(
        "2 attempts with a failing allocation, 1 findings\n  leaked when allocation 2 failed"));
}

TEST_CASE("a missing check is a crash, which a child process survives for us") {
    const fault_report report = fail_each_allocation<Heap>(checks_nothing, {.isolated = true});
    CHECK(report.attempts == 2);
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].kind == fault_kind::crashed);
    CHECK(report.findings[0].number == 2);
    CHECK_FALSE(report.findings[0].place.empty());
    CHECK(report.findings[0].detail == "it was killed by signal 11 (Segmentation fault)");
    // A leak is found there too.
    const fault_report leak = fail_each_allocation<Heap>(leaks_when_the_second_fails, {.isolated = true});
    REQUIRE(leak.findings.size() == 1);
    CHECK(leak.findings[0].number == 2);
    CHECK(leak.findings[0].detail.starts_with("100 B"));
}

TEST_CASE("work that does not end is killed, and told") {
    const auto waits = [] {
        if (void* const block = ::operator new(10, std::nothrow); block != nullptr)
            ::operator delete(block);
        else
            std::this_thread::sleep_for(std::chrono::hours{1});
    };
    const fault_report report =
        fail_each_allocation<Heap>(waits, {.isolated = true, .child = {.time = std::chrono::milliseconds{200}}});
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings[0].kind == fault_kind::hung);
}

TEST_CASE("vector, map and string keep the strong guarantee at each of their allocations") {
    std::vector<std::string> names;
    std::map<std::string, std::vector<int>> table;
    const std::string long_name(100, 'x');
    const auto work = [&] {
        auto more_names = names;
        auto more_table = table;
        for (int i = 0; i < 5; ++i) {
            more_names.push_back(long_name + std::to_string(i));
            more_table[more_names.back()].assign(10, i);
        }
        more_names.insert(more_names.begin(), long_name);
        std::string joined;
        for (const std::string& each : more_names)
            joined += each;
        names.swap(more_names);
        table.swap(more_table);
        names.clear();
        table.clear();
        names.shrink_to_fit();
    };
    const fault_report report =
        fail_each_allocation<Heap>(work, {.promise = [&] { return names.empty() && table.empty(); }});
    CHECK(report.attempts > 20);
    CHECK_MESSAGE(report.ok(), report.text());
}

TEST_CASE("a promise that is broken is told: the vector has lost what it held") {
    std::vector<int> numbers{1, 2, 3};
    const auto replaces = [&] {
        numbers.clear(); // too early
        numbers = std::vector<int>(10, 7);
        numbers = {1, 2, 3};
    };
    const fault_report report =
        fail_each_allocation<Heap>(replaces, {.promise = [&] { return numbers.size() == 3 || numbers.size() == 10; }});
    REQUIRE_FALSE(report.findings.empty());
    CHECK(report.findings[0].kind == fault_kind::broke_promise);
}

TEST_CASE("by size and by label") {
    CHECK(fail_each_allocation<Heap>(leaks_when_the_second_fails, {.least_bytes = 150}).attempts == 1);
    CHECK(fail_each_allocation<Heap>(leaks_when_the_second_fails, {.most_bytes = 150}).ok());
    CHECK(fail_each_allocation<Heap>(leaks_when_the_second_fails, {.most_bytes = 10}).attempts == 0);
    const auto labelled = [] {
        ::operator delete(taken(10));
        const std::uint16_t before = Heap::enter_label("gallery");
        try {
            ::operator delete(taken(20));
        } catch (...) {
            Heap::leave_label(before);
            throw;
        }
        Heap::leave_label(before);
        ::operator delete(taken(30));
    };
    CHECK(fail_each_allocation<Heap>(labelled).attempts == 3);
    CHECK(fail_each_allocation<Heap>(labelled, {.label = "gallery"}).attempts == 1);
    CHECK(fail_each_allocation<Heap>(labelled, {.label = "nobody"}).attempts == 0);
}

TEST_CASE("by site: the text that a report shows for it") {
    // With addresses for names, every site is in this program, test_ and more.
    CHECK(fail_each_allocation<Heap>(leaks_when_the_second_fails, {.site = "test_"}).attempts == 2);
    CHECK_THROWS_AS(
        static_cast<void>(fail_each_allocation<Heap>(leaks_when_the_second_fails, {.site = "nowhere.cpp:1"})),
        usage_error);
}

TEST_CASE("what is allocated from a resource fails, and nothing else") {
    const auto fills = [](heap::resource& from) {
        std::pmr::vector<std::pmr::string> names{&from};
        for (int i = 0; i < 5; ++i)
            names.emplace_back("a name that is too long for a short string");
        ::operator delete(taken(1)); // from elsewhere
    };
    const fault_report report = fail_each_allocation<heap::resource>(fills);
    CHECK(report.attempts == 5 + 4); // five strings, and room for 1, 2, 4 and 8
    CHECK_MESSAGE(report.ok(), report.text());
    const auto leaks = [](heap::resource& from) {
        void* const first = from.allocate(100);
        void* const second = from.allocate(200);
        from.deallocate(second, 200);
        from.deallocate(first, 100);
    };
    const fault_report leak = fail_each_allocation<heap::resource>(leaks, {.isolated = true});
    REQUIRE(leak.findings.size() == 1);
    CHECK(leak.findings[0].number == 2);
    CHECK(leak.findings[0].detail == "100 B");
}

TEST_CASE("at random, with a seed that gives the same again") {
    const auto once = [](std::uint64_t seed) {
        return testing::fail_at_random<Heap>(200, 0.3, seed, leaks_when_the_second_fails);
    };
    const fault_report report = once(7);
    CHECK(report.seed == 7U);
    // An allocation fails in 51 % of the runs; in 30 % of the 70 % whose first does not, memory is left behind.
    CHECK(report.attempts > 70);
    CHECK(report.attempts < 140);
    CHECK(report.findings.size() > 15);
    CHECK(report.findings.size() < 80);
    CHECK(report.text().find("at random with seed 7") != std::string::npos);
    const fault_report again = once(7);
    REQUIRE(again.findings.size() == report.findings.size());
    for (std::size_t i = 0; i < report.findings.size(); ++i)
        CHECK(again.findings[i].number == report.findings[i].number);
}

TEST_CASE(
    "what is set up once is no leak, what the work throws by itself comes through, and all is as before after it") {
    const auto sets_up = [] {
        static const std::unique_ptr<char[]> pool{new char[1'000]};
        ::operator delete(taken(static_cast<std::size_t>(pool[0]) % 2 + 1));
    };
    CHECK(fail_each_allocation<Heap>(sets_up).ok());
    CHECK_THROWS_WITH(static_cast<void>(fail_each_allocation<Heap>([] { throw std::runtime_error("by itself"); })),
                      "by itself");
    CHECK(fail_each_allocation<Heap>([] { ::operator delete(taken(1)); }, {.most_attempts = 1}).gave_up);
    void* const block = taken(10);
    CHECK(heap::detail::has_header(block));
    ::operator delete(block);
    CHECK(engine::state.slow_from_bytes.load() == heap::detail::largest_block_bytes + 1);
}

#ifdef OVER_MALLOC
TEST_CASE("malloc, calloc, realloc and strdup fail with ENOMEM") {
    const auto careful = [] {
        auto* volatile first = static_cast<char*>(std::malloc(10));
        if (first == nullptr) return;
        auto* volatile zeros = static_cast<char*>(std::calloc(2, 10));
        if (zeros != nullptr) {
            auto* volatile more = static_cast<char*>(std::realloc(zeros, 100));
            std::free(more != nullptr ? more : zeros);
        }
        std::free(first);
        std::free(::strdup("a string that is long enough"));
    };
    const fault_report report = fail_each_allocation<Heap>(careful);
    CHECK(report.attempts == 4);
    CHECK_MESSAGE(report.ok(), report.text());
    const auto careless = [] {
        auto* block = static_cast<char*>(std::malloc(10));
        if (block == nullptr) return;
        block = static_cast<char*>(std::realloc(block, 100)); // the mistake that everybody makes
        std::free(block);
    };
    const fault_report leak = fail_each_allocation<Heap>(careless);
    REQUIRE(leak.findings.size() == 1);
    CHECK(leak.findings[0].number == 2);
    CHECK(leak.findings[0].detail.starts_with("10 B"));
}
#endif

} // namespace faults_tests
