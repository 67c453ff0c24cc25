// SPDX-License-Identifier: MIT
// The replaced operators, with the bodies of the library, for the tests that count: compiled once.
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/testing/statistics.hpp>
