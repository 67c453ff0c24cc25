// SPDX-License-Identifier: MIT
// flags: -fno-exceptions
// expect: what measures, and the bodies, need exceptions; -fno-exceptions is for files that open phases
// expect-not: handler must be the last
#include <peakscope/profiler/measurement.hpp>
