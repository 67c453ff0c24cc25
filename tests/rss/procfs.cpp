// SPDX-License-Identifier: MIT
// Per-phase RSS peaks, against memory that the test maps, touches and unmaps itself, and against a fake /proc.
#include "../invariants.hpp"
#include "pages.hpp"

#include <peakscope/core/implementation/watcher.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/implementation/rss_watcher.hpp>
#include <peakscope/rss/map_code.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

namespace procfs_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

using Build = phases<"hold", phase<"outer", "spike", "quiet">, "after">;
using Memory = profiler<Build, heap::none, rss::procfs>;
using tests::kernel_reads_exactly;
using tests::pages;
using tests::resident_pages;

// The kernel's own error and what the process touches besides: libraries, the stack, a page of the test's.
constexpr bytes tolerance = 1_MiB;

bool close_to(const std::optional<bytes>& actual, bytes expected) {
    return actual && *actual >= expected - tolerance && *actual <= expected + tolerance;
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
    CHECK(close_to(report.phase("hold").rss.delta, 60_MiB));
    CHECK(close_to(report.phase("hold").rss.peak_delta, 60_MiB));
    CHECK(close_to(report.phase("outer").rss.delta, 0_B));
    CHECK(close_to(report.phase("outer").rss.peak_delta, 150_MiB));
    CHECK(close_to(report.phase("outer/spike").rss.peak_delta, 87_MiB));
    CHECK(close_to(report.phase("outer/quiet").rss.peak_delta, 5_MiB));
    CHECK(close_to(report.phase("after").rss.delta, -60_MiB));
    CHECK(close_to(report.phase("after").rss.peak_delta, 0_B));
    CHECK(close_to(report.rss.peak_delta, 210_MiB));
    CHECK(*report.rss.peak >= *report.phase("outer").rss.peak);
    CHECK(*report.phase("outer").rss.peak >= *report.phase("outer/spike").rss.peak);
    CHECK(*report.rss.delta == *report.rss.end - *report.rss.start);
}

namespace {

// Of one reading of counters that are folded in batches.
bytes folded_bound() {
    const std::int64_t cpus = ::sysconf(_SC_NPROCESSORS_CONF);
    const std::int64_t batch_pages = std::max(cpus * std::max<std::int64_t>(32, 2 * cpus), std::int64_t{64});
    return {3 * batch_pages * ::sysconf(_SC_PAGESIZE)};
}

} // namespace

TEST_CASE("the figures are exact where this kernel reads exactly, and else bounded; a peak is bounded by the mark") {
    const bool exactly = kernel_reads_exactly();
    MESSAGE("this kernel reads RSS " << std::string{exactly ? "exactly" : "from folded counters"});
    Memory memory{"precision"};
    {
        auto phase = Memory::phase<"hold">();
        const pages spike{1_MiB};
    }
    const memory_report report = memory.finish();
    CHECK(report.rss.totals_precision == (exactly ? exact : bounded(folded_bound() * 2)));
    CHECK(report.rss.peak_precision == bounded(folded_bound() * (exactly ? 1 : 2)));
    if (exactly) CHECK(report.phase("hold").rss.delta == 0_B);
}

