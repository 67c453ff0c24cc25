// SPDX-License-Identifier: MIT
// What each backend takes to make its text of a report, in processor time, and how long that is: the median of several,
// by the number of call stacks, of eight frames each. Half of the blocks are alive at the peak.
#include "made_up_stacks.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/dhat.hpp>
#include <peakscope/report/firefox.hpp>
#include <peakscope/report/folded.hpp>
#include <peakscope/report/html.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/markdown.hpp>
#include <peakscope/report/pprof.hpp>
#include <peakscope/report/speedscope.hpp>
#include <peakscope/report/trace.hpp>
#include <peakscope/rss/procfs.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <string>

namespace {

using namespace peakscope;
using benchmarks::site;

using Memory =
    profiler<phases<"parsing", "rendering">, heap::counting<benchmarks::made_up_stacks>, rss::procfs, report::none>;

void allocate_each(std::size_t sites) {
    for (site = 0; site < sites; ++site) {
        void* volatile block = ::operator new(16);
        if (site % 2 == 0) ::operator delete(block);
    }
    site = 0;
}

memory_report report_of(std::size_t sites) {
    Memory memory{"backends"};
    {
        const auto phase = Memory::phase<"parsing">();
        allocate_each(sites / 2);
    }
    {
        const auto phase = Memory::phase<"rendering">();
        allocate_each(sites);
    }
    memory_report report = memory.finish();
    if (report.sites.size() < sites) std::abort();
    return report;
}

struct cost {
    double milliseconds;
    std::size_t bytes;
};

template <class Backend>
cost cost_of(const memory_report& report) {
    std::array<double, 5> all{};
    std::size_t bytes = 0;
    for (double& each : all) {
        const std::clock_t start = std::clock();
        bytes = Backend::text(report).size();
        each = 1'000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    }
    std::sort(all.begin(), all.end());
    return {all[all.size() / 2], bytes};
}

template <class Backend>
void row(const memory_report& some, const memory_report& many) {
    const cost of_some = cost_of<Backend>(some);
    const cost of_many = cost_of<Backend>(many);
    std::printf("| %s | %.1f | %zu | %.0f | %zu |\n", Backend::name, of_some.milliseconds, of_some.bytes / 1'024,
                of_many.milliseconds, of_many.bytes / 1'024);
}

template <class... Backends>
void rows(const memory_report& some, const memory_report& many) {
    (row<Backends>(some, many), ...);
}

} // namespace

int main() {
    std::puts("| backend | 2,000 sites, ms | KiB | 20,000 sites, ms | KiB |");
    std::puts("|---|--:|--:|--:|--:|");
    const memory_report some = report_of(2'000);
    const memory_report many = report_of(20'000);
    rows<report::console, report::markdown, report::json, report::html, report::pprof, report::folded,
         report::speedscope, report::trace, report::firefox, report::dhat>(some, many);
}
