// SPDX-License-Identifier: MIT
// How often the verdicts of testing/ are wrong, as a table: laws of growth, leaks and failures that are known.
#include "../tests/testing/healthy_work.hpp"
#include "../tests/testing/known_laws.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/symboliser.hpp>
#include <peakscope/testing/faults.hpp>
#include <peakscope/testing/leaks.hpp>

#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using Heap = peakscope::heap::counting<peakscope::sites::caller<peakscope::sites::addresses>>;

void row(const std::string& what, int of, int false_alarms, int alarms_of, int missed, int missed_of) {
    std::printf("| %s | %d | %d of %d | %d of %d |\n", what.c_str(), of, false_alarms, alarms_of, missed, missed_of);
}

// A false alarm is "worse than linear" for a law that is not; a miss is any other verdict, that it cannot be told
// among them, for a law that is.
void scaling(double noise) {
    int alarms = 0;
    int healthy = 0;
    int missed = 0;
    int growing = 0;
    int said_to_be_linear = 0;
    for (const tests::known_law& each : tests::laws)
        for (unsigned seed = 1; seed <= 250; ++seed) {
            const auto report = tests::noisy(each.of, noise, seed);
            (each.side > 0 ? growing : healthy) += 1;
            alarms += each.side <= 0 && report.worse_than_linear();
            missed += each.side > 0 && !report.worse_than_linear();
            said_to_be_linear += each.side > 0 && report.at_most_linear();
        }
    row("scaling, " + std::to_string(static_cast<int>(100 * noise)) +
            " % noise, 6 sizes three times (said to be linear: " + std::to_string(said_to_be_linear) + ")",
        healthy + growing, alarms, healthy, missed, growing);
}

void leaks() {
    constexpr int trials = 2'000;
    int alarms = 0;
    for (unsigned seed = 1; seed <= trials; ++seed) {
        tests::healthy_work work{seed};
        alarms += peakscope::testing::leaks<Heap>(60, [&] { work.run(); }).leaks();
    }
    int missed = 0;
    for (unsigned seed = 1; seed <= trials; ++seed) {
        tests::healthy_work work{seed};
        std::vector<std::unique_ptr<char[]>> kept;
        kept.reserve(200);
        const unsigned every = seed % 8 + 1;
        unsigned run = seed / 8;
        missed += !peakscope::testing::leaks<Heap>(20 * every + 60, [&] {
                       work.run();
                       if (run++ % every == 0) kept.push_back(std::make_unique<char[]>(16));
                   }).leaks();
    }
    row("leaks, of 16 B in every run to every eighth, beside caches, pools and a buffer", 2 * trials, alarms, trials,
        missed, trials);
}

// A dozen allocations, one of which, if it fails, loses those before it.
void faults() {
    constexpr int trials = 500;
    int alarms = 0;
    int missed = 0;
    for (unsigned seed = 1; seed <= trials; ++seed) {
        std::minstd_rand random{seed};
        const std::size_t count = 4 + random() % 12;
        const std::size_t careless = 1 + random() % (count - 1);
        const auto work = [&](bool loses) {
            std::vector<std::unique_ptr<char[]>> held;
            held.reserve(count);
            for (std::size_t i = 0; i < count; ++i) {
                char* const before = loses && i == careless ? held.back().release() : nullptr;
                held.push_back(std::make_unique<char[]>(100));
                if (before != nullptr) held[i - 1].reset(before);
            }
        };
        alarms += !peakscope::testing::fail_each_allocation<Heap>([&] { work(false); }).ok();
        missed += peakscope::testing::fail_each_allocation<Heap>([&] { work(true); }).ok();
    }
    row("faults, a block lost where one of up to 15 allocations fails", 2 * trials, alarms, trials, missed, trials);
}

} // namespace

int main() {
    std::puts("| verdict | trials | false alarms | missed |\n|---|--:|--:|--:|");
    for (const double noise : {0.0, 0.02, 0.05})
        scaling(noise);
    leaks();
    faults();
}
