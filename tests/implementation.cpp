// SPDX-License-Identifier: MIT
#include <peakscope/implementation.hpp>
