// SPDX-License-Identifier: MIT
// The bodies of report/site_lines.hpp.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/function_name.hpp>
#include <peakscope/core/implementation/rank.hpp>
#include <peakscope/core/members.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/report/text_table.hpp>

#include <cmath>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

// The arguments, and the middle of a very long name, are in the JSON report.
[[nodiscard]] inline std::string short_name(const std::string& function) {
    constexpr std::size_t longest = 60;
    std::string text{function_name(function)};
    for (const std::string_view left_out : {"(anonymous namespace)::", "[abi:cxx11]"})
        for (std::size_t at = 0; (at = text.find(left_out, at)) != std::string::npos;)
            text.erase(at, left_out.size());
    return cut_in_the_middle(text, longest);
}

[[nodiscard]] inline std::string place_of(const std::string& file, std::uint32_t line, const std::string& name) {
    std::string place = file;
    if (line > 0) place += ":" + std::to_string(line);
    if (!place.empty() && !name.empty()) place += "  ";
    return place + name;
}

std::string place_of(const site_report& site) { return place_of(site.file, site.line, short_name(site.function)); }

// Names each line of the program, by which its sites are joined: one line is one function in one place, and what is cut
// for display makes no two of them one.
class line_names {
  public:
    explicit line_names(const memory_report& report) {
        for (const site_report& site : report.sites) {
            line& of = *lines_.try_emplace({without_steps_up(site.file), site.line, site.function}, site.file).first;
            std::string& file = of.second.file;
            if (std::pair{site.file.size(), std::string_view{site.file}} <
                std::pair{file.size(), std::string_view{file}})
                file = site.file;
            by_site_.push_back(&of);
        }
        std::map<std::string, std::vector<line*>> by_place;
        for (line& each : lines_)
            by_place[place_of(each.second.file, each.first.line, short_name(each.first.function))].push_back(&each);
        for (const auto& [place, same] : by_place)
            for (std::size_t i = 0; i < same.size(); ++i)
                same[i]->second.place = same.size() == 1 ? place : told_apart(place, *same[i], i);
    }
    line_names(const line_names&) = delete;
    line_names& operator=(const line_names&) = delete;

    [[nodiscard]] const std::string& operator[](std::size_t site) const { return by_site_[site]->second.place; }

  private:
    struct key {
        std::string file;
        std::uint32_t line = 0;
        std::string function;

        auto operator<=>(const key&) const = default;
    };
    struct shown {
        std::string file;
        std::string place{};
    };
    using line = std::pair<const key, shown>;

    // Files that include one header from different folders may know it by different paths. A function of one name in
    // one line of it is one function.
    [[nodiscard]] static std::string without_steps_up(std::string_view file) {
        while (file.starts_with("../"))
            file.remove_prefix(3);
        return std::string{file};
    }

    // By its arguments, where there is room for them, and else by a number.
    [[nodiscard]] static std::string told_apart(const std::string& place, const line& of, std::size_t number) {
        constexpr std::size_t longest = 120;
        const auto& [named, as] = of;
        if (display_width(named.function) <= longest) return place_of(as.file, named.line, named.function);
        return place + " #" + std::to_string(number + 1);
    }

    std::map<key, shown> lines_{};
    std::vector<const line*> by_site_{};
};

// The errors of estimates are independent of each other: their squares add up.
inline void add_amounts(site_amounts& sum, const site_amounts& more) {
    add_members(sum, more, [](auto& to, const auto& value) {
        if constexpr (std::is_same_v<decltype(to), std::int64_t&>) // it may come from a file, and be any number
            to = (bytes{to} + bytes{value}).count;
        else if constexpr (requires { to += value; })
            to += value;
        else if (value)
            to = rounded_bytes(
                std::hypot(static_cast<double>(to.value_or(bytes{}).count), static_cast<double>(value->count)));
    });
}

class line_collector {
  public:
    explicit line_collector(const memory_report& report) : names_(report) {}

    void add(std::size_t site, const site_amounts& amounts) {
        const auto [found, is_new] = places_.try_emplace(names_[site], lines_.size());
        if (is_new)
            lines_.push_back({found->first, amounts});
        else
            add_amounts(lines_[found->second].amounts, amounts);
    }
    [[nodiscard]] std::vector<site_line> take() { return std::move(lines_); }

  private:
    line_names names_;
    std::vector<site_line> lines_{};
    std::map<std::string, std::size_t> places_{};
};

std::vector<site_line> largest_of(std::vector<site_line> all, const std::vector<std::int64_t>& weights,
                                  std::size_t count) {
    std::vector<rank> ranks;
    ranks.reserve(all.size());
    for (std::size_t i = 0; i < all.size(); ++i)
        ranks.push_back({.first = (-bytes{weights[i]}).count, .name = all[i].place});
    std::vector<site_line> largest;
    for (const std::size_t number : in_order(ranks))
        if (weights[number] > 0 && largest.size() < count) largest.push_back(std::move(all[number]));
    return largest;
}

} // namespace detail

std::vector<site_line> site_lines(const memory_report& report) {
    detail::line_collector lines{report};
    for (std::size_t i = 0; i < report.sites.size(); ++i)
        lines.add(i, report.sites[i].amounts);
    return lines.take();
}

std::vector<site_line> site_lines(const memory_report& report, const std::vector<phase_site_report>& sites) {
    detail::line_collector lines{report};
    for (const phase_site_report& each : sites)
        lines.add(each.site, each.amounts);
    return lines.take();
}

} // namespace peakscope::report