TEST_CASE("a phase that is entered 10,000 times has a delta that means something, or none") {
    Memory memory{"often"};
    for (int i = 0; i < 10'000; ++i)
        auto phase = Memory::phase<"hold">();
    const rss_figures often = memory.finish().phase("hold").rss;
    if (kernel_reads_exactly())
        CHECK(often.totals_precision == exact);
    else
        CHECK(often.totals_precision == unavailable);
    CHECK(often.delta.has_value() == (often.totals_precision == exact));
    CHECK(often.peak_precision.bound <= folded_bound() * 2);
}

TEST_CASE("the report has the largest RSS of the process, which the reset mark has no more, and says so") {
    Memory memory{"spoilt"};
    bytes seen;
    {
        auto phase = Memory::phase<"hold">();
        const pages spike{190_MiB};
        seen = bytes{resident_pages() * ::sysconf(_SC_PAGESIZE)};
    }
    const memory_report report = memory.finish();
    REQUIRE(report.process_peak_rss);
    CHECK(*report.process_peak_rss >= seen - folded_bound());
    std::string status;
    std::string line;
    for (std::ifstream file{"/proc/self/status"}; std::getline(file, line);)
        if (line.starts_with("VmHWM:")) status = line.substr(6);
    CHECK(bytes{std::stol(status) * 1'024} < 190_MiB);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0].find("was reset at each phase boundary: VmHWM, and ru_maxrss") != std::string::npos);
}

TEST_CASE("procfs_watched leaves the kernel's mark alone, and its peaks are samples") {
    const pid_t child = ::fork(); // a process whose mark nothing has reset
    REQUIRE(child >= 0);
    if (child == 0) {
        using Watched = profiler<Build, heap::none, rss::procfs_watched<500>>;
        Watched memory{"watched"};
        {
            auto phase = Watched::phase<"hold">();
            const pages spike{150_MiB};
            ::usleep(100'000);
        }
        {
            auto phase = Watched::phase<"after">();
        }
        const memory_report report = memory.finish();
        struct ::rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        const bool right = report.notes.empty() && usage.ru_maxrss >= 150 * 1'024 &&
                           close_to(report.phase("hold").rss.peak_delta, 150_MiB) &&
                           close_to(report.phase("after").rss.peak_delta, 0_B) && *report.process_peak_rss >= 150_MiB &&
                           report.rss.peak_precision == sampled(std::chrono::microseconds{500});
        ::_exit(right ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("what procfs_watched has seen is in the timeline, within phases as well, and nothing from before") {
    using Watched = profiler<Build, heap::none, rss::procfs_watched<500>>;
    const auto now = [] { return std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}; };
    const auto wait = [] { ::usleep(100'000); };
    std::chrono::nanoseconds held{};
    std::chrono::nanoseconds freed{};
    std::chrono::nanoseconds gone{};
    const std::chrono::nanoseconds before = now();
    Watched memory{"watched", [&] {
                       const pages fixture{200_MiB};
                       wait();
                   }};
    const std::chrono::nanoseconds start = now();
    {
        auto phase = Watched::phase<"hold">();
        {
            const pages spike{150_MiB};
            held = now();
            wait();
            freed = now();
        }
        gone = now();
        wait();
    }
    const std::chrono::nanoseconds end = now();
    const memory_report report = memory.finish();
    const bytes first = *report.rss.start;
    std::size_t while_held = 0;
    std::size_t while_freed = 0;
    // Times count from the baseline, which lies between `before` and `start`, just before the latter.
    constexpr std::chrono::milliseconds margin{10};
    for (const timeline_point& each : report.timeline.points) {
        REQUIRE(each.rss);
        CHECK(each.at <= end - before);
        CHECK(*each.rss < first + 150_MiB + tolerance);
        if (each.at > held - start + margin && each.at < freed - start - margin) {
            CHECK(close_to(*each.rss - first, 150_MiB));
            ++while_held;
        }
        if (each.at > gone - start + margin && each.at < end - start - margin) {
            CHECK(close_to(*each.rss - first, 0_B));
            ++while_freed;
        }
    }
    CHECK(while_held > 3);
    CHECK(while_freed > 3);
}

TEST_CASE("readings over time have the profiler's share taken out, which changes evenly between two boundaries") {
    const auto wait = [] { ::usleep(60'000); };
    const auto now = [] { return rss::detail::rss_watcher::now(); };
    rss::detail::rss_watcher watcher{[] { return std::optional{80_MiB}; }, std::chrono::microseconds{500}};
    wait(); // what is read here is not kept
    const std::int64_t first_begin = now();
    watcher.end_interval(80_MiB, 0_B, 10_MiB, nullptr);
    const std::int64_t first_end = now();
    wait();
    const std::int64_t second_begin = now();
    watcher.end_interval(100_MiB, 10_MiB, 30_MiB, nullptr); // as if there had been more for a moment
    const std::int64_t second_end = now();
    wait();
    watcher.end_interval(81_MiB, 16_MiB, 10_MiB, nullptr); // no more than 65 MiB
    const std::int64_t third_end = now();
    wait();
    watcher.end_interval(80_MiB, 20_MiB, 10_MiB, nullptr); // each was the highest
    std::size_t counts[3] = {};
    for (const timeline_point& each : watcher.readings()) {
        const std::int64_t at = each.at.count();
        CHECK_FALSE(each.heap);
        REQUIRE(each.rss);
        CHECK(at > first_begin);
        if (at < second_begin) {
            ++counts[0];
            const auto share_at_least =
                20.0 * static_cast<double>(at - first_end) / static_cast<double>(second_end - first_end);
            const auto share_at_most =
                20.0 * static_cast<double>(at - first_begin) / static_cast<double>(second_begin - first_begin);
            CHECK(*each.rss <= 70_MiB - bytes{static_cast<std::int64_t>(share_at_least * (1 << 20)) - 1});
            CHECK(*each.rss >= 70_MiB - bytes{static_cast<std::int64_t>(share_at_most * (1 << 20)) + 1});
        } else if (at > second_end && at < third_end) {
            ++counts[1];
            CHECK(*each.rss >= 50_MiB);
            CHECK(*each.rss <= 65_MiB);
        } else if (at > third_end) {
            ++counts[2];
            CHECK(*each.rss == 60_MiB);
        }
    }
    for (const std::size_t each : counts)
        CHECK(each > 3);
}

TEST_CASE("the share changes as the live bytes of the heap do, where these are known") {
    static std::atomic<std::int64_t> live_bytes;
    live_bytes = 5'000;
    const auto now = [] { return rss::detail::rss_watcher::now(); };
    const auto wait = [] { ::usleep(60'000); };
    const auto live = +[]() noexcept { return live_bytes.load(); };
    rss::detail::rss_watcher watcher{[] { return std::optional{80_MiB}; }, std::chrono::microseconds{500}};
    watcher.end_interval(80_MiB, 0_B, 10_MiB, live);
    wait(); // nothing happens, and then it does at once
    const std::int64_t change_begins = now();
    live_bytes = 10'000;
    const std::int64_t change_ends = now();
    wait();
    live_bytes = 15'000;
    watcher.end_interval(100_MiB, 0_B, 30_MiB, live);
    std::size_t before = 0;
    std::size_t after = 0;
    for (const timeline_point& each : watcher.readings()) {
        REQUIRE(each.rss);
        if (each.at.count() < change_begins) {
            ++before;
            CHECK(*each.rss == 70_MiB);
        } else if (each.at.count() > change_ends + 10'000'000) { // a look at the old number may be on its way
            ++after;
            CHECK((*each.rss == 60_MiB || *each.rss == 50_MiB)); // the latter once it is all
        }
    }
    CHECK(before > 3);
    CHECK(after > 3);
}

TEST_CASE("a signal that the program has blocked is not taken by the thread that looks") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        profiler<phases<>, heap::none, rss::procfs_watched<500>> memory{"blocked"};
        ::sigset_t some;
        ::sigemptyset(&some);
        ::sigaddset(&some, SIGUSR1);
        ::pthread_sigmask(SIG_BLOCK, &some, nullptr);
        ::kill(::getpid(), SIGUSR1);
        int taken = 0;
        ::_exit(::sigwait(&some, &taken) == 0 && taken == SIGUSR1 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("what a look has begun to see before a boundary is not the next window's") {
    std::atomic<int> looks{0};
    peakscope::detail::watcher watcher{[&] {
                                           const bool is_first = ++looks == 1;
                                           if (is_first) ::usleep(50'000);
                                           return std::optional{is_first ? 100_MiB : 1_MiB};
                                       },
                                       std::chrono::microseconds{500}};
    while (looks == 0)
        ::usleep(100);
    CHECK(watcher.take(2_MiB) == 100_MiB);
    while (looks < 3)
        ::usleep(100);
    CHECK(watcher.take(2_MiB) == 2_MiB);
}

TEST_CASE("where no thread can be started, the peaks are unavailable, and the rest is there") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::pthread_attr_t with_more_stack_than_there_can_be;
        ::pthread_attr_init(&with_more_stack_than_there_can_be);
        ::pthread_attr_setstacksize(&with_more_stack_than_there_can_be, std::size_t{1} << 47U);
        ::pthread_setattr_default_np(&with_more_stack_than_there_can_be);
        profiler<phases<>, heap::none, rss::procfs_watched<500>> memory{"alone"};
        const memory_report report = memory.finish();
        const bool right = report.rss.delta && !report.rss.peak && report.notes.size() == 1 &&
                           report.notes[0].starts_with("RSS peaks are unavailable: no thread can be started");
        ::_exit(right ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a child of fork has no thread that looks: its peaks are unavailable, and it ends") {
    using Watched = profiler<Build, heap::none, rss::procfs_watched<500>>;
    Watched memory{"watched"};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        {
            auto phase = Watched::phase<"hold">();
        }
        const memory_report report = memory.finish();
        ::_exit(!report.rss.peak && !report.phase("hold").rss.peak && report.rss.delta ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(memory.finish().rss.peak);
}

TEST_CASE("pages that come and go between boundaries without anything else are seen") {
    using Steps = profiler<phases<"grow", "nothing", "shrink", "spike", "still">, heap::none, rss::procfs>;
    Steps memory{"steps"};
    std::unique_ptr<pages> held;
    {
        auto phase = Steps::phase<"grow">();
        held = std::make_unique<pages>(8_MiB);
    }
    {
        auto phase = Steps::phase<"nothing">();
    }
    {
        auto phase = Steps::phase<"shrink">();
        held.reset();
    }
    {
        auto phase = Steps::phase<"spike">();
        const pages spike{8_MiB};
    }
    {
        auto phase = Steps::phase<"still">();
    }
    const memory_report report = memory.finish();
    const auto near = [](const std::optional<bytes>& actual, bytes expected) {
        return actual && *actual >= expected - folded_bound() * 2 && *actual <= expected + folded_bound() * 2;
    };
    CHECK(near(report.phase("grow").rss.delta, 8_MiB));
    CHECK(near(report.phase("nothing").rss.delta, 0_B));
    CHECK(near(report.phase("nothing").rss.peak_delta, 0_B));
    CHECK(near(report.phase("shrink").rss.delta, -8_MiB));
    CHECK(near(report.phase("spike").rss.delta, 0_B));
    CHECK(near(report.phase("spike").rss.peak_delta, 8_MiB));
    CHECK(near(report.phase("still").rss.peak_delta, 0_B));
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
        static_cast<void>(rss::map_code()); // which fork has left out
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

TEST_CASE("several entries: the largest peak stays, and the bounds of the deltas add up while they mean something") {
    std::filesystem::remove_all("fake_proc");
    std::filesystem::create_directory("fake_proc");
    write("fake_proc/clear_refs", "");
    const auto status = [](int rss) { // of folded counters: nothing that the source does moves it
        write("fake_proc/status",
              "VmHWM:\t" + std::to_string(rss) + " kB\nVmRSS:\t" + std::to_string(rss) + " kB\nThreads:\t1\n");
    };
    status(1'000'000);
    profiler<Build, heap::none, fake_procfs> memory{"entries"};
    for (const int more : {10, 40, 20}) {
        status(1'000'000);
        auto phase = memory.phase<"hold">();
        status(1'000'000 + more);
    }
    status(100);
    for (int i = 0; i < 3; ++i)
        auto phase = memory.phase<"after">();
    const memory_report report = memory.finish();
    const phase_report& hold = report.phase("hold");
    CHECK(hold.entries == 3);
    CHECK(*hold.rss.delta == 70_KiB);
    CHECK(*hold.rss.peak_delta == 40_KiB);
    CHECK_FALSE(hold.rss.start);
    CHECK(hold.rss.totals_precision == bounded(folded_bound() * 2 * 3));
    CHECK(hold.rss.peak_precision == bounded(folded_bound() * 2));
    CHECK_FALSE(report.phase("after").rss.delta); // of 100 KiB
    CHECK(report.phase("after").rss.totals_precision == unavailable);
}

namespace {

// A process of a given size, on its 64 readings that are saved up; the next is due in an hour.
struct paced {
    rss::detail::procfs_files source{
        {"fake_proc/status", "fake_proc/statm", "fake_proc/clear_refs"}, {}, std::chrono::hours{1}};
    paced() {
        std::filesystem::remove_all("fake_proc");
        std::filesystem::create_directory("fake_proc");
        write("fake_proc/clear_refs", "");
        resident(1'000);
        source.open();
    }
    ~paced() { source.close(); }
    paced(const paced&) = delete;
    paced& operator=(const paced&) = delete;

    static void resident(int kib) {
        const std::string now = std::to_string(kib) + " kB\n";
        write("fake_proc/status", "VmHWM:\t" + now + "VmRSS:\t" + now + "Threads:\t1\n");
    }
    rss_figures pair(int kib_inside) {
        rss::detail::procfs_files::window window;
        source.enter(window, nullptr);
        resident(kib_inside);
        return source.leave(window, nullptr);
    }
};

} // namespace

TEST_CASE("boundaries share a reading when those that are saved up are spent, and their figures are sampled") {
    paced process;
    for (int i = 1; i <= 32; ++i) {
        const rss_figures own = process.pair(1'000 + i);
        CHECK(own.end == bytes{(1'000 + i) * 1'024});
        CHECK(own.totals_precision.kind == precision_kind::bounded);
        CHECK(own.peak_precision.kind == precision_kind::bounded);
    }
    CHECK(process.source.remark().empty());
    for (int i = 0; i < 3; ++i) {
        const rss_figures shared = process.pair(5'000);
        CHECK(shared.start == 1'032_KiB);
        CHECK(shared.delta == 0_B);
        CHECK(shared.peak == 1'032_KiB);
        CHECK(shared.totals_precision == sampled(std::chrono::hours{1}));
        CHECK(shared.peak_precision == sampled(std::chrono::hours{1}));
    }
    CHECK(process.source.remark().starts_with("RSS: 6 of 70 phase boundaries took over a reading of up to "));
}

TEST_CASE("what is entered often shares readings; what is entered rarely, and what is around, does not") {
    using Shared = profiler<Build, heap::none, rss::procfs_shared<2'000>>;
    Shared memory{"shared"};
    {
        auto outer = Shared::phase<"outer">();
        for (int i = 0; i < 5'000; ++i) {
            auto quiet = Shared::phase<"quiet">();
            if (i == 2'500) const pages spike{40_MiB};
        }
        ::usleep(10'000);
    }
    for (int i = 0; i < 5; ++i) {
        ::usleep(10'000);
        auto after = Shared::phase<"after">();
        ::usleep(10'000);
    }
    const memory_report report = memory.finish();
    const auto is_sampled = [](const precision& of) { return of == sampled(std::chrono::milliseconds{2}); };
    CHECK(is_sampled(report.phase("quiet").rss.totals_precision));
    CHECK(is_sampled(report.phase("quiet").rss.peak_precision));
    CHECK_FALSE(is_sampled(report.phase("outer").rss.totals_precision));
    CHECK_FALSE(is_sampled(report.phase("outer").rss.peak_precision));
    CHECK_FALSE(is_sampled(report.phase("after").rss.totals_precision));
    CHECK_FALSE(is_sampled(report.rss.totals_precision));
    CHECK(close_to(report.phase("outer").rss.peak_delta, 40_MiB));
    CHECK(close_to(report.phase("outer").rss.delta, 0_B));
    CHECK(close_to(report.rss.peak_delta, 40_MiB));
    CHECK(close_to(report.phase("after").rss.peak_delta, 0_B));
    REQUIRE_FALSE(report.notes.empty());
    CHECK(report.notes[0].find(" phase boundaries took over a reading of up to 2.00 ms before") != std::string::npos);
}

} // namespace procfs_tests
