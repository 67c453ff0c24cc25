// SPDX-License-Identifier: MIT
// The statistics that memory tests need: medians and what surrounds them, resampled confidence intervals, robust
// slopes. On Boost.Math, which the bodies need. All of it is repeatable: what is random has a fixed seed.
#pragma once

#include <peakscope/testing/statistics_functions.hpp>

#ifdef PEAKSCOPE_IMPLEMENTATION
#include <peakscope/testing/implementation/with_boost_math.hpp>
#endif
