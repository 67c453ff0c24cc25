// SPDX-License-Identifier: MIT
// std::chrono::nanoseconds, for headers that hold durations and read no clock: of the standard library's headers that
// have it, <shared_mutex> is among the lightest. <chrono>, with its clocks and the streams that they need, costs a file
// 0.1 s.
#pragma once

#include <shared_mutex>
