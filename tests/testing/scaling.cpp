// SPDX-License-Identifier: MIT
// Laws that are known: told right under noise, with intervals that hold, and predictions that come true.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/testing/scaling.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

using namespace peakscope;
using namespace peakscope::literals;
using testing::scaling_law;
using testing::scaling_report;

namespace {

const std::vector<std::uint64_t> counts{50, 100, 200, 400, 800, 1'600};

// Each number of items three times, with 5 % of normal noise.
scaling_report noisy(const std::function<double(double)>& law, unsigned seed) {
    std::mt19937 random{seed};
    std::normal_distribution<double> noise{1, 0.05};
    std::vector<testing::scaling_point> points;
    for (int repetition = 0; repetition < 3; ++repetition)
        for (const std::uint64_t count : counts)
            points.push_back({count, 50'000 * law(static_cast<double>(count)) * noise(random)});
    return {points, "page"};
}

int told(scaling_law wanted, const std::function<double(double)>& law) {
    int right = 0;
    for (unsigned seed = 1; seed <= 100; ++seed)
        right += noisy(law, seed).law() == wanted;
    return right;
}

using Memory = profiler<phases<>, heap::counting<>>;

const volatile void* volatile sink; // what is stored here is not optimised away

} // namespace

TEST_CASE("known laws at 5 % noise are told right in 100 of 100 trials") {
    CHECK(told(scaling_law::linear, [](double n) { return n; }) == 100);
    CHECK(told(scaling_law::super_linear, [](double n) { return n * std::log2(n); }) == 100);
    CHECK(told(scaling_law::super_linear, [](double n) { return std::pow(n, 1.5); }) == 100);
    CHECK(told(scaling_law::super_linear, [](double n) { return n * n; }) == 100);
    CHECK(told(scaling_law::linear, [](double n) { return 20 + n; }) == 100);
    CHECK(told(scaling_law::linear, [](double n) { return 200 + n; }) == 100);
    CHECK(told(scaling_law::linear, [](double n) { return 1'000 + n; }) == 100);
    CHECK(told(scaling_law::sub_linear, [](double n) { return std::sqrt(n); }) == 100);
}

TEST_CASE("what does not grow is constant, but for a false alarm in 40 trials") {
    CHECK(told(scaling_law::constant, [](double) { return 1; }) >= 93); // 97.5 on average, one-sided
}

TEST_CASE("intervals of 95 % hold the truth in 95 of 100 trials") {
    int per_item = 0;
    int exponent = 0;
    int predicted = 0;
    constexpr unsigned trials = 1'000;
    for (unsigned seed = 1; seed <= trials; ++seed) {
        const scaling_report line = noisy([](double n) { return 200 + n; }, seed);
        per_item += line.per_item().low <= 50'000 && 50'000 <= line.per_item().high;
        std::mt19937 random{seed + trials};
        std::normal_distribution<double> noise{1, 0.05};
        const double next = 50'000 * (200 + 5'000.0) * noise(random);
        predicted += line.predict(5'000).low <= next && next <= line.predict(5'000).high;
        const scaling_report power = noisy([](double n) { return std::pow(n, 1.5); }, seed);
        exponent += power.exponent().low <= 1.5 && 1.5 <= power.exponent().high;
    }
    // 950 expected, with a standard deviation of 6.9: four of them.
    CHECK(std::abs(per_item - 950) <= 28);
    CHECK(std::abs(exponent - 950) <= 28);
    CHECK(std::abs(predicted - 950) <= 28);
}

TEST_CASE("by hand: a million fixed and a thousand an item, without noise") {
    const scaling_report report{{{100, 1.1e6}, {200, 1.2e6}, {400, 1.4e6}}, "page"};
    CHECK(report.law() == scaling_law::linear);
    CHECK(report.fixed() == doctest::Approx(1e6));
    CHECK(report.per_item().value == doctest::Approx(1'000));
    CHECK(report.r_squared() == doctest::Approx(1));
    CHECK(report.predict(10'000).value == doctest::Approx(11e6));
    CHECK(report.predict(10'000).low == doctest::Approx(11e6));
    CHECK(report.items_within(2e6) == 1'000U);
    CHECK(report.items_within(1e5) == 0U);
    CHECK(report.projection(10'000) == "10,000 pages in 10.5 MiB ± 0 B");
    CHECK(report.text() == "  100 pages  1.05 MiB\n  200 pages  1.14 MiB\n  400 pages  1.34 MiB\n"
                           "  linear: 977 KiB fixed, and 1,000 B [1,000 B, 1,000 B] per page, R² 1.0000\n"
                           "  4,000 pages in 4.77 MiB ± 0 B");
}

TEST_CASE("by hand: a square without noise fails a linear assertion, and is projected as one") {
    const scaling_report report{{{10, 100}, {20, 400}, {40, 1'600}, {80, 6'400}}, "page"};
    CHECK(report.law() == scaling_law::super_linear);
    CHECK_FALSE(report.at_most_linear());
    CHECK(report.exponent().value == doctest::Approx(2));
    CHECK(report.predict(160).value == doctest::Approx(25'600));
    CHECK(report.items_within(10'000) == 100U);
    CHECK(report.text().find("worse than linear: n^2.00 [2.00, 2.00], R² 1.0000") != std::string::npos);
}

TEST_CASE("measured: a list is linear, a table of pairs is not") {
    const auto list = [](std::uint64_t n) {
        Memory memory{"list"};
        {
            std::vector<std::uint64_t> numbers;
            numbers.reserve(n);
            sink = numbers.data();
        }
        return memory.finish({"number", n});
    };
    const scaling_report linear = testing::scaling({50, 100, 200, 400}, list);
    CHECK(linear.law() == scaling_law::linear);
    CHECK(linear.per_item().value == doctest::Approx(8));
    CHECK(linear.text().find("per number") != std::string::npos);
    const auto pairs = [](std::uint64_t n) {
        profiler<phases<>, heap::resource> memory{"pairs"};
        {
            std::pmr::vector<std::uint64_t> numbers{&memory.heap()};
            numbers.reserve(n * n);
        }
        return memory.finish({"number", n});
    };
    CHECK_FALSE(testing::scaling({50, 100, 200, 400}, pairs).at_most_linear());
}

TEST_CASE("what tells nothing is refused") {
    CHECK_THROWS_AS((scaling_report{{{1, 1}, {2, 2}}, "page"}), usage_error);
    CHECK_THROWS_AS((scaling_report{{{1, 1}, {1, 2}, {1, 3}}, "page"}), usage_error);
    CHECK_THROWS_AS((scaling_report{{{1, 1}, {2, 2}, {3, 0}}, "page"}), usage_error);
    CHECK_THROWS_AS((scaling_report{{{0, 1}, {2, 2}, {3, 3}}, "page"}), usage_error);
    const auto nothing = [](std::uint64_t) { return Memory{"nothing"}.finish(); };
    CHECK_THROWS_AS(static_cast<void>(testing::scaling({1, 2, 3}, nothing)), usage_error);
    CHECK_THROWS_AS(static_cast<void>(testing::scaling({1, 2, 3}, nothing, {.wanted = testing::figures::rss_peak})),
                    usage_error);
}
