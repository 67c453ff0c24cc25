// SPDX-License-Identifier: MIT
// expect: several phases have this name
#include <peakscope/profiler/profiler.hpp>

using Build = peakscope::phases<"discovery", peakscope::phase<"rendering", "markdown", "template">>;
// expect: the_phases_are<.*"rendering/template".*"other/template"
using Twice = peakscope::phases<peakscope::phase<"rendering", "template">, peakscope::phase<"other", "template">>;
static_assert(Twice::index_of<"template"> == 1);
