// SPDX-License-Identifier: MIT
// The body of heap/instance_counter.hpp.
#pragma once

#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/heap/instance_counter.hpp>

#include <algorithm>
#include <cstdint>

namespace peakscope::heap {

heap_figures instance_counter::leave(const window& inner) noexcept {
    const std::int64_t peak_bytes = peak().count;
    peak_bytes_.store(std::max(peak_bytes, inner.outer_peak_bytes_), std::memory_order_relaxed);
    heap_figures figures = figures_between(inner.start_, now());
    set_peak(figures, bytes{peak_bytes}, bytes{inner.start_.live_bytes()}, exact);
    return figures;
}

} // namespace peakscope::heap
