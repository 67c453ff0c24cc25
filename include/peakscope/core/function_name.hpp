// SPDX-License-Identifier: MIT
// The name in what a demangler makes of a symbol.
#pragma once

#include <peakscope/core/body.hpp>

#include <string>
#include <string_view>

namespace peakscope {

/// "Renderer::page<int>" of "std::string Renderer::page<int>(Site const&) const": without the return type that the
/// functions of templates have in front, and without the arguments; with those of templates. Of a function inside
/// another, a lambda for example: the outer one's. What is no function is as it was.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string_view function_name(std::string_view function) noexcept;

/// "Renderer::page" of "Renderer<(kind)1>::page<int>", and without unnamed namespaces.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string without_template_arguments(std::string_view name);

/// With the standard library's types as a source file has them: "text(std::vector<std::string> const&)" of
/// "text[abi:cxx11](std::vector<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >,
/// std::allocator<...> > const&)". What is left out is what that library's templates have by default.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string as_in_source(std::string_view name);

} // namespace peakscope
