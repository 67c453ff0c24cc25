// SPDX-License-Identifier: MIT
// The bodies of what the other headers declare. Include it in exactly one .cpp file of a program: in none, the linker
// names this header; in two, it finds every function twice. <peakscope/heap/counting_operators.hpp> and
// <peakscope/heap/malloc_counting_functions.hpp> bring it along, so a program that counts has it already.
//
// It needs range-v3 and Boost.Hana. The bodies of what needs Boost.Math come with its headers, where a file includes
// both, in any order: for leaks, scaling, repetition and comparison, include <peakscope/testing/statistics.hpp> in this
// file as well. What needs another library (report/json.hpp, sites/libbacktrace.hpp, ...) has its bodies in its own
// header.
#pragma once

#define PEAKSCOPE_IMPLEMENTATION

#include <peakscope/core/exceptions_needed.hpp>

#include <peakscope/core/implementation/exclusive_claim.hpp>
#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/core/implementation/format.hpp>
#include <peakscope/core/implementation/function_name.hpp>
#include <peakscope/core/implementation/report.hpp>
#include <peakscope/engine/implementation/hooks.hpp>
#include <peakscope/heap/implementation/allocators.hpp>
#include <peakscope/heap/implementation/counting_session.hpp>
#include <peakscope/heap/implementation/counting_switch.hpp>
#include <peakscope/heap/implementation/heap_since.hpp>
#include <peakscope/heap/implementation/instance_counter.hpp>
#include <peakscope/heap/implementation/jemalloc.hpp>
#include <peakscope/heap/implementation/sites_since.hpp>
#include <peakscope/profiler/implementation/phase_port.hpp>
#include <peakscope/profiler/implementation/running.hpp>
#include <peakscope/profiler/implementation/sources.hpp>
#include <peakscope/profiler/implementation/timeline_recorder.hpp>
#include <peakscope/report/implementation/console.hpp>
#include <peakscope/report/implementation/deflate.hpp>
#include <peakscope/report/implementation/destination.hpp>
#include <peakscope/report/implementation/folded.hpp>
#include <peakscope/report/implementation/markdown.hpp>
#include <peakscope/report/implementation/site_lines.hpp>
#include <peakscope/report/implementation/text_table.hpp>
#include <peakscope/rss/implementation/cgroup.hpp>
#include <peakscope/rss/implementation/map_code.hpp>
#include <peakscope/rss/implementation/process_counters.hpp>
#include <peakscope/rss/implementation/procfs.hpp>
#include <peakscope/rss/implementation/rusage.hpp>
#include <peakscope/rss/implementation/smaps.hpp>
#include <peakscope/rss/implementation/working_set.hpp>
#include <peakscope/sites/implementation/modules.hpp>
#include <peakscope/sites/implementation/name_cache.hpp>
#include <peakscope/sites/implementation/name_lookup.hpp>
#include <peakscope/sites/implementation/name_table.hpp>
#include <peakscope/sites/implementation/naming_child.hpp>
#include <peakscope/sites/implementation/symboliser.hpp>
#include <peakscope/testing/implementation/budget.hpp>
#include <peakscope/testing/implementation/child_process.hpp>
#include <peakscope/testing/implementation/faults.hpp>
#include <peakscope/testing/implementation/figures.hpp>
#include <peakscope/testing/implementation/measured_work.hpp>
#include <peakscope/testing/implementation/test_memory.hpp>

#ifdef PEAKSCOPE_USES_STATISTICS
#include <peakscope/testing/implementation/with_boost_math.hpp>
#endif
