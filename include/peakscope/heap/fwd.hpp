// SPDX-License-Identifier: MIT
// The names of the heap sources, for a header that only names a profiler type. Who starts a measurement includes the
// source's own header as well.
#pragma once

#include <peakscope/core/bytes.hpp>

namespace peakscope::heap {

struct none;

template <class... Options>
class counting;

template <bytes Rate, class... Options>
class sampling;

template <class... Options>
class malloc_counting;

template <bytes Rate, class... Options>
class malloc_sampling;

template <bytes Bytes>
struct batch;

} // namespace peakscope::heap
