// SPDX-License-Identifier: MIT
// Defines the phases that code in C or older C++ opens (bridge.h).
//
//     // memory.cpp, the C++20 file, with "memory_phases.h" included
//     const peakscope_phase parsing_phase = peakscope::bridged<Memory, "parsing">;
//     const peakscope_phase worker_phase = peakscope::bridged_work<Memory, "rendering">; // on any thread
#pragma once

#include <peakscope/core/language.hpp>
#include <peakscope/profiler/bridge.h>
#include <peakscope/profiler/scopes.hpp>

#include <new>

namespace peakscope {

namespace profiler_detail {

template <class Scope, Scope (*Open)()>
inline constexpr peakscope_phase bridge_of{[](void* storage) {
                                               static_assert(sizeof(Scope) <= sizeof(peakscope_open_phase::storage));
                                               ::new (storage) Scope(Open());
                                           },
                                           [](void* storage) { std::launder(static_cast<Scope*>(storage))->~Scope(); }};

} // namespace profiler_detail

/// A phase of `Scopes`, a profiler or `scopes<...>`; what it throws goes through the code that opens it.
template <class Scopes, fixed_string Name>
inline constexpr peakscope_phase bridged =
    profiler_detail::bridge_of<decltype(Scopes::template phase<Name>()), &Scopes::template phase<Name>>;

/// The same for what a thread does for a phase.
template <class Scopes, fixed_string Name>
inline constexpr peakscope_phase bridged_work =
    profiler_detail::bridge_of<decltype(Scopes::template work<Name>()), &Scopes::template work<Name>>;

} // namespace peakscope
