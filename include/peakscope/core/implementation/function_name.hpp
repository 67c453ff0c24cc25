// SPDX-License-Identifier: MIT
// The bodies of core/function_name.hpp.
#pragma once

#include <peakscope/core/function_name.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope {

namespace detail {

inline constexpr std::string_view unnamed_namespace = "(anonymous namespace)";

// Whether an identifier goes on at this place.
[[nodiscard]] inline bool is_letter(std::string_view function, std::size_t at) noexcept {
    const char each = at < function.size() ? function[at] : ' ';
    return each == '_' || (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z');
}

[[nodiscard]] inline bool begins_operator(std::string_view function, std::size_t at) noexcept {
    constexpr std::string_view keyword = "operator";
    return function.substr(at).starts_with(keyword) && !is_letter(function, at + keyword.size()) &&
           (at == 0 || !is_letter(function, at - 1));
}

// Behind an operator's symbol, which may be one that is a bracket elsewhere; of a conversion, before its type.
[[nodiscard]] inline std::size_t end_of_operator(std::string_view function, std::size_t at) noexcept {
    at += 8;
    if (function.substr(at).starts_with("()") || function.substr(at).starts_with("[]")) return at + 2;
    return std::min(function.find_first_not_of("<>=!+-*/%^&|~,", at), function.size());
}

// Behind the bracket that closes the one at `at`. Inside of round ones, others may be comparisons.
[[nodiscard]] inline std::size_t end_of_bracket(std::string_view function, std::size_t at) noexcept {
    const bool round = function[at] == '(';
    for (std::size_t depth = 0; at < function.size(); ++at) {
        const char each = function[at];
        if (!round && begins_operator(function, at)) {
            at = end_of_operator(function, at) - 1;
            continue;
        }
        if (!round && each == '(') {
            at = end_of_bracket(function, at) - 1;
            continue;
        }
        if (each == (round ? '(' : '<')) ++depth;
        if (each == (round ? ')' : '>') && --depth == 0) return at + 1;
    }
    return function.size();
}

// What is between commas that no bracket holds.
[[nodiscard]] inline std::vector<std::string_view> template_arguments(std::string_view list) {
    std::vector<std::string_view> all;
    std::size_t start = 0;
    for (std::size_t at = 0; at < list.size();) {
        if (begins_operator(list, at)) {
            at = end_of_operator(list, at);
        } else if (list[at] == '<' || list[at] == '(') {
            at = end_of_bracket(list, at);
        } else if (list[at++] == ',') {
            all.push_back(list.substr(start, at - 1 - start));
            start = std::min(list.find_first_not_of(' ', at), list.size());
        }
    }
    all.push_back(list.substr(start));
    return all;
}

// Whether it is one type of the standard library's, of this template.
[[nodiscard]] inline bool is_template_of(std::string_view type, std::string_view name) noexcept {
    return type.starts_with(name) && type.substr(name.size()).starts_with('<') &&
           end_of_bracket(type, name.size()) == type.size();
}

// How many arguments of one of the standard library's templates stay in any case; none where nothing is known of it.
[[nodiscard]] inline std::optional<std::size_t> arguments_without_default(std::string_view name) noexcept {
    constexpr std::array one{"vector",        "deque",        "list",          "forward_list",
                             "set",           "multiset",     "unordered_set", "unordered_multiset",
                             "unique_ptr",    "_Vector_base", "_Deque_base",   "_List_base",
                             "_Fwd_list_base"};
    constexpr std::array two{"map", "multimap", "unordered_map", "unordered_multimap"};
    if (std::ranges::find(one, name) != one.end() || name.starts_with("basic_")) return 1;
    if (std::ranges::find(two, name) != two.end()) return 2;
    if (name == "_Rb_tree") return 3;
    return std::nullopt;
}

// Leaves out the last arguments where they are what the template has by default.
inline void drop_defaults(std::string_view name, std::vector<std::string>& arguments) {
    constexpr std::array of_the_first{"std::less", "std::equal_to", "std::hash", "std::char_traits",
                                      "std::default_delete"};
    const std::optional<std::size_t> kept = arguments_without_default(name);
    if (!kept) return;
    if (arguments.size() > *kept && is_template_of(arguments.back(), "std::allocator")) arguments.pop_back();
    const auto is_default = [&](const std::string& each) {
        return std::ranges::any_of(of_the_first, [&](const std::string& maker) {
            return each.starts_with(maker) && each.substr(maker.size()) == '<' + arguments.front() + '>';
        });
    };
    while (arguments.size() > *kept && is_default(arguments.back()))
        arguments.pop_back();
}

// Adds "std::NAME" and its arguments, and returns what is behind them. `at` is behind the "std::".
inline std::size_t add_standard_name(std::string_view text, std::size_t at, std::string& made) {
    for (const std::string_view version : {"__cxx11::", "__1::"})
        if (text.substr(at).starts_with(version)) at += version.size();
    std::size_t end = at;
    while (is_letter(text, end))
        ++end;
    std::string_view name = text.substr(at, end - at);
    const std::size_t closed = end < text.size() && text[end] == '<' ? end_of_bracket(text, end) : end;
    if (closed <= end + 1 || text[closed - 1] != '>') { // no template, or not all of one
        made.append("std::").append(name);
        return end;
    }
    std::vector<std::string> arguments;
    for (const std::string_view each : template_arguments(text.substr(end + 1, closed - end - 2)))
        arguments.push_back(as_in_source(each.substr(0, each.find_last_not_of(' ') + 1)));
    drop_defaults(name, arguments);
    const bool has_short_name = name.starts_with("basic_") && arguments.size() == 1 && arguments[0] == "char";
    made.append("std::").append(has_short_name ? name.substr(6) : name);
    if (has_short_name) return closed;
    for (std::size_t i = 0; i < arguments.size(); ++i)
        made.append(i == 0 ? "<" : ", ").append(arguments[i]);
    made += '>';
    return closed;
}

} // namespace detail

std::string_view function_name(std::string_view function) noexcept {
    std::size_t start = 0;
    bool in_operator = false; // "operator new", and of a conversion its type
    std::size_t at = 0;
    while (at < function.size()) {
        const std::string_view rest = function.substr(at);
        if (rest.starts_with(detail::unnamed_namespace)) {
            at += detail::unnamed_namespace.size();
        } else if (detail::begins_operator(function, at)) {
            in_operator = true;
            at = detail::end_of_operator(function, at);
        } else if (rest[0] == '<') {
            at = detail::end_of_bracket(function, at);
        } else if (rest[0] == '(') {
            const std::string_view before = function.substr(start, at - start);
            if (before.empty()) return function;
            if (before != "decltype") return before;
            at = detail::end_of_bracket(function, at);
        } else {
            ++at;
            const bool of_decltype = function.substr(start).starts_with("decltype ("); // as binutils write it
            if (rest[0] == ' ' && !in_operator && !of_decltype) start = at;
            if (rest[0] == ' ' && of_decltype) {
                at = detail::end_of_bracket(function, at);
                start = at;
            }
        }
    }
    return function.substr(start);
}

std::string without_template_arguments(std::string_view name) {
    std::string text;
    for (std::size_t at = 0; at < name.size();) {
        if (name.substr(at).starts_with(detail::unnamed_namespace)) {
            at += detail::unnamed_namespace.size() + 2; // the colons
        } else if (detail::begins_operator(name, at)) {
            const std::size_t end = detail::end_of_operator(name, at);
            text += name.substr(at, end - at);
            at = end;
        } else if (name[at] == '<') {
            at = detail::end_of_bracket(name, at);
        } else {
            text += name[at++];
        }
    }
    return text;
}

std::string as_in_source(std::string_view name) {
    std::string text;
    for (std::size_t at = 0; at < name.size();) {
        const std::string_view rest = name.substr(at);
        if (detail::begins_operator(name, at)) {
            const std::size_t end = detail::end_of_operator(name, at);
            text += name.substr(at, end - at);
            at = end;
            if (at < name.size() && name[at] == ' ') text += name[at++]; // it is no bracket's
        } else if (rest.starts_with("std::") &&
                   (at == 0 || !(detail::is_letter(name, at - 1) || name[at - 1] == ':'))) {
            at = detail::add_standard_name(name, at + 5, text);
        } else if (rest.starts_with("::__cxx11::")) {
            at += 9;
        } else if (rest.starts_with("[abi:") && rest.find(']') != rest.npos) {
            at += rest.find(']') + 1;
        } else if (rest.starts_with(" >") && at > 0 && name[at - 1] == '>') {
            ++at;
        } else {
            text += name[at++];
        }
    }
    return text;
}

} // namespace peakscope
