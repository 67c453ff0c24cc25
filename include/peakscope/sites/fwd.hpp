// SPDX-License-Identifier: MIT
// The names of the site policies, for a header that only names a profiler type.
#pragma once

#include <cstddef>

namespace peakscope::sites {

struct none; // NOLINT(bugprone-forward-declaration-namespace): so does the heap
struct libbacktrace;

template <class Symboliser = libbacktrace>
struct caller;

template <std::size_t Frames, class Symboliser = libbacktrace>
struct frames;

template <std::size_t Frames, class Symboliser = libbacktrace>
struct unwind;

} // namespace peakscope::sites
