// SPDX-License-Identifier: MIT
// rss::working_set, against pages of which the test knows which ones it touches, and against a fake /proc.
#include "pages.hpp"

#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/working_set.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace working_set_tests {

using namespace peakscope;
using namespace peakscope::literals;
using tests::pages;

namespace {

using Build = phases<"quarter", "nothing", phase<"outer", "inner">, "random", "gone">;
using Memory = profiler<Build, heap::none, rss::working_set>;

constexpr bytes page = 4_KiB;
constexpr std::int64_t mib = 256; // pages
// Of the stack, and of code with what the kernel maps around it and marks for others.
constexpr bytes of_stack = 128_KiB;
constexpr bytes of_files = 16_MiB;

// Whether the measurement can tell; if not, says why.
bool tells(const memory_report& report) {
    if (report.rss.touched) return true;
    REQUIRE_FALSE(report.notes.empty());
    MESSAGE("skipped: " << report.notes.back());
    return false;
}

bool is_about(const std::optional<touched_memory>& actual, bytes expected) {
    return actual && actual->at_least >= expected && actual->at_least <= expected + of_stack &&
           actual->at_most >= actual->at_least && actual->at_most <= expected + of_files;
}

} // namespace

TEST_CASE("of what is resident, a phase touched what it read or wrote") {
    const pages held{64_MiB};
    Memory memory{"phases"};
    {
        auto phase = Memory::phase<"quarter">();
        held.read(0, 16 * mib);
    }
    {
        auto phase = Memory::phase<"nothing">();
    }
    {
        auto phase = Memory::phase<"gone">();
        const pages more{8_MiB};
        held.read(0, 2 * mib);
    }
    const memory_report report = memory.finish();
    if (!tells(report)) return;
    CHECK(is_about(report.phase("quarter").rss.touched, 16_MiB));
    CHECK(is_about(report.phase("nothing").rss.touched, 0_B));
    CHECK(is_about(report.phase("gone").rss.touched, 2_MiB)); // the 8 MiB are resident no more
    CHECK(report.phase("quarter").rss.touched->resident >= 64_MiB);
    CHECK(report.rss.touched->at_least >= 16_MiB);
    CHECK(report.rss.touched->at_most >= 18_MiB);
}

