// SPDX-License-Identifier: MIT
// Call stacks for the limits of whole tests: with them, the message of a broken limit names the lines that allocated.
//
//     #include <peakscope/sites/frames.hpp>
//     #include <peakscope/sites/libbacktrace.hpp>
//     peakscope::testing::set_test_defaults({.allowed = {.heap_peak = peakscope::bytes{64 << 20}},
//                                            .stacks = &peakscope::testing::stacks_by<peakscope::sites::frames<8>>});
//
// Tests take as long then as under heap::counting with that site policy. A test that measures for itself is named no
// lines of.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/engine/capture.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/symboliser.hpp>
#include <peakscope/testing/test_memory.hpp>

namespace peakscope::testing {

namespace detail {

struct stack_source {
    const engine::capture_mode* mode;
    named_stacks (*named)(const attribution& of);
};

} // namespace detail

/// How stacks are captured and named, for `test_defaults::stacks`.
template <sites::stack_capture Policy>
inline constexpr detail::stack_source stacks_by{&engine::capturing<Policy>::mode, [](const attribution& of) {
                                                    return sites::name_stacks<typename Policy::symboliser>(of);
                                                }};

} // namespace peakscope::testing
