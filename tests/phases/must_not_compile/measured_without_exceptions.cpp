// SPDX-License-Identifier: MIT
// flags: -fno-exceptions
// expect: only files that open phases can be compiled with -fno-exceptions
// expect-not: handler must be the last
#include <peakscope/profiler/measurement.hpp>
