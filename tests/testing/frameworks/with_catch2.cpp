// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_RUNNER
#include <peakscope/testing/catch2.hpp>

#include "work.hpp"

#include <optional>
#include <string>
#include <thread>

using peakscope::testing::catch2_listener;
CATCH_REGISTER_LISTENER(catch2_listener)

TEST_CASE("modest") {
    work::takes(1'000);
    for (int i = 0; i < 100; ++i)
        CHECK(i >= 0);
}
TEST_CASE("sections") {
    SECTION("one") { CHECK(1 == 1); }
    SECTION("two") { REQUIRE(2 == 2); }
}
TEST_CASE("greedy") { work::takes(2 << 20); }
TEST_CASE("greedy, and allowed to be") {
    peakscope::testing::limit_this_test({.heap_peak = peakscope::bytes{4 << 20}});
    work::takes(2 << 20);
}
TEST_CASE("leaks") { CHECK(work::taken(10) != nullptr); }
TEST_CASE("fails by itself") { CHECK(1 == 2); }
TEST_CASE("measures for itself") {
    work::takes(3'000);
    const auto report = work::measured(5'000);
    CHECK_THAT(report, peakscope::testing::keeps_budget({.whole = {.heap_peak = peakscope::bytes{5'000}}}));
    CHECK_THAT(report, peakscope::testing::keeps_budget({.whole = {.heap_peak = peakscope::bytes{4'999}}}));
}
TEST_CASE("another thread") {
    std::thread{[] { work::takes(3 << 20); }}.join();
}

class fixture : public peakscope::testing::memory_test {};
TEST_CASE_METHOD(fixture, "exactly", "[.fixture]") {
    work::takes(1'000);
    for (int i = 0; i < 100; ++i)
        CHECK(i >= 0);
}
TEST_CASE_METHOD(fixture, "exactly greedy", "[.fixture]") { work::takes(2 << 20); }

TEST_CASE("named sections", "[.healthy]") {
    SECTION("a section whose name is too long to be stored in a string itself") { CHECK(1 == 1); }
    SECTION("another one whose name is too long to be stored in a string itself") {
        SECTION("within") { REQUIRE(2 == 2); }
    }
    for (int i = 0; i < 3; ++i)
        DYNAMIC_SECTION("one whose name is put together: " << i) { CHECK(i >= 0); }
}
TEST_CASE("generators", "[.healthy]") {
    const int one = GENERATE(1, 2, 3);
    const int another = GENERATE(range(4, 6));
    CHECK(one < another);
}
TEST_CASE("messages", "[.healthy]") {
    INFO("a text that is too long to be stored in a string itself: " << 1);
    CAPTURE(std::string(100, 'a'));
    UNSCOPED_INFO("a text that is too long to be stored in a string itself: " << 2);
    CHECK(1 == 1);
    WARN("a text that is too long to be stored in a string itself: " << 3);
    SUCCEED("a text that is too long to be stored in a string itself: " << 4);
}
TEST_CASE("failures that are allowed", "[.healthy][!mayfail]") {
    CHECK_NOFAIL(1 == 2);
    CHECK(std::string(100, 'a') == "a");
}
TEST_CASE("leaks in a section", "[.leak]") {
    CHECK(GENERATE(1, 2) > 0);
    SECTION("one") {
        SECTION("within") { CHECK(work::taken(10) != nullptr); }
    }
}

TEST_CASE("unequal", "[.unequal]") {
    CHECK(peakscope::bytes{2 << 20} == peakscope::bytes{1'000});
    CHECK(std::optional{peakscope::bytes{1}} == std::optional{peakscope::bytes{2}});
}

int main(int argc, char** argv) {
    work::set_defaults();
    return Catch::Session().run(argc, argv);
}