TEST_CASE("to the page, also of those that have just been in use") {
    const pages held{4_MiB};
    const auto touched_by = [&](std::int64_t count) {
        Memory memory{"hot"};
        for (int i = 0; i < 2; ++i) // the processor has their translations at hand
            held.read(0, count);
        {
            auto phase = Memory::phase<"quarter">();
            held.read(0, count);
        }
        return memory.finish();
    };
    if (!tells(touched_by(0))) return;
    const auto pages_of = [&](std::int64_t count) {
        return touched_by(count).phase("quarter").rss.touched->at_least.count / page.count;
    };
    const std::int64_t none = pages_of(0);
    for (int i = 0; i < 30; ++i) // it may have lost them by chance
        for (const std::int64_t count : {50, 500, 1'000}) {
            CAPTURE(count);
            const std::int64_t found = pages_of(count) - none;
            // The kernel writes to a page of the thread's own when another thread has had its processor.
            CHECK(found >= count - 2);
            CHECK(found <= count + 2);
        }
}

TEST_CASE("a file's pages that another process reads are in the most, and not in the least") {
    {
        std::ofstream{"working_set_file", std::ios::binary} << std::string(4 << 20, 'x');
    }
    const int file = ::open("working_set_file", O_RDONLY | O_CLOEXEC);
    REQUIRE(file >= 0);
    void* const mapped = ::mmap(nullptr, 4 << 20, PROT_READ, MAP_SHARED, file, 0);
    REQUIRE(mapped != MAP_FAILED);
    const auto read_all = [&] {
        for (std::size_t i = 0; i < 4 << 20; i += 4'096)
            static_cast<void>(static_cast<const volatile char*>(mapped)[i]);
    };
    read_all();
    Memory memory{"files"};
    {
        auto phase = Memory::phase<"nothing">();
        std::array<char, 1 << 16> buffer;
        for (::off_t at = 0; ::pread(file, buffer.data(), buffer.size(), at) > 0;)
            at += static_cast<::off_t>(buffer.size());
    }
    {
        auto phase = Memory::phase<"quarter">();
        read_all();
    }
    const memory_report report = memory.finish();
    ::munmap(mapped, 4 << 20);
    ::close(file);
    if (!tells(report)) return;
    CHECK(report.phase("nothing").rss.touched->at_least < 1_MiB);
    CHECK(report.phase("quarter").rss.touched->at_least < 1_MiB);
    CHECK(report.phase("quarter").rss.touched->at_most >= 4_MiB);
}

TEST_CASE("of a phase with others inside, and of the measurement, there are bounds") {
    const pages held{64_MiB};
    Memory memory{"nested"};
    {
        auto outer = Memory::phase<"outer">();
        held.read(0, 16 * mib);
        {
            auto inner = Memory::phase<"inner">();
            held.read(12 * mib, 20 * mib); // 4 MiB of them again
        }
        held.read(40 * mib, 8 * mib);
    }
    const memory_report report = memory.finish();
    if (!tells(report)) return;
    CHECK(is_about(report.phase("inner").rss.touched, 20_MiB));
    const touched_memory outer = *report.phase("outer").rss.touched; // 40 MiB in truth
    CHECK(outer.at_least >= 20_MiB);
    CHECK(outer.at_least <= 20_MiB + of_stack);
    CHECK(outer.at_most >= 44_MiB);
    CHECK(outer.at_most <= 44_MiB + of_files * 3);
    CHECK(report.rss.touched->at_least == outer.at_least);
    CHECK(report.rss.touched->at_most >= outer.at_most);
}

TEST_CASE("of several entries, the largest") {
    const pages held{64_MiB};
    Memory memory{"entries"};
    for (const std::int64_t count : {1'000, 3'000, 2'000}) {
        auto phase = Memory::phase<"quarter">();
        held.read(0, count);
    }
    const memory_report report = memory.finish();
    if (!tells(report)) return;
    CHECK(is_about(report.phase("quarter").rss.touched, page * 3'000));
}

TEST_CASE("pages here and there, each as often as chance has it") {
    const pages held{64_MiB};
    std::mt19937 random{7};
    std::vector<bool> touched(64 * mib); // made before: it takes memory too
    Memory memory{"random"};
    {
        auto phase = Memory::phase<"random">();
        for (int i = 0; i < 5'000; ++i) {
            const auto number = static_cast<std::int64_t>(random() % (64 * mib));
            held.read(number, 1);
            touched[static_cast<std::size_t>(number)] = true;
        }
    }
    const memory_report report = memory.finish();
    if (!tells(report)) return;
    const auto different = std::ranges::count(touched, true);
    CHECK(different > 4'000);
    CHECK(is_about(report.phase("random").rss.touched, page * different));
}

namespace {

using fake = rss::working_set_at<"fake_working_set">;

// Of a process with 1,000 KiB: heap, of which so much is marked; a library; and 100 KiB of data, some written to.
void referenced(int kib) {
    std::ofstream{"fake_working_set/smaps"}
        << "0-1 rw-p 00000000 00:00 0    [heap]\nSize: 9999 kB\nRss: 700 kB\nPss: 1 kB\n"
        << "Referenced: " << kib << " kB\nAnonymous: 700 kB\nKSM: 0 kB\n"
        << "1-2 r-xp 00000000 00:00 7 /lib" << std::string(5'000, 'x')
        << "\nRss: 200 kB\nReferenced: 10 kB\nAnonymous: 0 kB\n"
        << "2-3 rw-p 00000000 00:00 7 /lib" << std::string(9'000, 'x')
        << "\nRss: 100 kB\nReferenced: 64 kB\nAnonymous: 40 kB\n";
}
void lay_out() {
    std::filesystem::remove_all("fake_working_set");
    std::filesystem::create_directory("fake_working_set");
    std::ofstream{"fake_working_set/status"} << "VmHWM:\t1000 kB\nVmRSS:\t1000 kB\nThreads:\t1\n";
    std::ofstream{"fake_working_set/clear_refs"} << "";
    referenced(600);
}
std::string cleared_by() {
    std::ifstream file{"fake_working_set/clear_refs"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

} // namespace

TEST_CASE("each part of a window is read, and the marks are taken away after that") {
    lay_out();
    profiler<Build, heap::none, fake> memory{"fake"};
    CHECK(cleared_by() == "1");
    referenced(100);
    {
        auto outer = memory.phase<"outer">();
        referenced(30);
        {
            auto inner = memory.phase<"inner">();
            referenced(50);
        }
        referenced(40);
    }
    referenced(20);
    const memory_report report = memory.finish();
    // Of the data, 4 KiB that are marked must be anonymous; the other 60 may be the file's, as 10 of the library are.
    CHECK(report.phase("inner").rss.touched == touched_memory{54_KiB, 124_KiB, 1'000_KiB});
    CHECK(report.phase("outer").rss.touched == touched_memory{54_KiB, 342_KiB, 1'000_KiB});
    CHECK(report.rss.touched == touched_memory{104_KiB, 610_KiB, 1'000_KiB});
    CHECK_FALSE(report.phase("nothing").rss.touched);
}

TEST_CASE("what the profiler's tables take may have been touched, or not, and is not the program's") {
    lay_out();
    fake source;
    source.open();
    const auto touched = [&](bytes tables) {
        fake::window window;
        source.leave_out({.tables = tables});
        source.enter(window, nullptr);
        return source.leave(window, nullptr).touched;
    };
    CHECK(touched(64_KiB) == touched_memory{540_KiB, 674_KiB, 936_KiB});
    CHECK(touched(400_KiB) == touched_memory{204_KiB, 600_KiB, 600_KiB});
    CHECK(touched(950_KiB) == touched_memory{0_B, 50_KiB, 50_KiB});
    source.close();
}

TEST_CASE("where the marks cannot be read or taken away, the rest is there, and the report says why") {
    for (const std::string missing : {"smaps", "clear_refs"}) {
        CAPTURE(missing);
        lay_out();
        std::filesystem::remove("fake_working_set/" + missing);
        profiler<Build, heap::none, fake> memory{"missing"};
        const memory_report report = memory.finish();
        CHECK_FALSE(report.rss.touched);
        CHECK(report.rss.end == 1'000_KiB);
        REQUIRE(report.notes.size() == 1);
        CHECK(report.notes[0].ends_with("What phases touch is unavailable: fake_working_set/" + missing +
                                        ": No such file or directory"));
    }
    lay_out();
    std::ofstream{"fake_working_set/smaps"} << "0-1 rw-p 00000000 00:00 0 [heap]\nRss: 700 kB\n";
    profiler<Build, heap::none, fake> memory{"another kernel"};
    const memory_report report = memory.finish();
    CHECK_FALSE(report.rss.touched);
    REQUIRE(report.notes.size() == 1);
    CHECK(report.notes[0] == "What phases touch is unavailable: fake_working_set/smaps has no line Anonymous");
}

} // namespace working_set_tests
