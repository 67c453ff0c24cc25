// SPDX-License-Identifier: MIT
// The replaced operators, for the programs that count. The bodies of the library are beside them.
#include <peakscope/heap/interpose/operators.hpp>
