// SPDX-License-Identifier: MIT
// What holds in every report of a source that knows all its figures.
#pragma once

#include <peakscope/core/report.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace tests {

inline void check_figures(const peakscope::heap_figures& heap) {
    REQUIRE(heap.delta);
    REQUIRE(heap.allocated);
    REQUIRE(heap.peak_delta);
    CHECK(*heap.delta == *heap.allocated - *heap.freed);
    CHECK(heap.allocated->count >= 0);
    CHECK(heap.freed->count >= 0);
    // A bounded peak may be off by its bound; an exact one may not.
    CHECK(heap.peak_delta->count >= -heap.peak_precision.bound.count);
    if (heap.start) {
        CHECK(*heap.delta == *heap.end - *heap.start);
        CHECK(*heap.peak_delta == *heap.peak - *heap.start);
        CHECK(*heap.peak + heap.peak_precision.bound >= *heap.end);
        CHECK(static_cast<std::int64_t>(*heap.blocks_end - *heap.blocks_start) ==
              static_cast<std::int64_t>(*heap.allocations - *heap.deallocations));
    }
}

/// delta = allocated - freed everywhere, and no child peaks above its parent.
inline void check_invariants(const peakscope::memory_report& report) {
    check_figures(report.heap);
    for (const auto& phase : report.phases) {
        if (phase.entries == 0) continue;
        CAPTURE(phase.path);
        check_figures(phase.heap);
        CHECK(*report.heap.peak >= *phase.heap.peak);
        const std::size_t parents = phase.path.rfind('/');
        if (parents != std::string::npos)
            CHECK(*report.phase(phase.path.substr(0, parents)).heap.peak >= *phase.heap.peak);
    }
    if (!report.heap.start) return;
    // The phases at the root and what lies outside of them make up the whole.
    peakscope::bytes at_root{};
    for (const auto& phase : report.phases)
        if (phase.entries > 0 && phase.path.find('/') == std::string::npos) at_root += *phase.heap.allocated;
    CHECK(*report.heap.allocated >= at_root);
}

} // namespace tests
