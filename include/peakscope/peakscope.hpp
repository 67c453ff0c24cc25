// SPDX-License-Identifier: MIT
// All of peakscope that needs nothing but Boost.Hana. Left out, for who wants them to include:
//   heap/counting_operators.hpp          replaces operator new and delete; belongs in one .cpp file
//   heap/malloc_counting_functions.hpp   replaces the malloc family as well; the same
//   sites/                               call stacks and their names; libunwind, libbacktrace
//   testing/                             for tests
//   report/json.hpp, json_reader.hpp     need nlohmann-json
//   report/dhat.hpp, firefox.hpp, html.hpp, speedscope.hpp, trace.hpp: the same
//   report/pprof.hpp                     needs protozero and zlib
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/checked_resource.hpp>
#include <peakscope/heap/counted_allocator.hpp>
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_switch.hpp>
#include <peakscope/heap/glibc.hpp>
#include <peakscope/heap/jemalloc.hpp>
#include <peakscope/heap/malloc_counting.hpp>
#include <peakscope/heap/mimalloc.hpp>
#include <peakscope/heap/none.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/heap/tcmalloc.hpp>
#include <peakscope/phases/hana.hpp>
#include <peakscope/phases/phase_list.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/profiler/profiler.hpp>
#include <peakscope/report/by_name.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/folded.hpp>
#include <peakscope/report/markdown.hpp>
#include <peakscope/report/none.hpp>
#include <peakscope/report/tee.hpp>
#include <peakscope/rss/cgroup.hpp>
#include <peakscope/rss/map_code.hpp>
#include <peakscope/rss/none.hpp>
#include <peakscope/rss/process_counters.hpp>
#include <peakscope/rss/procfs.hpp>
#include <peakscope/rss/rusage.hpp>
#include <peakscope/rss/smaps.hpp>
#include <peakscope/rss/working_set.hpp>
