// SPDX-License-Identifier: MIT
// The names of the heap sources, for a header that only names a profiler type. Who starts a measurement includes the
// source's own header as well.
#pragma once

#include <peakscope/core/byte_count.hpp>
#include <peakscope/core/language.hpp>
#include <peakscope/sites/fwd.hpp>

#include <cstdint>

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
struct lifetimes;

class resource;
template <class Sites = sites::none>
class checked_resource;

template <class... Options>
class glibc;
template <class... Options>
class jemalloc;
template <class... Options>
class mimalloc;
template <class... Options>
class tcmalloc;

template <std::uint32_t Microseconds>
struct watched;
struct this_thread;

} // namespace peakscope::heap
