// SPDX-License-Identifier: MIT
// What belongs to a phase, or to none of them, numbered in one of three ways.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peakscope {

/// A place for what belongs to a phase, with two places more for what belongs to none.
///
///     slot                    number()   window()   phase()
///     before the measurement         0          -         -
///     outside of all phases          1          0         -
///     the first phase                2          1         0
///
/// Attributions are by `number` (see attributed_origin), the windows of a measurement by `window`, which a heap
/// source's `enter` is told, and the phase list by `phase`. At most 65,533 phases have a slot.
class phase_slot {
  public:
    constexpr phase_slot() noexcept = default; ///< before the measurement
    [[nodiscard]] static constexpr phase_slot from_number(std::size_t number) noexcept { return phase_slot(number); }
    [[nodiscard]] static constexpr phase_slot of_window(std::size_t window) noexcept { return phase_slot(window + 1); }
    [[nodiscard]] static constexpr phase_slot of_phase(std::size_t phase) noexcept { return phase_slot(phase + 2); }
    [[nodiscard]] static constexpr phase_slot outside_phases() noexcept { return of_window(0); }

    [[nodiscard]] constexpr bool is_phase() const noexcept { return number_ > 1; }
    [[nodiscard]] constexpr std::size_t number() const noexcept { return number_; }
    [[nodiscard]] constexpr std::size_t window() const noexcept { return number_ - std::size_t{1}; }
    [[nodiscard]] constexpr std::size_t phase() const noexcept { return number_ - std::size_t{2}; }

    friend constexpr bool operator==(phase_slot, phase_slot) noexcept = default;

  private:
    constexpr explicit phase_slot(std::size_t number) noexcept : number_(static_cast<std::uint16_t>(number)) {}

    std::uint16_t number_ = 0;
};

} // namespace peakscope
