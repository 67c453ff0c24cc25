// SPDX-License-Identifier: MIT
// Twenty laws of growth, and points of them with noise.
#pragma once

#include <peakscope/testing/scaling.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

namespace tests {

using law = std::function<double(double)>;

inline const std::vector<std::uint64_t> counts{50, 100, 200, 400, 800, 1'600};
inline constexpr std::size_t repetitions = 3;

// Each number of items three times, with normal noise.
inline peakscope::testing::scaling_report noisy(const law& of, double noise, unsigned seed) {
    std::mt19937 random{seed};
    std::normal_distribution<double> normal;
    std::vector<peakscope::testing::scaling_point> points;
    for (std::size_t repetition = 0; repetition < repetitions; ++repetition)
        for (const std::uint64_t count : counts)
            points.push_back({count, of(static_cast<double>(count)) * (1 + noise * normal(random))});
    return {points, "page"};
}

struct known_law {
    const char* name;
    int side; // of linear: -1, 0 or 1
    law of;
};

inline const known_law laws[] = {
    {"1e6", -1, [](double) { return 1e6; }},
    {"1e5 log n", -1, [](double n) { return 1e5 * std::log(n); }},
    {"1e5 sqrt n", -1, [](double n) { return 1e5 * std::sqrt(n); }},
    {"1e6 + 1e5 sqrt n", -1, [](double n) { return 1e6 + 1e5 * std::sqrt(n); }},
    {"1e4 n^0.8", -1, [](double n) { return 1e4 * std::pow(n, 0.8); }},
    {"1e4 n^0.9", -1, [](double n) { return 1e4 * std::pow(n, 0.9); }},
    {"1000 n", 0, [](double n) { return 1e3 * n; }},
    {"1e4 + 1000 n", 0, [](double n) { return 1e4 + 1e3 * n; }},
    {"1e5 + 1000 n", 0, [](double n) { return 1e5 + 1e3 * n; }},
    {"1e6 + 1000 n", 0, [](double n) { return 1e6 + 1e3 * n; }},
    {"1e6 + 1e5 n", 0, [](double n) { return 1e6 + 1e5 * n; }},
    {"1000 n^1.1", 1, [](double n) { return 1e3 * std::pow(n, 1.1); }},
    {"1000 n log n", 1, [](double n) { return 1e3 * n * std::log(n); }},
    {"1e6 + 1000 n log n", 1, [](double n) { return 1e6 + 1e3 * n * std::log(n); }},
    {"1000 n^1.5", 1, [](double n) { return 1e3 * std::pow(n, 1.5); }},
    {"1e6 + 100 n^1.5", 1, [](double n) { return 1e6 + 100 * std::pow(n, 1.5); }},
    {"1e5 + 1000 n + n^2", 1, [](double n) { return 1e5 + 1e3 * n + n * n; }},
    {"5e6 + 10 n^2", 1, [](double n) { return 5e6 + 10 * n * n; }},
    {"100 n^2", 1, [](double n) { return 100 * n * n; }},
    {"n^3", 1, [](double n) { return n * n * n; }},
};

} // namespace tests
