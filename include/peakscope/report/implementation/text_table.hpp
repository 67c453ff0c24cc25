// SPDX-License-Identifier: MIT
// The bodies of report/text_table.hpp.
#pragma once

#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

struct code_point_range {
    std::uint32_t first;
    std::uint32_t last;
};

// Unicode 15: the blocks whose characters combine with the one before them, and those that East Asian Width calls wide
// or fullwidth. Blocks, not single characters: for names of phases and items that is close enough, and it is one
// screen.
inline constexpr std::array<code_point_range, 10> zero_width{{{0x0300, 0x036f},
                                                              {0x0483, 0x0489},
                                                              {0x0591, 0x05bd},
                                                              {0x0610, 0x061a},
                                                              {0x064b, 0x065f},
                                                              {0x1ab0, 0x1aff},
                                                              {0x1dc0, 0x1dff},
                                                              {0x200b, 0x200f},
                                                              {0x20d0, 0x20ff},
                                                              {0xfe00, 0xfe0f}}};
inline constexpr std::array<code_point_range, 9> double_width{{{0x1100, 0x115f},
                                                               {0x2e80, 0x303e},
                                                               {0x3041, 0xa4cf},
                                                               {0xac00, 0xd7a3},
                                                               {0xf900, 0xfaff},
                                                               {0xfe30, 0xfe6f},
                                                               {0xff00, 0xff60},
                                                               {0x1f300, 0x1faff},
                                                               {0x20000, 0x3fffd}}};

template <std::size_t Size>
[[nodiscard]] constexpr bool in(const std::array<code_point_range, Size>& ranges, std::uint32_t code_point) noexcept {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const auto& range) { return range.first <= code_point && code_point <= range.last; });
}

// Takes one code point off the front. A byte that does not belong counts as one character.
[[nodiscard]] constexpr std::uint32_t take_code_point(std::string_view& text) noexcept {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead < 0x80            ? 1
                               : (lead >> 5U) == 0x6  ? 2
                               : (lead >> 4U) == 0xe  ? 3
                               : (lead >> 3U) == 0x1e ? 4
                                                      : 1;
    std::uint32_t code_point = length == 1 ? lead : lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = i < text.size() ? static_cast<unsigned char>(text[i]) : std::uint32_t{0};
        if ((next & 0xc0U) != 0x80) {
            text.remove_prefix(1);
            return 0xfffd;
        }
        code_point = (code_point << 6U) | (next & 0x3fU);
    }
    text.remove_prefix(length);
    return code_point;
}

} // namespace detail

std::size_t display_width(std::string_view text) noexcept {
    std::size_t width = 0;
    while (!text.empty()) {
        const std::uint32_t code_point = detail::take_code_point(text);
        if (!detail::in(detail::zero_width, code_point)) width += detail::in(detail::double_width, code_point) ? 2 : 1;
    }
    return width;
}

void text_table::add(row added) { rows_.push_back(std::move(added)); }

std::vector<std::string> text_table::lines() const {
    std::vector<std::size_t> widths;
    for (const row& each : rows_) {
        widths.resize(std::max(widths.size(), each.cells.size()));
        for (std::size_t i = 0; i < each.cells.size(); ++i)
            widths[i] = std::max(widths[i], display_width(each.cells[i]));
    }
    std::vector<std::string> lines;
    for (const row& each : rows_) {
        std::string line;
        for (std::size_t i = 0; i < each.cells.size(); ++i) {
            const std::string padding(widths[i] - display_width(each.cells[i]), ' ');
            line += i == 0 ? each.cells[i] + padding : "   " + padding + each.cells[i];
        }
        if (!each.tail.empty()) line += "   " + each.tail;
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

} // namespace peakscope::report
