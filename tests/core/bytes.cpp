// SPDX-License-Identifier: MIT
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/fixed_string.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <type_traits>

namespace bytes_tests {

using namespace peakscope::literals;
using peakscope::bytes;
using peakscope::fixed_string;

TEST_CASE("byte literals are binary") {
    static_assert((7_B).count == 7);
    static_assert(1_KiB == bytes{1'024});
    static_assert(100_MiB == bytes{104'857'600});
    static_assert(2_GiB == 2'048_MiB);
    static_assert(std::is_same_v<decltype(1_MiB), bytes>);
    CHECK((100_MiB).count == 104'857'600);
}

TEST_CASE("bytes add, scale and compare as numbers do") {
    static_assert(1_KiB + 1_B == 1'025_B);
    static_assert(1_KiB - 2_KiB == -1_KiB);
    static_assert(3 * 1_MiB == 1_MiB * 3);
    static_assert(10_B / 4 == 2_B);
    static_assert(-10_B / 4 == -2_B);
    static_assert(1_MiB > 1'023_KiB);
    bytes sum{};
    sum += 5_B;
    sum -= 7_B;
    CHECK(sum == -2_B);
}

TEST_CASE("bytes stop at the ends of their range") {
    constexpr bytes most{INT64_MAX};
    constexpr bytes least{INT64_MIN};
    static_assert(most + 1_B == most && least - 1_B == least);
    static_assert(least + least == least && most - least == most);
    static_assert(-least == most && least / -1 == most && least.magnitude() == most);
    static_assert(most * 2 == most && 2 * least == least && least * -1 == most && most * -2 == least);
    static_assert((-3_B).magnitude() == 3_B);
    static_assert(bytes::of(7) == 7_B && bytes::of(UINT64_MAX) == most);
    bytes doubled = most;
    doubled += doubled;
    CHECK(doubled == most);
}

template <bytes Limit>
constexpr bytes limit_of = Limit;

TEST_CASE("a count of bytes can be a template argument") { CHECK(limit_of<100_MiB> == 100_MiB); }

TEST_CASE("fixed strings compare, join and know their length") {
    constexpr fixed_string left{"rendering"};
    constexpr fixed_string path = left + fixed_string{"/"} + fixed_string{"markdown"};
    static_assert(path == fixed_string{"rendering/markdown"});
    static_assert(!(left == path));
    static_assert(left.size() == 9);
    static_assert(path.contains('/') && !left.contains('/'));
    static_assert(fixed_string{""}.size() == 0);
    CHECK(path.c_str()[path.size()] == '\0');
}

} // namespace bytes_tests
