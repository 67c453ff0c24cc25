// SPDX-License-Identifier: MIT
// The replaced malloc and operators, for the programs that count both. The bodies of the library are beside them.
#include <peakscope/heap/interpose/malloc_functions.hpp>
