// SPDX-License-Identifier: MIT
// rss::smaps, rss::cgroup and rss::rusage, against memory that the test maps itself, and against a fake /proc and /sys.
#include "pages.hpp"

#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/cgroup.hpp>
#include <peakscope/rss/map_code.hpp>
#include <peakscope/rss/process_counters.hpp>
#include <peakscope/rss/rusage.hpp>
#include <peakscope/rss/smaps.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace sources_tests {

using namespace peakscope;
using namespace peakscope::literals;
using tests::pages;

namespace {

using Build = phases<"hold", phase<"outer", "spike">, "after">;

void write(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << text;
}

bool within(const std::optional<bytes>& actual, bytes expected, bytes tolerance) {
    return actual && *actual >= expected - tolerance && *actual <= expected + tolerance;
}

// Calls `work` in a child of fork, whose exit status it returns.
template <class Work>
int in_child(Work work) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(work() ? 0 : 1);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

} // namespace

TEST_CASE("smaps: exact, and told apart") {
    using Memory = profiler<Build, heap::none, rss::smaps>;
    Memory memory{"smaps", [] { static_cast<void>(rss::map_code()); }}; // what is run for the first time is no phase's
    memory_report report;
    {
        auto hold = Memory::phase<"hold">();
        const pages kept{64_MiB};
        hold.close();
        {
            auto outer = Memory::phase<"outer">();
            auto spike = Memory::phase<"spike">();
            const pages gone{100_MiB};
        }
        auto after = Memory::phase<"after">();
        after.close();
        report = memory.finish();
    }
    CHECK(report.rss.totals_precision == exact);
    CHECK(within(report.phases[0].rss.delta, 64_MiB, 256_KiB));
    CHECK(within(report.phases[1].rss.delta, 0_B, 256_KiB));
    CHECK(within(report.phases[2].rss.peak_delta, 100_MiB, 2_MiB));
    CHECK(within(report.rss.peak_delta, 164_MiB, 2_MiB));
    CHECK(within(report.phases[3].rss.peak_delta, 0_B, 2_MiB));
    REQUIRE(report.rss.at_end);
    const resident_state& state = *report.rss.at_end;
    CHECK(*state.anonymous >= 64_MiB);
    CHECK(*state.uss >= 64_MiB);
    CHECK(*state.pss >= *state.uss);
    CHECK(within(*state.uss + *state.shared, *report.rss.end, 256_KiB));
    CHECK(state.swap.has_value());
    CHECK(state.file.has_value());
    CHECK(state.shmem.has_value());
}

TEST_CASE("smaps: what another process maps too is shared, and no unique memory") {
    const pages parents{80_MiB};
    CHECK(in_child([] {
              using Memory = profiler<phases<"x">, heap::none, rss::smaps>;
              Memory memory{"child"};
              const memory_report report = memory.finish();
              return *report.rss.at_end->shared >= 80_MiB && *report.rss.at_end->uss < 40_MiB &&
                     *report.rss.at_end->pss >= 40_MiB;
          }) == 0);
}

TEST_CASE("smaps: where the file is missing, the figures are those of procfs, and the report says so") {
    std::filesystem::remove_all("fake_smaps");
    write("fake_smaps/status", "Name:\ttest\nVmHWM:\t    9000 kB\nVmRSS:\t    5000 kB\nThreads:\t3\n");
    write("fake_smaps/clear_refs", "");
    profiler<Build, heap::none, rss::smaps_at<"fake_smaps">> memory{"fake"};
    const memory_report report = memory.finish();
    CHECK(*report.rss.end == bytes{5'000 * 1'024});
    CHECK_FALSE(report.rss.at_end);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0] ==
          "PSS, USS and the like are unavailable: fake_smaps/smaps_rollup: No such file or directory");
}

TEST_CASE("process_counters: where the system does not tell, nothing is known") {
    using Memory = profiler<Build, heap::none, rss::process_counters>;
    Memory memory{"process_counters"};
    {
        auto hold = Memory::phase<"hold">();
    }
    const memory_report report = memory.finish();
    CHECK(report.rss_source == "process_counters");
    for (const rss_figures& figures : {report.rss, report.phases[0].rss}) {
        CHECK(figures.totals_precision == unavailable);
        CHECK_FALSE(figures.delta);
        CHECK_FALSE(figures.peak);
    }
}

TEST_CASE("rusage: a peak is known where the process's maximum rose, and n/a elsewhere") {
    CHECK(in_child([] { // a process of its own: an earlier maximum would hide this one
              using Memory = profiler<Build, heap::none, rss::rusage>;
              Memory memory{"rusage"};
              {
                  auto outer = Memory::phase<"outer">();
                  auto spike = Memory::phase<"spike">();
                  const pages gone{400_MiB};
              }
              {
                  auto after = Memory::phase<"after">();
                  const pages fewer{50_MiB};
              }
              const memory_report report = memory.finish();
              const auto is_spike = [](const std::optional<bytes>& peak) { return peak && *peak >= 400_MiB; };
              return is_spike(report.rss.peak) && is_spike(report.phases[1].rss.peak) &&
                     is_spike(report.phases[2].rss.peak) && !report.phases[3].rss.peak && !report.rss.delta &&
                     report.phases[3].rss.peak_precision == unavailable;
          }) == 0);
}

