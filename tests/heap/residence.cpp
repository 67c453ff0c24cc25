// SPDX-License-Identifier: MIT
// RSS figures are the program's: without the headers of its blocks, without the profiler's tables. Against what glibc's
// malloc takes for a block of 24 bytes: 32; with a header of 16, 48.
#include "../rss/pages.hpp"
#include "counted_heap.hpp"

#include <peakscope/memory/resident.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/procfs.hpp>
#include <peakscope/rss/smaps.hpp>

#include <doctest/doctest.h>

#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace residence_tests {

using namespace peakscope;
using namespace peakscope::literals;

namespace {

constexpr std::size_t blocks = 300'000;
constexpr bytes without_headers{blocks * 32};

// What the design promises; the kernel's mark may be off besides.
bool agrees(const std::optional<bytes>& actual, bytes expected, bytes of_mark = {}) {
    const bytes size = std::max(expected, -expected);
    const bytes tolerance = std::max(bytes{size.count * 3 / 100}, 128_KiB) + of_mark;
    MESSAGE("expected " << expected.count << ", found " << (actual ? actual->count : 0));
    return actual && *actual >= expected - tolerance && *actual <= expected + tolerance;
}

template <class Rss>
void check_small_blocks() {
    using Memory = profiler<phases<"allocate", "free", "trim", "again", "grow", "shrink">, tests::counted_heap<>, Rss>;
    std::vector<void*> held(blocks, nullptr);
    const auto allocate = [&] {
        for (void*& each : held)
            each = ::operator new(24);
    };
    const auto free_all = [&] {
        for (void* const each : held)
            ::operator delete(each);
    };
    const bool exactly = tests::kernel_reads_exactly();
    memory_report report;
    {
        Memory memory{"small blocks"};
        {
            auto phase = Memory::template phase<"allocate">();
            allocate();
        }
        {
            auto phase = Memory::template phase<"free">();
            free_all(); // glibc keeps blocks of this size for the next ones
        }
        {
            auto phase = Memory::template phase<"trim">();
            ::malloc_trim(0);
        }
        {
            auto phase = Memory::template phase<"again">();
            allocate();
            free_all();
            ::malloc_trim(0);
        }
        {
            auto phase = Memory::template phase<"grow">();
            allocate();
        }
        {
            auto phase = Memory::template phase<"shrink">();
            free_all();
            ::malloc_trim(0);
        }
        report = memory.finish();
    }
    if (!report.rss.delta || !exactly) {
        MESSAGE("this kernel does not read RSS exactly");
        return;
    }
    CHECK(agrees(report.phase("allocate").rss.delta, without_headers));
    CHECK(agrees(report.phase("allocate").rss.peak_delta, without_headers));
    CHECK(agrees(report.phase("free").rss.delta, 0_B));
    CHECK(agrees(report.phase("trim").rss.delta, -without_headers));
    CHECK(agrees(report.phase("grow").rss.delta, without_headers));
    CHECK(agrees(report.phase("shrink").rss.delta, -without_headers));
    CHECK(agrees(report.rss.delta, 0_B));
    CHECK(agrees(report.rss.peak_delta, without_headers));
    // RSS was largest in the middle of this phase, which only the kernel's mark knows of. The kernel adds it up from
    // folded counters. The headers that went with the blocks are estimated from it, and are a third of what went.
    const bytes of_mark = report.phase("allocate").rss.peak_precision.bound;
    CHECK(agrees(report.phase("again").rss.delta, 0_B, of_mark / 3));
    CHECK(agrees(report.phase("again").rss.peak_delta, without_headers, of_mark));
    REQUIRE(report.phase("allocate").rss.profiler_bytes);
    CHECK(*report.phase("allocate").rss.profiler_bytes >= bytes{blocks * 16});
    CHECK(*report.rss.profiler_bytes < bytes{blocks * 16});
    // Nothing had been freed before.
    CHECK(report.phase("allocate").rss.totals_precision.bound < 128_KiB);
}

} // namespace

TEST_CASE("the RSS of 300,000 small blocks is theirs, without headers, and so is what is left when they are freed") {
    check_small_blocks<rss::procfs>();
}

TEST_CASE("the same by smaps") { check_small_blocks<rss::smaps>(); }

TEST_CASE("tables that grow in a phase are in none of its figures") {
    using Memory = profiler<phases<"labels">, tests::counted_heap<>, rss::procfs>;
    std::vector<std::string> names;
    for (int i = 0; i < 5'000; ++i)
        names.push_back("label number " + std::to_string(i));
    std::int64_t tables_before = 0;
    Memory memory{"labels"};
    {
        auto phase = Memory::phase<"labels">();
        tables_before = memory::resident_table_bytes.load();
        for (const std::string& name : names) {
            const auto label = Memory::label(name);
            ::operator delete(::operator new(24));
        }
    }
    const std::int64_t tables = memory::resident_table_bytes.load() - tables_before;
    const memory_report report = memory.finish();
    MESSAGE("tables grew by " << tables);
    CHECK(tables > 1'000'000); // an origin for each label
    const rss_figures& rss = report.phase("labels").rss;
    REQUIRE(rss.profiler_bytes);
    CHECK(rss.profiler_bytes->count >= tables);
    if (tests::kernel_reads_exactly()) CHECK(agrees(rss.delta, 0_B));
}

} // namespace residence_tests
