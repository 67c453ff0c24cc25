// SPDX-License-Identifier: MIT
// A whole program with a memory report, which report() prints.
#include <peakscope/heap/counting_operators.hpp> // in one .cpp file of the program
#include <peakscope/peakscope.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>

#include <string>
#include <vector>

using Phases = peakscope::phases<"reading", peakscope::phase<"rendering", "sorting">>;
using Heap = peakscope::heap::counting<peakscope::sites::unwind<16>>; // and who allocated
using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::procfs, peakscope::report::console>;

int main() {
    const std::vector<std::string> fixture(100'000, std::string(100, '.')); // not measured
    Memory memory{"1,000 lines"};
    std::vector<std::string> lines;
    {
        auto phase = Memory::phase<"reading">();
        for (int i = 0; i < 1'000; ++i)
            lines.push_back(fixture.front() + std::to_string(i * 7919 % 1'000));
    }
    {
        auto phase = Memory::phase<"rendering">();
        auto sorting = Memory::phase<"sorting">();
        std::vector<std::string> copy(20, std::string(1'000'000, ' ')); // 20 MB for a moment
        copy.front() = lines.back();
    }
    memory.report({"line", 1'000});
}
