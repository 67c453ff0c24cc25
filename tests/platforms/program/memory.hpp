// SPDX-License-Identifier: MIT
// The program of the matrix: what a file that opens phases sees of it.
#pragma once

#include <peakscope/heap/fwd.hpp>
#include <peakscope/profiler/profiler.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/rss/fwd.hpp>

using Memory = peakscope::profiler<peakscope::phases<"reading", "rendering">, peakscope::heap::counting<>, RSS_SOURCE>;

void* read();
void* render();
