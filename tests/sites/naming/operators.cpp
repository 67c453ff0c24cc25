// SPDX-License-Identifier: MIT
#include <peakscope/heap/counting_operators.hpp>
