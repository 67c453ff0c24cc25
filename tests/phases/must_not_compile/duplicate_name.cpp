// SPDX-License-Identifier: MIT
// expect: two phases with one parent have the same name
#include <peakscope/profiler/profiler.hpp>

using Build = peakscope::phases<"discovery", peakscope::phase<"rendering", "markdown", "template">>;
// expect: the_phases_are<.*"parsing".*"parsing"
static_assert(peakscope::phases<"parsing", "rendering", "parsing">::count == 3);
