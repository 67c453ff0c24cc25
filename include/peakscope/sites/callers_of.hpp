// SPDX-License-Identifier: MIT
// A symboliser for a program whose allocations go through functions of its own: sites are the places that call these.
//
//     #include <peakscope/sites/callers_of.hpp>
//     #include <peakscope/sites/libbacktrace.hpp>
//     using Names = peakscope::sites::callers_of<peakscope::sites::libbacktrace, "xmalloc", "arena::allocate">;
//     using Memory = peakscope::profiler<Phases, peakscope::heap::counting<peakscope::sites::frames<8, Names>>>;
#pragma once

#include <peakscope/core/fixed_string.hpp>
#include <peakscope/sites/symboliser.hpp>

namespace peakscope::sites {

/// `Symboliser`, with functions that are passed over. A function is given by its name, with as much of what it lies in
/// as tells it apart, and without any arguments: "arena::allocate" for `ns::arena<int>::allocate<char>(unsigned long)`.
template <class Symboliser, fixed_string... Wrappers>
struct callers_of : Symboliser {
    [[nodiscard]] static naming_rule rule() {
        naming_rule made = detail::rule_of<Symboliser>();
        (made.wrappers.emplace_back(Wrappers.c_str()), ...);
        return made;
    }
};

} // namespace peakscope::sites
