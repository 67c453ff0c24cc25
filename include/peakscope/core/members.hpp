// SPDX-License-Identifier: MIT
// The members of the report's structs, each listed once: what writes, reads or compares them goes by these lists, so
// that none can leave out what another has. Needs Boost.Hana.
//
//     boost::hana::for_each(peakscope::members<peakscope::work_figures>, [&](const auto& each) {
//         show(each.name, figures.*each.of);
//     });
#pragma once

#include <peakscope/core/report.hpp>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>

namespace peakscope {

/// When a member stands in a document.
enum class member_is {
    always,    ///< null where it is not known
    if_known,  ///< left out where it is not known; where it always is, left out at 0
    since_then ///< always written; documents from before it have none
};

/// A member of a struct, by the name it has in documents.
template <class Struct, class Value>
struct member {
    const char* name;
    Value Struct::* of;
    member_is written = member_is::always;
};
template <class Struct, class Value>
member(const char*, Value Struct::*) -> member<Struct, Value>;
template <class Struct, class Value>
member(const char*, Value Struct::*, member_is) -> member<Struct, Value>;

/// The members of `Struct`, a Hana tuple of `member`s, in the order of documents. Of structs that hold others, those
/// with plain values.
template <class Struct>
inline constexpr auto members = nullptr;

/// What heap and RSS figures have in common.
template <class Figures>
inline constexpr auto window_members =
    boost::hana::make_tuple(member{"start", &Figures::start}, member{"end", &Figures::end},
                            member{"delta", &Figures::delta}, member{"peak", &Figures::peak},
                            member{"peak_delta", &Figures::peak_delta});

/// Beside `window_members`.
template <>
inline constexpr auto members<heap_figures> = boost::hana::make_tuple(
    member{"allocated", &heap_figures::allocated}, member{"freed", &heap_figures::freed},
    member{"allocations", &heap_figures::allocations}, member{"deallocations", &heap_figures::deallocations},
    member{"blocks_start", &heap_figures::blocks_start}, member{"blocks_end", &heap_figures::blocks_end});

template <>
inline constexpr auto members<allocator_state> =
    boost::hana::make_tuple(member{"usable", &allocator_state::usable}, member{"active", &allocator_state::active},
                            member{"resident", &allocator_state::resident},
                            member{"retained", &allocator_state::retained});

/// Beside `window_members`.
template <>
inline constexpr auto members<rss_figures> =
    boost::hana::make_tuple(member{"delta_bound", &rss_figures::delta_bound, member_is::if_known},
                            member{"profiler_bytes", &rss_figures::profiler_bytes, member_is::since_then});

template <>
inline constexpr auto members<resident_state> =
    boost::hana::make_tuple(member{"anonymous", &resident_state::anonymous}, member{"file", &resident_state::file},
                            member{"shmem", &resident_state::shmem}, member{"pss", &resident_state::pss},
                            member{"uss", &resident_state::uss}, member{"shared", &resident_state::shared},
                            member{"swap", &resident_state::swap}, member{"limit", &resident_state::limit});

template <>
inline constexpr auto members<touched_memory> =
    boost::hana::make_tuple(member{"at_least", &touched_memory::at_least}, member{"at_most", &touched_memory::at_most},
                            member{"resident", &touched_memory::resident});

template <>
inline constexpr auto members<site_amounts> = boost::hana::make_tuple(
    member{"delta_bytes", &site_amounts::delta_bytes}, member{"delta_blocks", &site_amounts::delta_blocks},
    member{"at_peak_bytes", &site_amounts::at_peak_bytes}, member{"at_peak_blocks", &site_amounts::at_peak_blocks},
    member{"at_peak_born_inside_bytes", &site_amounts::at_peak_born_inside, member_is::if_known},
    member{"allocated_bytes", &site_amounts::allocated_bytes}, member{"allocations", &site_amounts::allocations},
    member{"delta_error_bytes", &site_amounts::delta_error, member_is::if_known},
    member{"at_peak_error_bytes", &site_amounts::at_peak_error, member_is::if_known},
    member{"allocated_error_bytes", &site_amounts::allocated_error, member_is::if_known});

template <>
inline constexpr auto members<lifetime_figures> =
    boost::hana::make_tuple(member{"sizes", &lifetime_figures::sizes},
                            member{"temporary", &lifetime_figures::temporary},
                            member{"short_lived", &lifetime_figures::short_lived},
                            member{"short_lived_bytes", &lifetime_figures::short_lived_bytes},
                            member{"peak_bytes", &lifetime_figures::peak_bytes});

template <>
inline constexpr auto members<module_report> =
    boost::hana::make_tuple(member{"path", &module_report::path}, member{"build_id", &module_report::build_id},
                            member{"load_bias", &module_report::load_bias});

template <>
inline constexpr auto members<naming_figures> =
    boost::hana::make_tuple(member{"addresses", &naming_figures::addresses}, member{"cached", &naming_figures::cached},
                            member{"duration_ns", &naming_figures::duration},
                            member{"children_peak_rss", &naming_figures::children_peak_rss});

template <>
inline constexpr auto members<stack_frame> =
    boost::hana::make_tuple(member{"function", &stack_frame::function}, member{"file", &stack_frame::file},
                            member{"line", &stack_frame::line}, member{"inlined", &stack_frame::inlined},
                            member{"address", &stack_frame::address, member_is::since_then},
                            member{"module", &stack_frame::module, member_is::if_known});

template <>
inline constexpr auto members<birth_report> =
    boost::hana::make_tuple(member{"at_peak", &birth_report::at_peak}, member{"at_end", &birth_report::at_end},
                            member{"allocated", &birth_report::allocated}, member{"freed_in", &birth_report::freed_in});

template <>
inline constexpr auto members<work_figures> = boost::hana::make_tuple(
    member{"entries", &work_figures::entries}, member{"thread_time_ns", &work_figures::thread_time},
    member{"allocated", &work_figures::allocated}, member{"freed", &work_figures::freed},
    member{"allocations", &work_figures::allocations}, member{"deallocations", &work_figures::deallocations});

template <>
inline constexpr auto members<label_report> = boost::hana::make_tuple(
    member{"name", &label_report::name}, member{"allocated_bytes", &label_report::allocated_bytes},
    member{"allocations", &label_report::allocations}, member{"delta_bytes", &label_report::delta_bytes},
    member{"peak_bytes", &label_report::peak_bytes},
    member{"at_peak_bytes", &label_report::at_peak_bytes, member_is::since_then});

template <>
inline constexpr auto members<item_count> =
    boost::hana::make_tuple(member{"name", &item_count::name}, member{"count", &item_count::count});

/// Adds each listed member of `more` to that of `sum`; by `sum.member += more.member`, or as `add(sum.member,
/// more.member)` does it.
template <class Struct, class Add>
void add_members(Struct& sum, const Struct& more, Add add) {
    boost::hana::for_each(members<Struct>, [&](const auto& each) { add(sum.*each.of, more.*each.of); });
}
template <class Struct>
void add_members(Struct& sum, const Struct& more) {
    add_members(sum, more, [](auto& to, const auto& value) { to += value; });
}

} // namespace peakscope
