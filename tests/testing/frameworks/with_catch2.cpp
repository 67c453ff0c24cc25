// SPDX-License-Identifier: MIT
#define CATCH_CONFIG_RUNNER
#include <peakscope/testing/catch2.hpp>

#include "work.hpp"

#include <thread>

using peakscope::testing::catch2_listener;
CATCH_REGISTER_LISTENER(catch2_listener)

TEST_CASE("modest") {
    work::takes(1'000);
    for (int i = 0; i < 100; ++i)
        CHECK(i >= 0);
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

int main(int argc, char** argv) {
    work::set_defaults();
    return Catch::Session().run(argc, argv);
}
