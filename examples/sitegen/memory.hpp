// SPDX-License-Identifier: MIT
// The phases of a build, and the profiler that measures them. Included by every file that opens a phase.
#pragma once

#include <peakscope/profiler/profiler.hpp>

namespace sitegen {

using BuildPhases =
    peakscope::phases<"discovery", "parsing", peakscope::phase<"rendering", "markdown", "template">, "postprocess">;

#ifdef PROFILE_MEMORY
using Memory = peakscope::profiler<BuildPhases, peakscope::heap::counting<>, peakscope::rss::procfs>;
#else
using Memory = peakscope::profiler<BuildPhases>;
#endif

} // namespace sitegen
