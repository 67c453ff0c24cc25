// SPDX-License-Identifier: MIT
// What the options of a start (options.hpp) come to.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/profiler/options.hpp>

#include <type_traits>
#include <utility>

namespace peakscope::profiler_detail {

// What a profiler was given beside its title.
struct start_options {
    bool strict = false;
    bool if_possible = false;
    bool measures = true;
    bool switches = false;         // the source, on or off
    const char* backend = nullptr; // as PEAKSCOPE has it
};
// Null where PEAKSCOPE asks for nothing.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] const char* backend_asked_for() noexcept;

// Each option of a start sets itself; what is no option settles.
inline void read(start_options& into, strict_option) noexcept { into.strict = true; }
inline void read(start_options& into, if_possible_option) noexcept { into.if_possible = true; }
inline void read(start_options& into, when_option asked) noexcept {
    into.switches = true;
    into.measures = into.measures && asked.measures;
}
inline void read(start_options& into, when_asked_option) noexcept {
    into.backend = backend_asked_for();
    read(into, when(into.backend != nullptr));
}
template <class Settle>
    requires std::is_invocable_v<Settle&>
void read(start_options&, Settle&) noexcept {}

template <class Option>
void settle(Option&& option) {
    if constexpr (std::is_invocable_v<Option>) std::forward<Option>(option)();
}

} // namespace peakscope::profiler_detail
