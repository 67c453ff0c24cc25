// SPDX-License-Identifier: MIT
// The bodies of report/text_table.hpp.
#pragma once

#include <peakscope/report/text_table.hpp>

#include <range/v3/algorithm/any_of.hpp>

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
[[nodiscard]] constexpr bool in(const std::array<code_point_range, Size>& all, std::uint32_t code_point) noexcept {
    return ranges::any_of(all,
                          [&](const auto& range) { return range.first <= code_point && code_point <= range.last; });
}

// Takes one code point off the front. A byte that does not belong counts as one character; none does of a surrogate, of
// what lies beyond Unicode, or of a form that is longer than need be.
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
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (code_point < least[length] || code_point > 0x10ffff || (code_point >= 0xd800 && code_point <= 0xdfff)) {
        text.remove_prefix(1);
        return 0xfffd;
    }
    text.remove_prefix(length);
    return code_point;
}

} // namespace detail

std::size_t display_width(std::string_view text) noexcept {
    std::size_t width = 0;
    while (!text.empty()) {
        const std::uint32_t code_point = detail::take_code_point(text);
        if (!detail::in(detail::zero_width, code_point))
            width += detail::in(detail::double_width, code_point) ? 2U : 1U;
    }
    return width;
}

std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string made;
    while (!text.empty()) {
        const std::string_view before = text;
        const std::uint32_t code_point = detail::take_code_point(text);
        const std::string_view character = before.substr(0, before.size() - text.size());
        const bool is_control = code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
        if (!is_control && (character.size() > 1 || code_point < 0x80)) {
            made += character;
            continue;
        }
        for (const char each : character) {
            const auto value = static_cast<unsigned char>(each);
            made += {'\\', 'x', digits[value / 16U], digits[value % 16U]};
        }
    }
    return made;
}

std::string cut_in_the_middle(const std::string& text, std::size_t width) {
    const std::size_t whole = display_width(text);
    if (whole <= width) return text;
    if (width == 0) return {};
    // What is left of it: `front` columns at most, and as many at its end as have room beside "…".
    const std::size_t front = (width - 1) / 2;
    const std::size_t back = width - 1 - front;
    std::string_view rest = text;
    std::string cut;
    std::size_t at = 0;
    while (!rest.empty()) {
        const std::string_view before = rest;
        static_cast<void>(detail::take_code_point(rest));
        const std::string_view character = before.substr(0, before.size() - rest.size());
        const std::size_t end = at + display_width(character);
        if (end <= front && at < whole - back) cut += character;
        if (at < whole - back && end >= whole - back) cut += "…";
        if (at >= whole - back) cut += character;
        at = end;
    }
    return cut;
}

namespace detail {

// A name with its indentation. Of "file:line  function" each part is cut by itself, so that both stay to be seen.
[[nodiscard]] inline std::string cut_name(const std::string& name, std::size_t width) {
    if (display_width(name) <= width) return name;
    const std::size_t indent = std::min(name.find_first_not_of(' '), name.size());
    if (indent >= width) return cut_in_the_middle(name, width);
    const std::size_t gap = name.find("  ", indent);
    if (gap == std::string::npos || width < indent + 20)
        return name.substr(0, indent) + cut_in_the_middle(name.substr(indent), width - indent);
    const std::size_t room = width - indent - 2;
    const std::string place = name.substr(indent, gap - indent);
    const std::string function = name.substr(gap + 2);
    const std::size_t for_function = std::min(display_width(function), room / 2);
    const std::string shown = cut_in_the_middle(place, room - for_function);
    return name.substr(0, indent) + shown + "  " + cut_in_the_middle(function, room - display_width(shown));
}

} // namespace detail

void text_table::add(row added) {
    for (std::string& each : added.cells)
        each = printable(each);
    added.tail = printable(added.tail);
    rows_.push_back(std::move(added));
}

text_table::fitted text_table::fit(std::size_t width) const {
    constexpr std::size_t name_at_least = 24;
    std::vector<std::size_t> widths;
    std::size_t tail = 0;
    for (const row& each : rows_) {
        tail = std::max(tail, display_width(each.tail));
        if (each.cells.size() < 2) continue;
        widths.resize(std::max(widths.size(), each.cells.size()));
        for (std::size_t i = 0; i < each.cells.size(); ++i)
            widths[i] = std::max(widths[i], display_width(each.cells[i]));
    }
    fitted made;
    if (widths.empty()) widths.push_back(0);
    std::vector<bool> shown(widths.size(), rows_.size() < 2);
    for (std::size_t i = 1; i < rows_.size(); ++i)
        for (std::size_t column = 0; column < rows_[i].cells.size(); ++column)
            if (column == 0 || !rows_[i].cells[column].empty()) shown[column] = true;
    std::size_t gap = 3;
    const auto figures = [&] { // all but the first column
        std::size_t sum = 0;
        for (std::size_t i = 1; i < widths.size(); ++i)
            if (shown[i]) sum += gap + widths[i];
        return sum;
    };
    const auto with_tail = [&] { return figures() + (tail > 0 ? gap + tail : 0); };
    const auto fits = [&](std::size_t taken, std::size_t name) { return taken <= width && width - taken >= name; };
    const auto narrow = [&](std::size_t column) {
        if (column >= widths.size() || !shown[column]) return;
        shown[column] = false;
        made.columns_left_out.push_back(rows_.front().cells[column]);
    };
    if (!fits(with_tail(), widths[0])) gap = 2;
    for (const auto& [column, says_little] : may_go_)
        if (says_little && !fits(with_tail(), widths[0])) narrow(column);
    const bool tail_beside = fits(with_tail(), widths[0]);
    if (!tail_beside) gap = 3;
    if (!fits(figures(), widths[0])) gap = 2;
    for (const auto& [column, says_little] : may_go_)
        if (!fits(figures(), std::min(widths[0], name_at_least))) narrow(column);
    const std::size_t for_name = std::min(widths[0], width - std::min(width, figures()));
    for (const row& each : rows_) {
        std::string line;
        const bool is_heading = each.cells.size() < 2;
        if (!each.cells.empty()) {
            line = detail::cut_name(each.cells[0], is_heading ? width : for_name);
            if (line != each.cells[0]) ++made.names_cut;
        }
        if (!is_heading) line.append(for_name - std::min(for_name, display_width(line)), ' ');
        for (std::size_t i = 1; i < each.cells.size(); ++i)
            if (shown[i]) line += std::string(gap + widths[i] - display_width(each.cells[i]), ' ') + each.cells[i];
        if (tail_beside && !each.tail.empty()) line += std::string(gap, ' ') + each.tail;
        line.erase(line.find_last_not_of(' ') + 1);
        made.lines.push_back(std::move(line));
        if (!tail_beside && !each.tail.empty()) made.lines.push_back("      " + each.tail);
    }
    return made;
}

} // namespace peakscope::report
