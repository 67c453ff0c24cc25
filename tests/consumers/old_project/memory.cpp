// SPDX-License-Identifier: MIT
// The one C++20 file.
#include "memory.h"
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/profiler/phase_bridge.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/rss/procfs.hpp>
using Memory = peakscope::profiler<peakscope::phases<"reading", "indexing">, peakscope::heap::counting<>,
                                   peakscope::rss::procfs, peakscope::report::console>;
const peakscope_phase reading = peakscope::bridged<Memory, "reading">;
const peakscope_phase indexing = peakscope::bridged<Memory, "indexing">;
void measure(void (*work)()) {
    Memory memory{"word_index"};
    work();
    memory.finish();
}
