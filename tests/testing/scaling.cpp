// SPDX-License-Identifier: MIT
// Laws that are known: told right under noise, with intervals that hold, and predictions that come true.
#include "known_laws.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/testing/scaling.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

namespace scaling_tests {

using namespace peakscope;
using namespace peakscope::literals;
using testing::scaling_law;
using testing::scaling_report;
using tests::counts;
using tests::known_law;
using tests::law;
using tests::laws;
using tests::noisy;
using tests::repetitions;

namespace {

// How many standard deviations of the noise lie between the points of a law and the nearest fixed + a x shape: the best
// that any test could make use of. Looked for over the fixed part, as a part of the whole, with the best scale for
// each.
double distance(const law& of, const law& shape, double noise) {
    double least = 1e300;
    for (double part = 0; part <= 1; part += 1e-4) {
        double gg = 0;
        double g = 0;
        for (const std::uint64_t count : counts) {
            const auto n = static_cast<double>(count);
            const double relative = (part + (1 - part) * shape(n) / shape(1'600)) / of(n);
            gg += relative * relative;
            g += relative;
        }
        least = std::min(least, static_cast<double>(counts.size()) - g * g / gg);
    }
    return std::sqrt(static_cast<double>(repetitions) * least) / noise;
}

// What a test at 0.1 % with 15 degrees of freedom finds in all but one in 10,000 trials: Student's t of 4.1, and as
// much again for the other side. A linear law is to be told from its neighbours.
bool can_be_told(const known_law& each, double noise) {
    constexpr double enough = 8.2;
    if (noise == 0 || each.of(50) == each.of(1'600)) return true; // a constant is told by how little it can grow
    const auto line = [](double n) { return n; };
    if (each.side != 0) return distance(each.of, line, noise) > enough;
    return distance(
               each.of, [](double n) { return n * std::log(n); }, noise) > enough &&
           distance(each.of, [](double n) { return std::pow(n, 0.9); }, noise) > enough;
}

struct outcome {
    int right = 0;
    int wrong = 0; // the rest cannot be told
    int predicted = 0;
};
constexpr unsigned trials = 50;

outcome outcome_of(const known_law& each, double noise) {
    outcome counted;
    for (unsigned seed = 1; seed <= trials; ++seed) {
        const scaling_report report = noisy(each.of, noise, seed);
        const int side = report.worse_than_linear() ? 1 : report.law() == scaling_law::linear ? 0 : -1;
        const bool open = report.law() == scaling_law::cannot_tell;
        counted.right += !open && side == each.side;
        counted.wrong += !open && side != each.side;
        std::mt19937 random{seed + 100'000U * static_cast<unsigned>(&each - laws + 1)};
        std::normal_distribution<double> normal;
        const double next = each.of(16'000) * (1 + noise * normal(random));
        const testing::estimated at = report.predict(16'000);
        constexpr double rounding = 1e-7; // ten times further out
        counted.predicted += at.low * (1 - rounding) <= next && next <= at.high * (1 + rounding);
    }
    return counted;
}

using Memory = profiler<phases<>, heap::counting<>>;

const volatile void* volatile sink; // what is stored here is not optimised away

} // namespace

TEST_CASE("20 laws at no noise, 2 % and 5 %: never a wrong one, and the right one wherever it can be told") {
    for (const double noise : {0.0, 0.02, 0.05}) {
        int told = 0;
        int predicted = 0;
        for (const known_law& each : laws) {
            CAPTURE(noise);
            CAPTURE(each.name);
            const outcome counted = outcome_of(each, noise);
            CHECK(counted.wrong == 0);
            if (can_be_told(each, noise)) {
                ++told;
                CHECK(counted.right == trials);
            }
            predicted += counted.predicted;
        }
        CAPTURE(told);
        CHECK(told == (noise == 0 ? 20 : noise < 0.03 ? 18 : 11));
        // At least 95 % of 1,000, less four standard deviations of 6.9; without noise, all of them.
        CHECK(predicted >= (noise == 0 ? 1'000 : 950 - 28));
    }
}

TEST_CASE("intervals of 95 % hold the truth in 95 of 100 trials") {
    int per_item = 0;
    int exponent = 0;
    int predicted = 0;
    constexpr unsigned all = 1'000;
    for (unsigned seed = 1; seed <= all; ++seed) {
        const scaling_report line = noisy([](double n) { return 50'000 * (20 + n); }, 0.02, seed);
        per_item += line.per_item().low <= 50'000 && 50'000 <= line.per_item().high;
        std::mt19937 random{seed + all};
        std::normal_distribution<double> normal;
        const double next = 50'000 * (20 + 5'000.0) * (1 + 0.02 * normal(random));
        predicted += line.predict(5'000).low <= next && next <= line.predict(5'000).high;
        const scaling_report power = noisy([](double n) { return 50'000 * (300 + std::pow(n, 1.5)); }, 0.05, seed);
        exponent += power.exponent().low <= 1.5 && 1.5 <= power.exponent().high;
    }
    // 950 expected, with a standard deviation of 6.9: four of them. Where the points cast doubt on the line, the
    // prediction allows for other laws as well, and holds more often.
    CHECK(std::abs(per_item - 950) <= 28);
    CHECK(std::abs(exponent - 950) <= 28);
    CHECK(predicted >= 950 - 28);
    CHECK(predicted <= 990);
}

TEST_CASE("a large fixed part hides no square: five numbers are enough where there is no noise") {
    std::vector<testing::scaling_point> points;
    for (const std::uint64_t n : {50U, 100U, 200U, 400U, 800U})
        points.push_back({n, 5e6 + 10.0 * static_cast<double>(n * n)});
    const scaling_report report{points, "page"};
    CHECK(report.worse_than_linear());
    CHECK_FALSE(report.at_most_linear());
    CHECK(report.predict(8'000).low <= 645e6);
    CHECK(report.predict(8'000).high >= 645e6);
}

TEST_CASE("an exponent within the margin of 1 is linear, and beyond it is not") {
    std::vector<testing::scaling_point> points;
    for (const std::uint64_t n : counts)
        points.push_back({n, 1e6 * std::pow(static_cast<double>(n), 1.03)});
    const scaling_report report{points, "page"};
    CHECK(report.law() == scaling_law::linear);
    CHECK(report.text().find("linear: n^1.03 [1.03, 1.03], within 0.05 of n") != std::string::npos);
    CHECK(scaling_report{points, "page", {.margin = 0.02}}.worse_than_linear());
}

TEST_CASE("where several laws are possible, none is told, and the text says what to do") {
    // A fixed part of 1e6 and growth by a hundredth of it, with noise of 1 %.
    const scaling_report report = noisy([](double n) { return 1e6 + 6 * n; }, 0.01, 1);
    CHECK(report.law() != scaling_law::super_linear);
    const scaling_report open = noisy([](double n) { return 1e6 + 1'000 * n; }, 0.05, 1);
    CHECK(open.law() == scaling_law::cannot_tell);
    CHECK_FALSE(open.at_most_linear());
    CHECK_FALSE(open.worse_than_linear());
    CHECK(open.text().find("cannot tell: n^") != std::string::npos);
    CHECK(open.text().find("; take more repetitions, or numbers of pages that are further apart") != std::string::npos);
    // Three points that no line goes through and no power: any three do, with a fixed part.
    const scaling_report three{{{100, 1e6}, {200, 1.5e6}, {400, 3e6}}, "page"};
    CHECK(three.law() == scaling_law::cannot_tell);
    CHECK(three.projection(4'000) == "4,000 pages in 0 B to any size");
}

TEST_CASE("lack of fit is found where repetitions differ by less, and not else") {
    const auto steps = [](double n) { return n < 300 ? 1e6 : n < 900 ? 4e6 : 4.1e6; };
    const scaling_report report = noisy(steps, 0.01, 1);
    REQUIRE(report.lack_of_fit());
    CHECK(*report.lack_of_fit() > 0.1);
    CHECK(report.text().find("no law fits: the nearest is up to ") != std::string::npos);
    CHECK(report.law() == scaling_law::cannot_tell);
    int found = 0;
    for (unsigned seed = 1; seed <= 1'000; ++seed)
        found += noisy([](double n) { return 1e5 + 1e3 * n; }, 0.02, seed).lack_of_fit().has_value();
    CHECK(found <= 6); // at 0.1 %, 1 on average: 6 or more in one of 1,700 series
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

TEST_CASE("measured: a vector of strings that grows one by one is linear") {
    const auto strings = [](std::uint64_t n) {
        Memory memory{"strings"};
        {
            std::vector<std::string> all;
            for (std::uint64_t i = 0; i < n; ++i)
                all.push_back("a string that is on the heap, number " + std::to_string(i));
            sink = all.data();
        }
        return memory.finish({"string", n});
    };
    const scaling_report report = testing::scaling({50, 100, 200, 400, 800, 1'600}, strings);
    CHECK_MESSAGE(report.at_most_linear(), report.text());
    CHECK_FALSE(report.worse_than_linear());
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

} // namespace scaling_tests
