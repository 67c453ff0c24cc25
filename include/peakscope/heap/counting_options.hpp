// SPDX-License-Identifier: MIT
// The options of heap::counting and heap::sampling, and how they are told apart.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/sites/none.hpp>
#include <peakscope/sites/stack.hpp>

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

namespace detail {

template <class Option>
concept batch_option = requires { Option::batch_bytes; };

// A heap source over an allocator's statistics.
template <class Option>
concept statistics_option = requires { typename Option::statistics; };

struct no_statistics {};

// What `reads_allocator` looks for.
template <class Option>
struct names_allocator {
    static constexpr const char* allocator_name = Option::allocator_name;
};
template <>
struct names_allocator<no_statistics> {};

template <class Option>
concept site_option = std::same_as<Option, sites::none> || sites::stack_capture<Option>;

// The first of the options that is of a kind, or the default.
template <template <class> class Is, class Default, class... Options>
struct chosen {
    using type = Default;
};
template <template <class> class Is, class Default, class First, class... Rest>
struct chosen<Is, Default, First, Rest...>
    : std::conditional_t<Is<First>::value, std::type_identity<First>, chosen<Is, Default, Rest...>> {};

template <class Option>
using is_batch = std::bool_constant<batch_option<Option>>;
template <class Option>
using is_statistics = std::bool_constant<statistics_option<Option>>;
template <class Option>
using is_site = std::bool_constant<site_option<Option>>;

} // namespace detail

} // namespace peakscope::heap
