// SPDX-License-Identifier: MIT
// What "per page" divides by.
#pragma once

#include <cstdint>

namespace peakscope {

/// Passed to `profiler::finish`: the noun in the singular, and how many of them the measurement handled.
/// With a count of 0 no per-item figure is shown. The name is copied by `finish`.
struct items {
    const char* name = "";
    std::uint64_t count = 0;
};

} // namespace peakscope
