// SPDX-License-Identifier: MIT
// How far a figure can be trusted. Every figure of a report carries one.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/duration.hpp>

#include <compare>

namespace peakscope {

/// From the best to the worst.
enum class precision_kind {
    exact,      ///< the number itself
    bounded,    ///< the true number lies within `precision::bound` of the one given, on either side
    sampled,    ///< from samples: one in `precision::rate` bytes on average, or one every `precision::interval`
    unavailable ///< the source cannot know it here; the figure is empty
};

struct precision {
    precision_kind kind = precision_kind::unavailable;
    bytes bound{};                       ///< for `bounded`, else 0
    bytes rate{};                        ///< for `sampled` by bytes, else 0
    std::chrono::nanoseconds interval{}; ///< for `sampled` by time, else 0

    // Named, so that it is made of == and < where a standard library's durations have no <=> yet.
    friend constexpr std::strong_ordering operator<=>(const precision&, const precision&) = default;
    friend constexpr bool operator==(const precision&, const precision&) = default;
};

inline constexpr precision exact{precision_kind::exact, {}, {}, {}};
inline constexpr precision unavailable{precision_kind::unavailable, {}, {}, {}};

/// Within `bound` on either side. A bound of 0 is `exact`.
[[nodiscard]] constexpr precision bounded(bytes bound) noexcept {
    return bound == bytes{} ? exact : precision{precision_kind::bounded, bound, {}, {}};
}

/// Estimated from samples, one in `rate` on average.
[[nodiscard]] constexpr precision sampled(bytes rate) noexcept { return {precision_kind::sampled, {}, rate, {}}; }

/// Looked at once in `interval`: what was there between two looks is not known. A peak is at least as high.
[[nodiscard]] constexpr precision sampled(std::chrono::nanoseconds interval) noexcept {
    return {precision_kind::sampled, {}, {}, interval};
}

/// The precision that holds for both: members are ordered so that the worse one is the larger.
[[nodiscard]] constexpr precision weaker(const precision& left, const precision& right) noexcept {
    return left < right ? right : left;
}

} // namespace peakscope
