// SPDX-License-Identifier: MIT
// The order in which lists are shown. One sort serves them all: each sort of a type's own adds to what the bodies cost
// to compile.
#pragma once

#include <range/v3/algorithm/sort.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/indices.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope {

// What one of a list is ordered by; the smallest first.
struct rank {
    std::int64_t first = 0;
    std::int64_t second = 0;
    std::string_view place{};
    std::uint64_t number = 0;
    std::string_view name{};

    [[nodiscard]] std::strong_ordering operator<=>(const rank&) const = default;
};

// The numbers of the ranks, in their order. Equal ones stay as they are.
[[nodiscard]] inline std::vector<std::size_t> in_order(const std::vector<rank>& ranks) {
    auto order = ranges::views::indices(ranks.size()) | ranges::to<std::vector>();
    ranges::sort(order, ranges::less{},
                 [&](std::size_t number) { return std::pair<const rank&, std::size_t>{ranks[number], number}; });
    return order;
}

// Sorts by `rank_of(value)`, which may refer to the value. Returns the place at which each one was before.
template <class Value, class RankOf>
std::vector<std::size_t> sort_by_rank(std::vector<Value>& all, RankOf rank_of) {
    std::vector<rank> ranks;
    ranks.reserve(all.size());
    for (const Value& each : all)
        ranks.push_back(rank_of(each));
    std::vector<std::size_t> order = in_order(ranks);
    std::vector<Value> sorted;
    sorted.reserve(all.size());
    for (const std::size_t number : order)
        sorted.push_back(std::move(all[number]));
    all = std::move(sorted);
    return order;
}

} // namespace peakscope
