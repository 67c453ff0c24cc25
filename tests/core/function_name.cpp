// SPDX-License-Identifier: MIT
#include <peakscope/core/function_name.hpp>

#include <doctest/doctest.h>

namespace function_name_tests {

using peakscope::as_in_source;
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

// What abi::__cxa_demangle of g++ 12 makes of the symbol of text(std::vector<std::string> const&), and so on.
TEST_CASE("the standard library's types are as a source file has them") {
    CHECK(as_in_source("std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >") ==
          "std::string");
    CHECK(
        as_in_source("text[abi:cxx11](std::vector<std::__cxx11::basic_string<char, std::char_traits<char>, "
                     "std::allocator<char> >, std::allocator<std::__cxx11::basic_string<char, std::char_traits<char>, "
                     "std::allocator<char> > > > const&)") == "text(std::vector<std::string> const&)");
    CHECK(as_in_source("std::__1::vector<int, std::__1::allocator<int>>::push_back[abi:ne190000](int&&)") ==
          "std::vector<int>::push_back(int&&)");
    CHECK(as_in_source("std::map<int, A<char>, std::less<int>, std::allocator<std::pair<int const, A<char> > > >") ==
          "std::map<int, A<char>>");
    CHECK(as_in_source("std::unordered_set<int, std::hash<int>, std::equal_to<int>, std::allocator<int> >") ==
          "std::unordered_set<int>");
    CHECK(as_in_source("std::unique_ptr<A, std::default_delete<A> >::~unique_ptr()") ==
          "std::unique_ptr<A>::~unique_ptr()");
    CHECK(as_in_source("std::basic_ostream<char, std::char_traits<char> >& std::operator<< <char>(std::ostream&)") ==
          "std::ostream& std::operator<< <char>(std::ostream&)");
    CHECK(as_in_source("std::basic_string_view<wchar_t, std::char_traits<wchar_t> >") ==
          "std::basic_string_view<wchar_t>");
    CHECK(as_in_source("A<std::filesystem::__cxx11::path, B<int> >::f") == "A<std::filesystem::path, B<int>>::f");
    CHECK(as_in_source("f<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > >()") ==
          "f<std::string>()");
}

TEST_CASE("what differs from the default is shown, and what only looks like it") {
    for (const char* each : {"std::vector<int, mine::allocator<int>>",
                             "std::map<int, A, std::greater<int>>",
                             "std::map<int, A, std::less<void>>",
                             "std::vector<int, std::allocator<int>::rebind<char>>",
                             "std::unique_ptr<A, free_it>",
                             "std::map<int, std::hash<int>>",
                             "std::map<int, std::allocator<int>>",
                             "std::pair<int, std::hash<int>>",
                             "std::pair<int, std::allocator<int>>",
                             "std::tuple<int, std::less<int>>",
                             "std::allocator<int>::allocate(unsigned long)",
                             "mine::std::vector<int, std::allocator<int>>",
                             "mystd::string",
                             "std::basic_string<char16_t>",
                             "f(bool (*)(int), std::string)",
                             "f<(2>1)>(int)",
                             "f<&(A::operator>)>(int)",
                             "A::operator-> ",
                             "std::vector<int",
                             "std::vector<",
                             "std::",
                             "",
                             "0x12ab",
                             "(not attributed)",
                             "A::operator>> <int>(int)"})
        CHECK(as_in_source(each) == each);
}

} // namespace function_name_tests
