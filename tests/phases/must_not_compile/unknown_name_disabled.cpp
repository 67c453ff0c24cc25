// SPDX-License-Identifier: MIT
// expect: there is no phase of this name
// expect-not: 18446744073709551615
#include <peakscope/profiler/profiler.hpp>

using Build = peakscope::phases<"discovery", peakscope::phase<"rendering", "markdown", "template">>;
// expect: the_phases_are<.*"discovery".*"rendering".*"rendering/markdown".*"rendering/template"
void f() { auto phase = peakscope::profiler<Build>::phase<"rendreing">(); }
