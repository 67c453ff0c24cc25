// SPDX-License-Identifier: MIT
// The replaced operators, for the tests that count. The bodies of the library are beside them, compiled once for all.
#include <peakscope/heap/interpose/operators.hpp>
