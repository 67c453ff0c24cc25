// SPDX-License-Identifier: MIT
// The names of the RSS sources, for a header that only names a profiler type.
#pragma once

#include <peakscope/core/fixed_string.hpp>

namespace peakscope::rss {

struct none;

template <fixed_string Directory>
class procfs_at;

template <fixed_string Directory>
class smaps_at;

template <fixed_string Process>
class cgroup_at;

class rusage; // NOLINT(bugprone-forward-declaration-namespace): the system has a struct of this name

/// Of this process, by Linux's /proc/self.
using procfs = procfs_at<"/proc/self">;
using smaps = smaps_at<"/proc/self">;
using cgroup = cgroup_at<"/proc/self">;

} // namespace peakscope::rss
