// SPDX-License-Identifier: MIT
// heap::sampling: figures as exact as with heap::counting, and amounts by site that are estimates, right on average and
// with standard errors that hold.
#include "counted_heap.hpp"
#include "origins.hpp"

#include "../invariants.hpp"

#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/caller.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace sampling_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Memory = profiler<phases<"work">, tests::sampled_heap<4_KiB, sites::caller<sites::addresses>>>;

struct found {
    double delta = 0, delta_error = 0;
    double at_peak = 0, at_peak_error = 0;
    double allocated = 0, allocated_error = 0;
    double blocks = 0;
};

found amounts_of(const memory_report& report, std::size_t site) {
    found all;
    for (const site_report& each : report.sites) {
        if (each.stack.empty() || tests::site_of(each.stack[0].address) != site) continue;
        all.delta += static_cast<double>(each.amounts.delta_bytes.count);
        all.at_peak += static_cast<double>(each.amounts.at_peak_bytes.count);
        all.allocated += static_cast<double>(each.amounts.allocated_bytes.count);
        all.blocks += static_cast<double>(each.amounts.delta_blocks);
        all.delta_error += std::pow(static_cast<double>(each.amounts.delta_error.value().count), 2);
        all.at_peak_error += std::pow(static_cast<double>(each.amounts.at_peak_error.value().count), 2);
        all.allocated_error += std::pow(static_cast<double>(each.amounts.allocated_error.value().count), 2);
    }
    all.delta_error = std::sqrt(all.delta_error);
    all.at_peak_error = std::sqrt(all.at_peak_error);
    all.allocated_error = std::sqrt(all.allocated_error);
    return all;
}

// Three sites, known amounts: site 0 keeps 2,000 blocks of 100 bytes, site 1 keeps 300 blocks of 3,000 and frees as
// many more after the peak, site 2 allocates and frees 1,000 blocks of 500.
memory_report run() {
    static std::vector<void*> kept;
    static std::vector<void*> until_peak;
    kept.reserve(3'000);
    until_peak.reserve(300);
    Memory memory{"sampled"};
    {
        auto phase = Memory::phase<"work">();
        for (int i = 0; i < 2'000; ++i)
            kept.push_back(tests::allocate_at<0>(100, 0));
        for (int i = 0; i < 1'000; ++i)
            ::operator delete(tests::allocate_at<2>(500, 0));
        for (int i = 0; i < 300; ++i) {
            kept.push_back(tests::allocate_at<1>(3'000, 0));
            until_peak.push_back(tests::allocate_at<1>(3'000, 0));
        }
        for (void* each : until_peak)
            ::operator delete(each);
    }
    memory_report report = memory.finish();
    for (void* each : kept)
        ::operator delete(each);
    kept.clear();
    until_peak.clear();
    return report;
}

struct series {
    double sum = 0;
    double sum_of_squares = 0; // of the deviations from the truth
    double errors_squared = 0; // as reported
    int within_two = 0;
    int count = 0;

    void add(double value, double truth, double error) {
        sum += value;
        sum_of_squares += (value - truth) * (value - truth);
        errors_squared += error * error;
        within_two += std::abs(value - truth) <= 2 * error;
        ++count;
    }
};

} // namespace

TEST_CASE("estimates by site are right on average, and scatter as their standard errors say") {
    constexpr int runs = 400;
    struct {
        series delta, at_peak, allocated, blocks;
    } site[3];
    const double delta[3] = {200'000, 900'000, 0};
    const double at_peak[3] = {200'000, 1'800'000, 0};
    const double allocated[3] = {200'000, 1'800'000, 500'000};
    for (int i = 0; i < runs; ++i) {
        const memory_report report = run();
        tests::check_invariants(report);
        // What is not by site is exact.
        REQUIRE(*report.heap.delta == 1'100'000_B);
        REQUIRE(*report.heap.peak_delta == 2'000'000_B);
        REQUIRE(*report.heap.allocated == 2'500'000_B);
        REQUIRE(*report.heap.allocations == 3'600);
        REQUIRE(report.heap.peak_precision == exact);
        REQUIRE(report.measurement_births->at_peak[2] == 2'000'000_B);
        REQUIRE(report.sites_precision == sampled(4_KiB));
        for (std::size_t s = 0; s < 3; ++s) {
            const found of = amounts_of(report, s);
            site[s].delta.add(of.delta, delta[s], of.delta_error);
            site[s].at_peak.add(of.at_peak, at_peak[s], of.at_peak_error);
            site[s].allocated.add(of.allocated, allocated[s], of.allocated_error);
        }
    }
    const auto check = [&](const series& of, double truth) {
        if (truth == 0) {
            CHECK(of.sum == 0); // what a block added, it took away to the byte
            return;
        }
        const double true_error = std::sqrt(of.sum_of_squares / of.count);
        const double reported_error = std::sqrt(of.errors_squared / of.count);
        // The mean of 400 runs lies within 4 of its standard errors of the truth: by chance it does not once in 16,000.
        CHECK(std::abs(of.sum / of.count - truth) <= 4 * true_error / std::sqrt(of.count));
        // The scatter of 400 runs is known to 3.5 %, the reported error is itself an estimate.
        CHECK(reported_error / true_error == doctest::Approx(1).epsilon(0.2));
        // Normally distributed, 95.4 % lie within two standard errors.
        CHECK(of.within_two >= runs * 88 / 100);
        MESSAGE("truth " << truth << ", mean " << of.sum / of.count << ", scatter " << true_error << ", reported "
                         << reported_error << ", within two: " << of.within_two);
    };
    for (std::size_t s = 0; s < 3; ++s) {
        check(site[s].delta, delta[s]);
        check(site[s].at_peak, at_peak[s]);
        check(site[s].allocated, allocated[s]);
    }
}

TEST_CASE("blocks that an earlier measurement sampled are freed in a later one without a trace in its estimates") {
    std::vector<void*> kept(500);
    {
        Memory first{"first"};
        for (void*& each : kept)
            each = tests::allocate_at<3>(1'000, 0);
        static_cast<void>(first.finish());
    }
    Memory second{"second"};
    for (void* each : kept)
        ::operator delete(each);
    const memory_report report = second.finish();
    CHECK(*report.heap.delta == -500'000_B);
    CHECK(*report.heap.deallocations == 500);
    CHECK(report.measurement_births->at_peak[0] == *report.heap.start);
    for (const site_report& each : report.sites)
        if (!each.stack.empty()) CHECK(each.amounts.delta_bytes == 0_B);
}

} // namespace sampling_tests
