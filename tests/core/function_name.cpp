// SPDX-License-Identifier: MIT
#include <peakscope/core/function_name.hpp>

#include <doctest/doctest.h>

namespace function_name_tests {

using peakscope::function_name;
using peakscope::without_template_arguments;

TEST_CASE("a function's name has neither arguments nor a return type") {
    CHECK(function_name("main") == "main");
    CHECK(function_name("parse(std::string const&)") == "parse");
    CHECK(function_name("Renderer::page(Site const&) const [clone .cold]") == "Renderer::page");
    CHECK(function_name(
              "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > text<int>(int)") ==
          "text<int>");
    CHECK(function_name("unsigned long* site::count<int, (kind)1>(int (*)(char))") == "site::count<int, (kind)1>");
    CHECK(function_name("void (anonymous namespace)::fill<int>(int)") == "(anonymous namespace)::fill<int>");
    CHECK(function_name("decltype (declval<int>()+(1)) add<int>(int)") == "add<int>");
    CHECK(function_name("decltype(auto) add<int>(int)") == "add<int>");
    CHECK(function_name("parse(int)::{lambda(char)#1}::operator()(char) const") == "parse");
}

TEST_CASE("a template's arguments belong to its name, with what brackets they have") {
    CHECK(function_name("slab<(kind)1>::alloc(unsigned long)") == "slab<(kind)1>::alloc");
    CHECK(function_name("f<(2>1)>(int)") == "f<(2>1)>");
    CHECK(function_name("f<A<(B)0>, &(A::operator>(A const&))>(int)") == "f<A<(B)0>, &(A::operator>(A const&))>");
}

TEST_CASE("operators have the names that they have") {
    CHECK(function_name("A::operator()(int) const") == "A::operator()");
    CHECK(function_name("operator new(unsigned long)") == "operator new");
    CHECK(function_name("operator new[](unsigned long)") == "operator new[]");
    CHECK(function_name("A& operator<< <int>(A&, int)") == "operator<< <int>");
    CHECK(function_name("bool A::operator<(A const&) const") == "A::operator<");
    CHECK(function_name("A::operator->() const") == "A::operator->");
    CHECK(function_name("A::operator std::vector<int, std::allocator<int> >() const") ==
          "A::operator std::vector<int, std::allocator<int> >");
    CHECK(function_name("void operators::run<int>(int)") == "operators::run<int>");
}

TEST_CASE("what is no function's name stays as it is") {
    CHECK(function_name("").empty());
    CHECK(function_name("0x12ab") == "0x12ab");
    CHECK(function_name("(not attributed)") == "(not attributed)");
    CHECK(function_name("f<int") == "f<int");
    CHECK(function_name("f(((") == "f");
}

TEST_CASE("a name without the arguments of templates") {
    CHECK(without_template_arguments("slab<(kind)1>::alloc<char>") == "slab::alloc");
    CHECK(without_template_arguments("(anonymous namespace)::arena::get") == "arena::get");
    CHECK(without_template_arguments("xmalloc") == "xmalloc");
}

} // namespace function_name_tests
