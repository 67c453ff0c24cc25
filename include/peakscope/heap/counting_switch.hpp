// SPDX-License-Identifier: MIT
// Switches the counting of the replaced functions off, for a run that is not going to measure.
//
//     if (!options.profile_memory) peakscope::heap::switch_counting_off();
//
// `Memory memory{"title", peakscope::when(options.profile_memory)}` does it by itself (profiler/options.hpp).
//
// Counting is on from the first allocation of the process. Off, a new block costs a predictable branch more than
// without peakscope, and so does its end. Blocks from before go on being counted, till they are freed.
#pragma once

#include <peakscope/core/body.hpp>

namespace peakscope::heap {

/// From here on, new blocks are not counted, and no measurement of the counted heap can start. Returns whether that is
/// so: where another allocator than glibc's is linked or preloaded, the counting stays on. Throws `usage_error` while a
/// measurement runs. Any thread.
PEAKSCOPE_BODY_ELSEWHERE bool switch_counting_off();

/// From here on, new blocks are counted again. Those from in between are in no figure; the report of a measurement in
/// which they are freed tells how many.
PEAKSCOPE_BODY_ELSEWHERE void switch_counting_on() noexcept;

} // namespace peakscope::heap
