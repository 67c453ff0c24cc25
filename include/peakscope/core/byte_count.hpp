// SPDX-License-Identifier: MIT
// A count of bytes, as a type of its own, and the literals for it. <peakscope/core/bytes.hpp> adds their order, for
// which the language wants a header that costs more than this one.
//
//     constexpr peakscope::bytes limit = 100_MiB;         // using namespace peakscope::literals;
//     static_assert(limit / 2 == 50_MiB);
//
// Figures are signed because a delta is. Units are binary (IEC 80000-13): 1 KiB = 1024 bytes.
#pragma once

#include <peakscope/core/language.hpp>

#include <cstdint>

namespace peakscope {

/// A signed count of bytes. A structural type, so that a limit can be a template argument.
/// Arithmetic stops at the ends of the range: no machine holds 2^63 bytes, but a program may allocate more in all.
struct bytes {
    std::int64_t count = 0;

    friend constexpr bool operator==(const bytes&, const bytes&) = default;

    constexpr bytes& operator+=(bytes other) noexcept {
        if (__builtin_add_overflow(count, other.count, &count)) count = end(other.count < 0);
        return *this;
    }
    constexpr bytes& operator-=(bytes other) noexcept {
        if (__builtin_sub_overflow(count, other.count, &count)) count = end(other.count > 0);
        return *this;
    }
    friend constexpr bytes operator+(bytes left, bytes right) noexcept { return left += right; }
    friend constexpr bytes operator-(bytes left, bytes right) noexcept { return left -= right; }
    friend constexpr bytes operator-(bytes value) noexcept { return bytes{} - value; }
    friend constexpr bytes operator*(bytes value, std::int64_t factor) noexcept {
        bytes product;
        if (__builtin_mul_overflow(value.count, factor, &product.count))
            product.count = end((value.count < 0) != (factor < 0));
        return product;
    }
    friend constexpr bytes operator*(std::int64_t factor, bytes value) noexcept { return value * factor; }
    /// Truncates towards zero, as integers do.
    friend constexpr bytes operator/(bytes value, std::int64_t divisor) noexcept {
        return divisor == -1 ? -value : bytes{value.count / divisor};
    }
    /// Of what counts without a sign.
    [[nodiscard]] static constexpr bytes of(std::uint64_t count) noexcept {
        return {count > std::uint64_t{INT64_MAX} ? INT64_MAX : static_cast<std::int64_t>(count)};
    }
    [[nodiscard]] constexpr bytes magnitude() const noexcept { return count < 0 ? -*this : *this; }

  private:
    [[nodiscard]] static constexpr std::int64_t end(bool lower) noexcept { return lower ? INT64_MIN : INT64_MAX; }
};

// The upper ends keep the product within 63 bits; a literal above them does not compile.
namespace detail {
void a_byte_literal_must_stay_below_2_to_the_63(); // not constexpr: to call it does not compile, and shows its name

consteval bytes scaled(unsigned long long value, unsigned shift) {
    if (value > (0x7fff'ffff'ffff'ffffULL >> shift)) a_byte_literal_must_stay_below_2_to_the_63();
    return {static_cast<std::int64_t>(value << shift)};
}
} // namespace detail

inline namespace literals {

consteval bytes operator""_B(unsigned long long value) { return detail::scaled(value, 0); }
consteval bytes operator""_KiB(unsigned long long value) { return detail::scaled(value, 10); }
consteval bytes operator""_MiB(unsigned long long value) { return detail::scaled(value, 20); }
consteval bytes operator""_GiB(unsigned long long value) { return detail::scaled(value, 30); }

} // namespace literals

} // namespace peakscope
