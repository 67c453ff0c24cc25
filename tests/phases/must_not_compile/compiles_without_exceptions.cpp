// SPDX-License-Identifier: MIT
// flags: -fno-exceptions
// expect-success: a file that opens phases
#include <peakscope/profiler/profiler.hpp>

using Build = peakscope::phases<"discovery", peakscope::phase<"rendering", "markdown", "template">>;
void f() {
    auto discovery = peakscope::scopes<Build>::phase<"discovery">();
    auto work = peakscope::no_scopes<Build>::work<"markdown">();
}
