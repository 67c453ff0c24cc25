// SPDX-License-Identifier: MIT
#define DOCTEST_CONFIG_IMPLEMENT
#include <peakscope/testing/doctest.hpp>

#include "work.hpp"

#include <optional>
#include <thread>

REGISTER_LISTENER("memory", 1, peakscope::testing::doctest_listener);

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
    CHECK(report.heap.peak_delta == peakscope::bytes{5'000});
    PEAKSCOPE_CHECK_BUDGET(report, {.whole = {.heap_peak = peakscope::bytes{5'000}}});
    PEAKSCOPE_CHECK_BUDGET(report, {.whole = {.heap_peak = peakscope::bytes{4'999}}});
}
TEST_CASE("another thread") {
    std::thread{[] { work::takes(3 << 20); }}.join();
}

TEST_CASE("unequal" * doctest::skip()) { // fails, for check_frameworks.py to read: that asks for it by name
    CHECK(peakscope::bytes{2 << 20} == peakscope::bytes{1'000});
    CHECK(std::optional{peakscope::bytes{1}} == std::optional{peakscope::bytes{2}});
}

int main(int argc, char** argv) {
    work::set_defaults();
    return doctest::Context{argc, argv}.run();
}
