// SPDX-License-Identifier: MIT
// A count of bytes, as a type of its own, and the literals for it. <peakscope/core/bytes.hpp> adds their order, for
// which the language wants a header that costs more than this one.
//
//     constexpr peakscope::bytes limit = 100_MiB;         // using namespace peakscope::literals;
//     static_assert(limit / 2 == 50_MiB);
//
// Figures are signed because a delta is. Units are binary (IEC 80000-13): 1 KiB = 1024 bytes.
#pragma once

#include <cstdint>

namespace peakscope {

/// A signed count of bytes. A structural type, so that a limit can be a template argument.
/// Arithmetic overflows like the integer beneath it; 2^63 bytes is more than any machine holds.
struct bytes {
    std::int64_t count = 0;

    friend constexpr bool operator==(const bytes&, const bytes&) = default;

    constexpr bytes& operator+=(bytes other) noexcept {
        count += other.count;
        return *this;
    }
    constexpr bytes& operator-=(bytes other) noexcept {
        count -= other.count;
        return *this;
    }
    friend constexpr bytes operator+(bytes left, bytes right) noexcept { return left += right; }
    friend constexpr bytes operator-(bytes left, bytes right) noexcept { return left -= right; }
    friend constexpr bytes operator-(bytes value) noexcept { return {-value.count}; }
    friend constexpr bytes operator*(bytes value, std::int64_t factor) noexcept { return {value.count * factor}; }
    friend constexpr bytes operator*(std::int64_t factor, bytes value) noexcept { return {value.count * factor}; }
    /// Truncates towards zero, as integers do.
    friend constexpr bytes operator/(bytes value, std::int64_t divisor) noexcept { return {value.count / divisor}; }
};

inline namespace literals {

// The upper ends keep the product within 63 bits; a literal above them does not compile.
namespace detail {
consteval bytes scaled(unsigned long long value, unsigned shift) {
    if (value > (0x7fff'ffff'ffff'ffffULL >> shift)) throw "a byte literal must stay below 2^63 bytes";
    return {static_cast<std::int64_t>(value << shift)};
}
} // namespace detail

consteval bytes operator""_B(unsigned long long value) { return detail::scaled(value, 0); }
consteval bytes operator""_KiB(unsigned long long value) { return detail::scaled(value, 10); }
consteval bytes operator""_MiB(unsigned long long value) { return detail::scaled(value, 20); }
consteval bytes operator""_GiB(unsigned long long value) { return detail::scaled(value, 30); }

} // namespace literals

} // namespace peakscope
