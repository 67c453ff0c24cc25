// SPDX-License-Identifier: MIT
#include <peakscope/implementation.hpp>
#include <peakscope/testing/statistics.hpp>
