// SPDX-License-Identifier: MIT
#include <peakscope/profiler/bridge.h>
PEAKSCOPE_BRIDGED_PHASE(reading);
PEAKSCOPE_BRIDGED_PHASE(indexing);
void measure(void (*work)());
