// SPDX-License-Identifier: MIT
// 2,500 call sites: 250 instances of a template, each with a container of its own type. Built four times, for four
// PARTs.
#include <array>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace {

const volatile void* volatile sink;

template <std::size_t Size>
[[gnu::noinline]] void ten_sites() {
    using value = std::array<char, Size>;
    std::vector<value> values;
    values.push_back({});
    values.push_back({});
    sink = values.data();
    const auto keep = [](const std::unique_ptr<value>& made) { sink = made.get(); };
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
}

template <std::size_t... Numbers>
void all_sites(std::index_sequence<Numbers...>) {
    (ten_sites<PART * sizeof...(Numbers) + Numbers + 1>(), ...);
}

} // namespace

template <int Part>
void sites_of_part();
template <>
void sites_of_part<PART>() {
    all_sites(std::make_index_sequence<250>{});
}
