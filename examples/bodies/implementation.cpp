// SPDX-License-Identifier: MIT
// What a project of several programs does: the bodies of the library are compiled here, once, and linked with each.
#include <peakscope/implementation.hpp>
#include <peakscope/testing/statistics.hpp>
