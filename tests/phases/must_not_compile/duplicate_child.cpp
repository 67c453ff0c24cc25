// SPDX-License-Identifier: MIT
// expect: two phases with one parent have the same name
#include <peakscope/profiler/profiler.hpp>

using Build = peakscope::phases<"discovery", peakscope::phase<"rendering", "markdown", "template">>;
// expect: the_phases_are<.*"rendering/markdown".*"rendering/markdown"
static_assert(peakscope::phases<peakscope::phase<"rendering", "markdown", "markdown">>::count == 3);
