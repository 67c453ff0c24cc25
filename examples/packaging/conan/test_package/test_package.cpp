// SPDX-License-Identifier: MIT
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/rss/procfs.hpp>

using Memory = peakscope::profiler<peakscope::phases<"work">, peakscope::heap::counting<>, peakscope::rss::procfs,
                                   peakscope::report::console>;

int main() {
    Memory memory{"packaged"};
    void* block = nullptr;
    {
        auto phase = Memory::phase<"work">();
        block = ::operator new(5 << 20);
    }
    const peakscope::memory_report report = memory.finish();
    ::operator delete(block);
    return report.phase("work").heap.delta->count == 5 << 20 ? 0 : 1;
}
