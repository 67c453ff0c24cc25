// SPDX-License-Identifier: MIT
// expect: a phase name is empty or holds
#include <peakscope/profiler/profiler.hpp>

using Build = peakscope::phases<"discovery", peakscope::phase<"rendering", "markdown", "template">>;
// expect: the_phases_are<.*"parsing"
static_assert(peakscope::phases<"parsing", "">::count == 2);
