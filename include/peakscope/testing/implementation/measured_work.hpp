// SPDX-License-Identifier: MIT
// The bodies of testing/measured_work.hpp.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/profiler/implementation/attribute.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/testing/measured_work.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace peakscope::testing::detail {

// What lives of each call stack, in bytes; empty for sources that know none.
[[nodiscard]] inline std::map<call_stack, std::int64_t> live_by_stack(const measured_runs& measured) {
    const attribution of = measured.attributed();
    std::map<call_stack, std::int64_t> live;
    for (const attribution::window& window : of.windows)
        for (const attributed_amounts& each : window.amounts)
            if (const attributed_origin& from = of.origins[each.origin]; from.stack != attributed_origin::no_stack)
                live[of.stacks[from.stack]] += rounded_bytes(each.allocated_bytes - each.freed_bytes).count;
    return live;
}

// Where each of these stacks is in the program: "parser.cpp:12  parse".
[[nodiscard]] inline std::map<call_stack, std::string> places_of(const measured_runs& measured) {
    const attribution of = measured.attributed();
    const named_stacks names = measured.named(of);
    std::map<call_stack, std::string> all;
    for (std::size_t i = 0; i < of.stacks.size(); ++i)
        all.try_emplace(of.stacks[i], report::detail::place_of(profiler_detail::site_of(names.stacks[i], names.root)));
    return all;
}

} // namespace peakscope::testing::detail
