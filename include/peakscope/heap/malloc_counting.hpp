// SPDX-License-Identifier: MIT
// heap::malloc_counting: the heap as the malloc family sees it, in requested bytes, exactly: what C++ allocates, what C
// libraries allocate, and what the C library allocates for itself.
//
//     // in one .cpp file of the program:
//     #include <peakscope/heap/malloc_counting_functions.hpp>
//
//     // where the measurement starts:
//     #include <peakscope/heap/malloc_counting.hpp>
//     using Memory = peakscope::profiler<Phases, peakscope::heap::malloc_counting<peakscope::sites::unwind<8>>>;
//
// All else is as with heap::counting: phases, sites, labels, births, precision and price. What it does not see: mmap,
// and what a library allocates that brings an allocator of its own. Needs glibc.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/fwd.hpp>

namespace peakscope::heap {

/// The heap source over the replaced malloc. Its options are those of `counting`, and it serves one measurement at a
/// time.
template <class... Options>
class malloc_counting : public detail::counting_source<detail::malloc_of_process, 0, Options...> {
  public:
    static constexpr const char* name = "malloc_counting";
};

/// The same with the stacks of a sample, as `sampling` has them.
template <bytes Rate, class... Options>
class malloc_sampling : public detail::counting_source<detail::malloc_of_process, Rate.count, Options...> {
    static_assert(Rate.count > 0, "peakscope: a sampling rate is a number of bytes above 0");

  public:
    static constexpr const char* name = "malloc_sampling";
};

} // namespace peakscope::heap
