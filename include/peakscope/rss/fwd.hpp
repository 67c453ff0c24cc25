// SPDX-License-Identifier: MIT
// The names of the RSS sources, for a header that only names a profiler type.
#pragma once

#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/language.hpp>

#include <cstdint>

namespace peakscope::rss {

struct none;

template <fixed_string Directory>
class procfs_at;

template <std::uint32_t Microseconds>
class procfs_watched;

template <std::uint32_t Microseconds>
class procfs_shared;

template <fixed_string Directory>
class smaps_at;

template <fixed_string Directory>
class working_set_at;

template <fixed_string Process>
class cgroup_at;

class process_counters;

class rusage; // NOLINT(bugprone-forward-declaration-namespace): the system has a struct of this name

/// Of this process, by Linux's /proc/self.
using procfs = procfs_at<"/proc/self">;
using smaps = smaps_at<"/proc/self">;
using working_set = working_set_at<"/proc/self">;
using cgroup = cgroup_at<"/proc/self">;

} // namespace peakscope::rss
