// SPDX-License-Identifier: MIT
// The options of heap::counting and heap::sampling, and how they are told apart.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/sites/none.hpp>
#include <peakscope/sites/stack.hpp>

#include <boost/hana/find_if.hpp>
#include <boost/hana/optional.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>

namespace peakscope::heap {

/// An option of `counting`: how many bytes a thread may have pending before it adds them to the shared sum. A smaller
/// batch gives tighter bounds with several threads and costs more; 0 makes every peak exact. The default is 32 KiB.
template <bytes Bytes>
struct batch {
    static_assert(Bytes.count >= 0, "peakscope: a batch is not negative");
    static constexpr std::int64_t batch_bytes = Bytes.count;
};

/// An option of `counting` with a site policy: sizes and lifetimes of the blocks of each site, as
/// `site_report::lifetimes`. Every block takes sixteen bytes more then, and every event of the program the slow path:
/// a profile to look for what need not be allocated, not for what takes time.
struct lifetimes {
    static constexpr bool watches_lifetimes = true;
};

namespace detail {

template <class Option>
concept lifetimes_option = requires { Option::watches_lifetimes; };

template <class Option>
concept batch_option = requires { Option::batch_bytes; };

// A heap source over an allocator's statistics.
template <class Option>
concept statistics_option = requires { typename Option::statistics; };

struct no_statistics {};

template <class Source>
inline constexpr bool is_watched_source = requires { requires Source::is_watched_at_a_rate; };

// What `reads_allocator` looks for.
template <class Option>
struct names_allocator {
    static constexpr const char* allocator_name = Option::allocator_name;
};
template <>
struct names_allocator<no_statistics> {};

template <class Option>
concept site_option = std::same_as<Option, sites::none> || sites::stack_capture<Option>;

template <class Option>
struct is_batch : std::bool_constant<batch_option<Option>> {};
template <class Option>
struct is_statistics : std::bool_constant<statistics_option<Option>> {};
template <class Option>
struct is_site : std::bool_constant<site_option<Option>> {};

// The first of the options that is of a kind, or the default.
template <template <class> class IsOfKind, class Default, class... Options>
using chosen = typename decltype(+boost::hana::find_if(boost::hana::tuple_t<Options...>, boost::hana::trait<IsOfKind>)
                                      .value_or(boost::hana::type_c<Default>))::type;

} // namespace detail

} // namespace peakscope::heap
