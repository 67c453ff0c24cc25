// SPDX-License-Identifier: MIT
// A phase list as a Boost.Hana sequence, for programs that compute with it. Files that only open phases do without:
// Hana's tuple alone takes a compiler longer than all that they need.
//
//     #include <boost/hana/for_each.hpp>
//     boost::hana::for_each(peakscope::phases_as_hana<BuildPhases>, [](auto row) {
//         std::puts(decltype(row)::type::path.c_str());
//     });
#pragma once

#include <peakscope/phases/phase_list.hpp>

#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

namespace peakscope {

namespace phases_detail {

template <class... Rows>
consteval auto as_hana(rows<Rows...>) {
    return boost::hana::tuple_t<Rows...>;
}

} // namespace phases_detail

/// A `hana::tuple` of `hana::type`s in preorder: of the list's rows, each a type with the static members `path`,
/// `parent`, `name` (fixed strings) and `depth`.
template <class PhaseList>
inline constexpr auto phases_as_hana = phases_detail::as_hana(typename PhaseList::rows{});

} // namespace peakscope
