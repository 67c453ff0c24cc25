// SPDX-License-Identifier: MIT
// The bodies of testing/ that need Boost.Math, for the file that has included implementation.hpp and a header of these.
// They cost that file seconds, so that a program without such tests does not have them.
#pragma once

#include <peakscope/testing/implementation/compare.hpp>
#include <peakscope/testing/implementation/comparison_text.hpp>
#include <peakscope/testing/implementation/leaks.hpp>
#include <peakscope/testing/implementation/repetitions.hpp>
#include <peakscope/testing/implementation/scaling.hpp>
#include <peakscope/testing/implementation/statistics.hpp>
