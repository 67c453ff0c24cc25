// SPDX-License-Identifier: MIT
// The bodies of what the other headers declare. Include it in exactly one .cpp file of a program: in none, the linker
// names this header; in two, it finds every function twice. <peakscope/heap/counting_operators.hpp> and
// <peakscope/heap/malloc_counting_functions.hpp> bring it along, so a program that counts has it already.
//
// The body of what needs an optional library comes with that header, where a file includes both of them, in any order:
// for reports as JSON, include <peakscope/report/json.hpp> in this file as well; for leaks, scaling, repetition and
// comparison, which need Boost.Math, <peakscope/testing/statistics.hpp>.
#pragma once

#define PEAKSCOPE_IMPLEMENTATION

#include <peakscope/core/implementation/format.hpp>
#include <peakscope/engine/implementation/hooks.hpp>
#include <peakscope/heap/implementation/counting_session.hpp>
#include <peakscope/heap/implementation/heap_since.hpp>
#include <peakscope/profiler/implementation/running.hpp>
#include <peakscope/report/implementation/console.hpp>
#include <peakscope/report/implementation/destination.hpp>
#include <peakscope/report/implementation/site_lines.hpp>
#include <peakscope/report/implementation/text_table.hpp>
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
