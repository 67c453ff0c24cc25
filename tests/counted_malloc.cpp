// SPDX-License-Identifier: MIT
// The replaced malloc and operators, for the tests that count both.
#include <peakscope/heap/interpose/malloc_functions.hpp>
