// SPDX-License-Identifier: MIT
// What lexgen measures. Without PROFILE_MEMORY, nothing of it is in the program.
#pragma once

#include <peakscope/profiler/profiler.hpp>

using Phases = peakscope::phases<"reading", "nfa", "dfa", "minimising", "writing">;

#ifdef PROFILE_MEMORY
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/peakscope.hpp>
using Memory =
    peakscope::profiler<Phases, peakscope::heap::counting<>, peakscope::rss::procfs, peakscope::report::console>;
#else
using Memory = peakscope::profiler<Phases>;
#endif
