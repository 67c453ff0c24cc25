// SPDX-License-Identifier: MIT
// expect-success: the lines around the mistakes are right
#include <peakscope/profiler/profiler.hpp>

using Build = peakscope::phases<"discovery", peakscope::phase<"rendering", "markdown", "template">>;
void f() {
    auto discovery = peakscope::profiler<Build>::phase<"discovery">();
    auto markdown = peakscope::profiler<Build, peakscope::heap::counting<>>::phase<"rendering/markdown">();
}
