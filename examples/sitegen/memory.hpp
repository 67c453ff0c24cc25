// SPDX-License-Identifier: MIT
// The phases of a build, and the profiler that measures them. Included by every file that opens a phase.
#pragma once

#include <peakscope/profiler/profiler.hpp>
#include <peakscope/sites/fwd.hpp>

namespace sitegen {

using BuildPhases =
    peakscope::phases<"discovery", "parsing", peakscope::phase<"rendering", "markdown", "template">, "postprocess">;

#ifdef PROFILE_MEMORY
#if defined(SITEGEN_HEAP) // tests and benchmarks compare several
using BuildHeap = SITEGEN_HEAP;
#elif defined(SITEGEN_COUNTS_OPERATORS)
using BuildHeap = peakscope::heap::counting<peakscope::sites::frames<8>>;
#else
using BuildHeap = peakscope::heap::malloc_counting<peakscope::sites::frames<8>>; // cmark allocates with malloc
#endif
#ifdef SITEGEN_RSS
using BuildRss = SITEGEN_RSS;
#else
using BuildRss = peakscope::rss::procfs;
#endif
using Memory = peakscope::profiler<BuildPhases, BuildHeap, BuildRss>;
#else
using Memory = peakscope::profiler<BuildPhases>;
#endif

} // namespace sitegen
