// SPDX-License-Identifier: MIT
// The names of the site policies, for a header that only names a profiler type.
#pragma once

#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/language.hpp>

#include <cstddef>

namespace peakscope::sites {

struct none; // NOLINT(bugprone-forward-declaration-namespace): so does the heap
struct libbacktrace;
struct libbacktrace_in_process;
struct addresses;
template <fixed_string Command = "addr2line">
class addr2line;

template <class Symboliser = libbacktrace>
struct caller;

template <std::size_t Frames, class Symboliser = libbacktrace>
struct frames;

template <std::size_t Frames, class Symboliser = libbacktrace>
struct unwind;

} // namespace peakscope::sites
