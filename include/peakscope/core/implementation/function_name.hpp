// SPDX-License-Identifier: MIT
// The bodies of core/function_name.hpp.
#pragma once

#include <peakscope/core/function_name.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace peakscope {

namespace detail {

inline constexpr std::string_view unnamed_namespace = "(anonymous namespace)";

[[nodiscard]] inline bool begins_operator(std::string_view function, std::size_t at) noexcept {
    constexpr std::string_view keyword = "operator";
    const auto is_letter = [&](std::size_t i) {
        const char each = i < function.size() ? function[i] : ' ';
        return each == '_' || (each >= '0' && each <= '9') || (each >= 'a' && each <= 'z') ||
               (each >= 'A' && each <= 'Z');
    };
    return function.substr(at).starts_with(keyword) && !is_letter(at + keyword.size()) &&
           (at == 0 || !is_letter(at - 1));
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

} // namespace peakscope