TEST_CASE("cgroup: the real one, where a memory group is mounted") {
    using Memory = profiler<Build, heap::none, rss::cgroup>;
    memory_report report;
    // Other processes of the group come and go meanwhile, and may free as much: then another try sees it.
    for (int tries = 0; tries < 20; ++tries) {
        Memory memory{"cgroup"};
        {
            auto outer = Memory::phase<"outer">();
            auto spike = Memory::phase<"spike">();
            const pages gone{150_MiB};
        }
        report = memory.finish();
        if (report.phases[2].rss.peak_delta.value_or(100_MiB) >= 100_MiB) break;
    }
    if (!report.rss.start) {
        REQUIRE(report.notes.size() == 1);
        MESSAGE(report.notes[0]);
        return;
    }
    if (report.phases[2].rss.peak_delta) {
        CHECK(*report.phases[2].rss.peak_delta >= 100_MiB);
        CHECK(*report.phases[1].rss.peak >= *report.phases[2].rss.peak);
        CHECK(*report.rss.peak >= *report.phases[1].rss.peak);
    } else {
        MESSAGE(report.notes.front());
    }
    CHECK(report.rss.totals_precision.kind == precision_kind::bounded);
}

namespace {

using fake_group = profiler<phases<"a", "b">, heap::none, rss::cgroup_at<"fake_proc_cgroup">>;

// Version 1 and 2 as proc(5) and cgroups(7) lay them out, the process's group two levels down.
void lay_out(bool version_2) {
    std::filesystem::remove_all("fake_proc_cgroup");
    std::filesystem::remove_all("fake_sys");
    write("fake_proc_cgroup/cgroup",
          version_2 ? "0::/user/test\n" : "5:cpu,cpuacct:/\n4:hugetlb,memory:/user/test\n0::/\n");
    write("fake_proc_cgroup/mountinfo",
          version_2
              ? "31 23 0:28 / / rw - ext4 disk rw\n41 31 0:38 / fake_sys rw,relatime shared:9 - cgroup2 cgroup2 rw\n"
              : "32 31 0:29 / fake_sys/cpu rw - cgroup cgroup rw,cpu\n35 31 0:32 / fake_sys rw - cgroup cgroup "
                "rw,memory\n");
}
void set(bool version_2, long current, long peak) {
    const std::string folder = "fake_sys/user/test/memory.";
    write(folder + (version_2 ? "current" : "usage_in_bytes"), std::to_string(current) + "\n");
    write(folder + (version_2 ? "peak" : "max_usage_in_bytes"), std::to_string(peak) + "\n");
    write(folder + (version_2 ? "max" : "limit_in_bytes"), version_2 ? "max\n" : "536870912\n");
}

} // namespace

TEST_CASE("cgroup: both versions are found, and read at both ends") {
    for (const bool version_2 : {false, true}) {
        CAPTURE(version_2);
        lay_out(version_2);
        set(version_2, 10'000'000, 90'000'000);
        fake_group memory{"fake"};
        set(version_2, 12'000'000, 90'000'000);
        const memory_report report = memory.finish();
        CHECK(*report.rss.start == 10'000'000_B);
        CHECK(*report.rss.delta == 2'000'000_B);
        CHECK(report.rss.at_end->limit == (version_2 ? std::nullopt : std::optional{bytes{536'870'912}}));
    }
}

TEST_CASE("cgroup: the profiler's own memory is in the charge, and the report says so where there is any") {
    lay_out(true);
    set(true, 10'000'000, 90'000'000);
    rss::cgroup_at<"fake_proc_cgroup"> source;
    source.open();
    rss::cgroup_at<"fake_proc_cgroup">::window window;
    source.enter(window, nullptr);
    CHECK(source.remark().find("the profiler's own") == std::string::npos);
    source.leave_out({.tables = 64_KiB, .headers = 32_KiB});
    CHECK(source.leave(window, nullptr).end == 10'000'000_B);
    CHECK(
        source.remark().ends_with("RSS: the group's charge has the profiler's own memory in it, 96.0 KiB at the end"));
    source.close();
}

TEST_CASE("cgroup: without one, figures are unavailable and the report says why") {
    std::filesystem::remove_all("fake_proc_cgroup");
    write("fake_proc_cgroup/mountinfo", "31 23 0:28 / / rw - ext4 disk rw\n");
    fake_group memory{"none"};
    const memory_report report = memory.finish();
    CHECK_FALSE(report.rss.start);
    CHECK_FALSE(report.rss.peak);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0] == "RSS is unavailable: no memory control group is mounted, says fake_proc_cgroup/mountinfo");
}

} // namespace sources_tests
