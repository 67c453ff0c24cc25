// SPDX-License-Identifier: MIT
// Counts of bytes, the literals for them, and their order.
#pragma once

#include <peakscope/core/byte_count.hpp>
#include <peakscope/core/language.hpp>

#include <compare>

namespace peakscope {

[[nodiscard]] constexpr auto operator<=>(const bytes& left, const bytes& right) noexcept {
    return left.count <=> right.count;
}

} // namespace peakscope
