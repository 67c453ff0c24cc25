// SPDX-License-Identifier: MIT
// Workloads whose leak is known: found every time, and no false alarm.
#include "../heap/counted_heap.hpp"
#include "healthy_work.hpp"

#include <peakscope/heap/resource.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/symboliser.hpp>
#include <peakscope/testing/leaks.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace leaks_tests {

using namespace peakscope;

namespace {

using Heap = tests::counted_heap<sites::caller<sites::addresses>>;

// 50 MiB come and go in each run, a cache of changing size stays, another is filled once, at some time.
class workload {
  public:
    workload(unsigned seed, std::size_t leak_bytes, std::size_t runs)
        : random_(seed), leak_bytes_(leak_bytes), fills_in_run_(random_() % runs) {}
    ~workload() {
        for (void* each : leaked_)
            ::operator delete(each);
    }
    workload(const workload&) = delete;
    workload& operator=(const workload&) = delete;

    void run() {
        churn();
        noise();
        if (run_++ == fills_in_run_) once_ = std::make_unique<char[]>(random_() % (10U << 20U));
        if (leak_bytes_ > 0) leak();
        replaced_ = std::make_unique<char[]>(1'000); // allocated in each run, freed in the next
    }

  private:
    [[gnu::noinline]] void churn() {
        std::array<std::unique_ptr<char[]>, 50> blocks;
        for (auto& each : blocks)
            each.reset(new char[1 << 20]);
    }
    [[gnu::noinline]] void noise() {
        const std::size_t wanted = random_() % 20;
        while (cache_.size() > wanted)
            cache_.pop_front();
        while (cache_.size() < wanted)
            cache_.emplace_back(random_() % 5'000, 'x');
    }
    [[gnu::noinline]] void leak() { leaked_[leaks_++] = ::operator new(leak_bytes_); }

    std::minstd_rand random_;
    std::size_t leak_bytes_;
    std::size_t fills_in_run_;
    std::size_t run_ = 0;
    std::size_t leaks_ = 0;
    std::array<void*, 256> leaked_{};
    std::deque<std::string> cache_;
    std::unique_ptr<char[]> once_;
    std::unique_ptr<char[]> replaced_;
};

constexpr std::size_t runs = 40;
#ifndef TRIALS
#define TRIALS 100
#endif
constexpr int trials = TRIALS;

testing::leak_report trial(unsigned seed, std::size_t leak_bytes) {
    workload work{seed, leak_bytes, runs};
    return testing::leaks<Heap>(runs, [&] { work.run(); });
}

} // namespace

TEST_CASE("a leak of 1, 16 or 4,096 bytes a run among 50 MiB of churn is found in 100 of 100 trials") {
    for (const std::size_t leak_bytes : {1U, 16U, 4'096U}) {
        int found = 0;
        int told_exactly = 0;
        for (unsigned seed = 1; seed <= trials; ++seed) {
            const testing::leak_report report = trial(seed, leak_bytes);
            found += report.leaks();
            told_exactly +=
                report.sites.size() == 1 && report.sites[0].bytes_per_run.per_step == static_cast<double>(leak_bytes);
        }
        CHECK(found == trials);
        CHECK(told_exactly == trials);
    }
}

TEST_CASE("no false alarm in 200 trials without a leak") {
    int alarms = 0;
    for (unsigned seed = 1'000; seed < 1'000 + 2 * trials; ++seed) {
        const testing::leak_report report = trial(seed, 0);
        alarms += report.leaks();
        if (report.leaks()) MESSAGE(report.text());
    }
    CHECK(alarms == 0);
}

TEST_CASE("a cache that fills up during the first half of the runs is no leak; one that never stops is") {
    std::vector<std::string> cache;
    cache.reserve(100);
    std::size_t run = 0;
    const auto fill_until = [&](std::size_t last) {
        run = 0;
        cache.clear();
        return testing::leaks<Heap>(runs, [&] {
            if (run++ < last) cache.emplace_back(100, 'x');
        });
    };
    CHECK_FALSE(fill_until(25).leaks());
    const testing::leak_report never = fill_until(runs);
    CHECK(never.leaks());
    CHECK(never.heap.leaks);
    CHECK(never.heap.bytes_per_run.per_step == 101);
    CHECK(never.text().starts_with("leaks in 27 runs after 13 to warm up (2 series, at most 0.10 % false alarms)\n"
                                   "  heap  101.0 B a run [101.0, 101.0]\n  "));
}

TEST_CASE("a leak in every k-th run is found, k = 1 ... 8, whichever run it begins with") {
    std::vector<std::unique_ptr<char[]>> kept;
    kept.reserve(1'000);
    for (std::size_t every = 1; every <= 8; ++every)
        for (std::size_t first = 0; first < every; ++first) {
            CAPTURE(every);
            CAPTURE(first);
            kept.clear();
            std::size_t run = 0;
            // 16 runs for each of these, and a few for those that do not come to a whole number.
            const testing::leak_report report = testing::leaks<Heap>(20 * every + 20, [&] {
                if (run++ % every == first) kept.push_back(std::make_unique<char[]>(840));
            });
            CHECK(report.leaks());
            CHECK(report.heap.leaks);
            CHECK(report.sites.size() == 1);
            CHECK(report.heap.bytes_per_run.per_step ==
                  doctest::Approx(840.0 / static_cast<double>(every)).epsilon(0.1));
        }
}

TEST_CASE("a leak in another thread, and a cache that grows ever more slowly and without bound, are leaks") {
    std::vector<std::unique_ptr<char[]>> kept;
    kept.reserve(1'000);
    CHECK(testing::leaks<Heap>(runs, [&] {
              std::thread{[&] { kept.push_back(std::make_unique<char[]>(100)); }}.join();
          }).leaks());
    // In the n-th run it grows with a probability of 20 / (n + 20): as ln n, by 28 of 100 entries in the last 60 of 90.
    std::minstd_rand random{1};
    std::size_t run = 0;
    kept.clear();
    CHECK(testing::leaks<Heap>(90, [&] {
              if (random() % (run++ + 20) < 20) kept.push_back(std::make_unique<char[]>(100));
          }).leaks());
}

TEST_CASE("a bounded cache, pools that fill and a buffer that is emptied are none: 2 alarms in 2,000 trials at most") {
    int alarms = 0;
    for (unsigned seed = 1; seed <= 20 * trials; ++seed) {
        tests::healthy_work work{seed};
        const testing::leak_report report = testing::leaks<Heap>(60, [&] { work.run(); });
        alarms += report.leaks();
        if (report.leaks()) MESSAGE(report.text());
    }
    CHECK(alarms <= 2); // 0.1 %
}

TEST_CASE("without sites the heap alone is looked at, and a container's resource is a heap") {
    std::vector<std::unique_ptr<char[]>> kept;
    kept.reserve(100);
    CHECK(testing::leaks<tests::counted_heap<>>(runs, [&] { kept.push_back(std::make_unique<char[]>(7)); }).leaks());
    CHECK_FALSE(testing::leaks<tests::counted_heap<>>(runs, [] { std::make_unique<char[]>(7); }).leaks());

    const auto with_resource = [](bool leak) {
        static auto& leaked = *new std::vector<void*>; // never destroyed, so that leak sanitizers see it
        leaked.reserve(leaked.size() + runs);
        return testing::leaks<heap::resource>(runs, [&](heap::resource& from) {
            const std::pmr::vector<int> numbers(1'000, &from);
            if (leak) leaked.push_back(from.allocate(1, 1));
        });
    };
    CHECK(with_resource(true).leaks());
    CHECK(with_resource(true).heap.bytes_per_run.per_step == 1);
    CHECK_FALSE(with_resource(false).leaks());
}

TEST_CASE("so few runs that chance alone could tell are refused, and what the work throws comes through") {
    CHECK_THROWS_AS(static_cast<void>(testing::leaks<Heap>(8, [] {})), usage_error);
    CHECK_THROWS_AS(static_cast<void>(testing::leaks<Heap>(20, [] {}, {.false_alarms = 1e-9})), usage_error);
    CHECK_THROWS_WITH(static_cast<void>(testing::leaks<Heap>(runs, [] { throw std::runtime_error("no pages"); })),
                      "no pages");
    CHECK_FALSE(testing::leaks<Heap>(runs, [] {}).leaks()); // the heap is free again
}

} // namespace leaks_tests
