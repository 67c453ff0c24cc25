// SPDX-License-Identifier: MIT
#include "work.hpp"

#include <peakscope/testing/gtest.hpp>

#include <optional>
#include <thread>

TEST(memory, modest) {
    work::takes(1'000);
    for (int i = 0; i < 100; ++i)
        EXPECT_GE(i, 0);
}
TEST(memory, greedy) { work::takes(2 << 20); }
TEST(memory, greedy_and_allowed_to_be) {
    peakscope::testing::limit_this_test({.heap_peak = peakscope::bytes{4 << 20}});
    work::takes(2 << 20);
}
TEST(memory, leaks) { EXPECT_NE(work::taken(10), nullptr); }
TEST(memory, fails_by_itself) { EXPECT_EQ(1, 2); }
TEST(memory, measures_for_itself) {
    work::takes(3'000);
    const auto report = work::measured(5'000);
    EXPECT_THAT(report, peakscope::testing::KeepsBudget({.whole = {.heap_peak = peakscope::bytes{5'000}}}));
    EXPECT_THAT(report, peakscope::testing::KeepsBudget({.whole = {.heap_peak = peakscope::bytes{4'999}}}));
}
TEST(memory, another_thread) {
    std::thread{[] { work::takes(3 << 20); }}.join();
}

class fixture : public peakscope::testing::memory_test {};
TEST_F(fixture, exactly) {
    work::takes(1'000);
    for (int i = 0; i < 100; ++i)
        EXPECT_GE(i, 0);
}

TEST(memory, DISABLED_unequal) {
    EXPECT_EQ(peakscope::bytes{2 << 20}, peakscope::bytes{1'000});
    EXPECT_EQ(std::optional{peakscope::bytes{1}}, std::optional{peakscope::bytes{2}});
}

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    work::set_defaults();
    if (argc < 2) testing::UnitTest::GetInstance()->listeners().Append(new peakscope::testing::gtest_listener);
    return RUN_ALL_TESTS();
}
