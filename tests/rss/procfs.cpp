// SPDX-License-Identifier: MIT
// Per-phase RSS peaks, against memory that the test maps, touches and unmaps itself, and against a fake /proc.
#include "pages.hpp"

#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Build = phases<"hold", phase<"outer", "spike", "quiet">, "after">;
using Memory = profiler<Build, heap::none, rss::procfs>;
using tests::pages;

// The kernel's own error and what the process touches besides: libraries, the stack, a page of the test's.
constexpr bytes tolerance = 1_MiB;

bool close_to(const std::optional<bytes>& actual, bytes expected) {
    return actual && *actual >= expected - tolerance && *actual <= expected + tolerance;
}

const phase_report& find(const memory_report& report, const std::string& path) {
    for (const auto& each : report.phases)
        if (each.path == path) return each;
    FAIL("no phase " << path);
    throw 0;
}

void write(const std::filesystem::path& file, const std::string& text) { std::ofstream{file} << text; }

} // namespace

TEST_CASE("each phase has its own peak, and a parent's survives the reset of its children") {
    Memory memory{"spikes"};
    std::unique_ptr<pages> held;
    {
        auto phase = Memory::phase<"hold">();
        held = std::make_unique<pages>(60_MiB);
    }
    {
        auto outer = Memory::phase<"outer">();
        {
            const pages early{150_MiB};
        }
        {
            auto spike = Memory::phase<"spike">();
            const pages block{87_MiB};
        }
        auto quiet = Memory::phase<"quiet">();
        const pages small{5_MiB};
    }
    {
        auto after = Memory::phase<"after">();
        held.reset();
    }
    const memory_report report = memory.finish();
    CHECK(report.notes.empty());
    CHECK(close_to(find(report, "hold").rss.delta, 60_MiB));
    CHECK(close_to(find(report, "hold").rss.peak_delta, 60_MiB));
    CHECK(close_to(find(report, "outer").rss.delta, 0_B));
    CHECK(close_to(find(report, "outer").rss.peak_delta, 150_MiB));
    CHECK(close_to(find(report, "outer/spike").rss.peak_delta, 87_MiB));
    CHECK(close_to(find(report, "outer/quiet").rss.peak_delta, 5_MiB));
    CHECK(close_to(find(report, "after").rss.delta, -60_MiB));
    CHECK(close_to(find(report, "after").rss.peak_delta, 0_B));
    CHECK(close_to(report.rss.peak_delta, 210_MiB));
    CHECK(*report.rss.peak >= *find(report, "outer").rss.peak);
    CHECK(*find(report, "outer").rss.peak >= *find(report, "outer/spike").rss.peak);
    CHECK(*report.rss.delta == *report.rss.end - *report.rss.start);
}

TEST_CASE("the figures are bounded, never shown as exact") {
    Memory memory{"precision"};
    const memory_report report = memory.finish();
    const std::int64_t cpus = ::sysconf(_SC_NPROCESSORS_CONF);
    const std::int64_t batch_pages = std::max(cpus * std::max<std::int64_t>(32, 2 * cpus), std::int64_t{64});
    CHECK(report.rss.totals_precision == bounded({2 * 3 * batch_pages * ::sysconf(_SC_PAGESIZE)}));
    CHECK(report.rss.peak_precision == report.rss.totals_precision);
}

TEST_CASE("without /proc every figure is unavailable, and the report says why") {
    profiler<Build, heap::none, rss::procfs_at<"/nonexistent/proc">> memory{"no proc"};
    {
        auto phase = memory.phase<"hold">();
    }
    const memory_report report = memory.finish();
    CHECK(report.rss.totals_precision == unavailable);
    CHECK(report.rss.peak_precision == unavailable);
    CHECK_FALSE(report.rss.start);
    CHECK_FALSE(report.phases.front().rss.delta);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes.front() == "RSS is unavailable: /nonexistent/proc/status: No such file or directory");
}

// Relative to the folder that the test runs in.
using fake_procfs = rss::procfs_at<"fake_proc">;

