// SPDX-License-Identifier: MIT
// The phases of a build, and the profiler that measures them. Included by every file that opens a phase.
#pragma once

#include <peakscope/profiler/profiler.hpp>
#include <peakscope/sites/fwd.hpp>

namespace sitegen {

using BuildPhases =
    peakscope::phases<"discovery", "parsing", peakscope::phase<"rendering", "markdown", "template">, "postprocess">;

#ifdef PROFILE_MEMORY
#ifdef SITEGEN_HEAP // the benchmarks compare several
using BuildHeap = SITEGEN_HEAP;
#else
using BuildHeap = peakscope::heap::counting<peakscope::sites::frames<8>>;
#endif
using Memory = peakscope::profiler<BuildPhases, BuildHeap, peakscope::rss::procfs>;
#else
using Memory = peakscope::profiler<BuildPhases>;
#endif

} // namespace sitegen
