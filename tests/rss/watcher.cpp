// SPDX-License-Identifier: MIT
// RSS peaks by phase against an independent watcher: a process of its own that reads this one's RSS every millisecond
// and never learns of phases. Both clocks are CLOCK_MONOTONIC.
//
// A newer kernel (6.18 here) sums up its counters exactly for a reading, but its high-water mark is still taken from
// the folded ones: the mark lies some 60 pages below what the watcher sees, and within the bound that rss::procfs
// gives.
#include "pages.hpp"

#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace watcher_tests {

using namespace peakscope;
using namespace peakscope::literals;
using tests::pages;

namespace {

using clock_type = std::chrono::steady_clock;
using Memory = profiler<phases<"hold", phase<"outer", "spike", "calm">, "after">, heap::none, rss::procfs>;

struct sample {
    std::int64_t nanoseconds; // of the clock, when the reading began and when it was done
    std::int64_t end_nanoseconds;
    std::int64_t rss_bytes;
};

std::int64_t now() { return clock_type::now().time_since_epoch().count(); }

// In memory that both processes share.
struct samples {
    static constexpr std::size_t most = 20'000;
    std::atomic<std::size_t> count{0};
    sample all[most];
};

class watcher {
  public:
    watcher() {
        void* const memory =
            ::mmap(nullptr, sizeof(samples), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        seen_ = ::new (memory) samples;
        for (sample& each : seen_->all) // resident before anything is measured
            each = {};
        const std::string path = "/proc/" + std::to_string(::getpid()) + "/statm";
        process_ = ::fork();
        REQUIRE(process_ >= 0);
        if (process_ == 0) watch(path);
    }
    ~watcher() {
        stop();
        ::munmap(seen_, sizeof(samples));
    }
    void stop() {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
        process_ = 0;
    }

    // The largest RSS that was read between two times.
    [[nodiscard]] std::int64_t largest_between(std::int64_t start, std::int64_t end) const {
        std::int64_t largest = 0;
        for (std::size_t i = 0; i < seen_->count; ++i)
            if (seen_->all[i].nanoseconds >= start && seen_->all[i].end_nanoseconds <= end)
                largest = std::max(largest, seen_->all[i].rss_bytes);
        return largest;
    }
    [[nodiscard]] std::size_t count() const { return seen_->count; }

  private:
    [[noreturn]] void watch(const std::string& path) {
        const long page_bytes = ::sysconf(_SC_PAGESIZE);
        for (;;) {
            const std::int64_t start = now();
            long total = 0;
            long resident = 0;
            std::FILE* const file = std::fopen(path.c_str(), "r");
            if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) ::_exit(1);
            std::fclose(file);
            const std::size_t number = seen_->count;
            if (number == samples::most) ::_exit(0);
            seen_->all[number] = {start, now(), resident * page_bytes};
            seen_->count = number + 1;
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
        }
    }

    samples* seen_ = nullptr;
    ::pid_t process_ = 0;
};

void wait() { std::this_thread::sleep_for(std::chrono::milliseconds{30}); }

} // namespace

TEST_CASE("no phase's peak is below what the watcher saw in it") {
    struct interval {
        std::int64_t start = 0;
        std::int64_t end = 0;
    };
    watcher other;
    wait();
    interval hold, outer, spike, calm, after;
    Memory memory{"watched"};
    memory_report report;
    {
        auto open_hold = Memory::phase<"hold">();
        hold.start = now();
        const pages held{60_MiB};
        wait();
        hold.end = now();
        open_hold.close();
        {
            auto open_outer = Memory::phase<"outer">();
            outer.start = now();
            {
                auto open_spike = Memory::phase<"spike">();
                spike.start = now();
                wait();
                const pages gone{200_MiB};
                wait();
                spike.end = now();
            }
            {
                auto open_calm = Memory::phase<"calm">();
                calm.start = now();
                const pages small{5_MiB};
                wait();
                calm.end = now();
            }
            outer.end = now();
        }
        auto open_after = Memory::phase<"after">();
        after.start = now();
        wait();
        after.end = now();
        open_after.close();
        report = memory.finish();
    }
    other.stop();
    CHECK(other.count() > 50);
    const auto check = [&](const rss_figures& figures, const interval& time, const std::string& name) {
        CAPTURE(name);
        const std::int64_t seen = other.largest_between(time.start, time.end);
        REQUIRE(figures.peak);
        MESSAGE(name << ": peak " << figures.peak->count << ", " << figures.peak->count - seen
                     << " above what was seen");
        CHECK(seen > 0);
        CHECK(figures.peak->count >= seen - figures.peak_precision.bound.count);
        CHECK(figures.peak->count <= seen + figures.peak_precision.bound.count);
    };
    check(report.phases[0].rss, hold, "hold");
    check(report.phases[1].rss, outer, "outer");
    check(report.phases[2].rss, spike, "spike");
    check(report.phases[3].rss, calm, "calm");
    check(report.phases[4].rss, after, "after");
    check(report.rss, {hold.start, after.end}, "the whole");
    CHECK(std::abs(report.phases[2].rss.peak_delta->count - (200 << 20)) <= 1 << 20);
}

} // namespace watcher_tests
