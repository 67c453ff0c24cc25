// SPDX-License-Identifier: MIT
// A string that can be a template argument, which is how phases get their names.
#pragma once

#include <peakscope/core/language.hpp>

#include <cstddef>

namespace peakscope {

/// A string literal of `Extent - 1` characters and its terminating zero.
template <std::size_t Extent>
struct fixed_string {
    char text[Extent]{};

    constexpr fixed_string() = default;
    // Implicit, so that "parsing" can be written where a fixed_string is asked for.
    consteval fixed_string(const char (&literal)[Extent]) {
        for (std::size_t i = 0; i < Extent; ++i)
            text[i] = literal[i];
    }

    [[nodiscard]] static constexpr std::size_t size() noexcept { return Extent - 1; }
    [[nodiscard]] constexpr const char* c_str() const noexcept { return text; }

    template <std::size_t OtherExtent>
    [[nodiscard]] constexpr bool operator==(const fixed_string<OtherExtent>& other) const noexcept {
        if constexpr (Extent != OtherExtent) {
            return false;
        } else {
            for (std::size_t i = 0; i < Extent; ++i)
                if (text[i] != other.text[i]) return false;
            return true;
        }
    }

    [[nodiscard]] constexpr bool contains(char wanted) const noexcept {
        for (std::size_t i = 0; i < size(); ++i)
            if (text[i] == wanted) return true;
        return false;
    }
};

template <std::size_t Left, std::size_t Right>
[[nodiscard]] consteval fixed_string<Left + Right - 1> operator+(const fixed_string<Left>& left,
                                                                 const fixed_string<Right>& right) {
    fixed_string<Left + Right - 1> joined;
    for (std::size_t i = 0; i < left.size(); ++i)
        joined.text[i] = left.text[i];
    for (std::size_t i = 0; i < right.size(); ++i)
        joined.text[left.size() + i] = right.text[i];
    return joined;
}

} // namespace peakscope