TEST_CASE("where the reset is refused the peaks are unavailable and the rest is not") {
    std::filesystem::remove_all("fake_proc");
    std::filesystem::create_directory("fake_proc");
    write("fake_proc/status", "Name:\ttest\nVmHWM:\t    9000 kB\nVmRSS:\t    5000 kB\nThreads:\t3\n");
    profiler<Build, heap::none, fake_procfs> memory{"no reset"};
    write("fake_proc/status", "Name:\ttest\nVmHWM:\t    9000 kB\nVmRSS:\t    5100 kB\nThreads:\t3\n");
    const memory_report report = memory.finish();
    CHECK(*report.rss.start == 5'000_KiB);
    CHECK(*report.rss.end == 5'100_KiB);
    CHECK(*report.rss.delta == 100_KiB);
    CHECK(report.rss.totals_precision.kind == precision_kind::bounded);
    CHECK_FALSE(report.rss.peak);
    CHECK_FALSE(report.rss.peak_delta);
    CHECK(report.rss.peak_precision == unavailable);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes.front() == "RSS peaks are unavailable: fake_proc/clear_refs: No such file or directory");
}

TEST_CASE("the high-water mark is read before it is reset, and 5 is what resets it") {
    std::filesystem::remove_all("fake_proc");
    std::filesystem::create_directory("fake_proc");
    const auto status = [](int high_water, int now) {
        write("fake_proc/status",
              "VmHWM:\t" + std::to_string(high_water) + " kB\nVmRSS:\t" + std::to_string(now) + " kB\nThreads:\t1\n");
    };
    write("fake_proc/clear_refs", "");
    status(1'000, 1'000);
    profiler<Build, heap::none, fake_procfs> memory{"fake"};
    std::ifstream clear_refs{"fake_proc/clear_refs"};
    CHECK(std::string{std::istreambuf_iterator<char>{clear_refs}, {}} == "5");
    status(7'000, 2'000); // 7,000 before the phase begins: the measurement's, not the phase's
    {
        auto phase = memory.phase<"hold">();
        status(3'000, 2'500);
    }
    status(3'000, 2'400);
    const memory_report report = memory.finish();
    CHECK(*report.rss.peak == 7'000_KiB);
    CHECK(*report.rss.peak_delta == 6'000_KiB);
    CHECK(*report.phases.front().rss.peak == 3'000_KiB);
    CHECK(*report.phases.front().rss.peak_delta == 1'000_KiB);
    CHECK(*report.phases.front().rss.delta == 500_KiB);
}

TEST_CASE("a status without the line is unavailable, with the line's name") {
    std::filesystem::remove_all("fake_proc");
    std::filesystem::create_directory("fake_proc");
    write("fake_proc/status", "Name:\tsomething else\n");
    profiler<Build, heap::none, fake_procfs> memory{"odd"};
    const memory_report report = memory.finish();
    CHECK_FALSE(report.rss.start);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes.front() == "RSS is unavailable: fake_proc/status has no line VmRSS");
}

TEST_CASE("a child of fork that goes on with a measurement reads its own figures, not its parent's") {
    Memory memory{"before the fork"};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        {
            auto phase = Memory::phase<"hold">();
            const pages spike{70_MiB};
        }
        const memory_report report = memory.finish();
        ::_exit(close_to(report.phases.front().rss.peak_delta, 70_MiB) ? 0 : 1);
    }
    const pages parents{30_MiB};
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(close_to(memory.finish().rss.peak_delta, 30_MiB));
}

TEST_CASE("several entries sum their deltas and the bounds of these; the largest peak stays") {
    Memory memory{"entries"};
    for (const bytes size : {10_MiB, 40_MiB, 20_MiB}) {
        auto phase = Memory::phase<"hold">();
        const pages spike{size};
    }
    const memory_report report = memory.finish();
    const phase_report& hold = find(report, "hold");
    CHECK(hold.entries == 3);
    CHECK(close_to(hold.rss.peak_delta, 40_MiB));
    CHECK_FALSE(hold.rss.start);
    CHECK(hold.rss.totals_precision.bound == report.rss.totals_precision.bound * 3);
    CHECK(hold.rss.peak_precision.bound == report.rss.peak_precision.bound);
}
