// SPDX-License-Identifier: MIT
// Which frames are a library's and which are the user's.
#include <peakscope/sites/callers_of.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

namespace naming_rule_tests {

using namespace peakscope;

namespace {

stack_frame frame(const std::string& function, const std::string& file, std::uint64_t address = 0) {
    stack_frame made;
    made.function = function;
    made.file = file;
    made.line = 1;
    made.address = address;
    return made;
}

void of_program() {}

} // namespace

TEST_CASE("what is a library's") {
    const sites::naming_rule rule;
    CHECK(rule.is_library(frame("std::vector<int>::reserve(unsigned long)", "/usr/include/c++/12/bits/vector.tcc")));
    CHECK(rule.is_library(frame("void std::sort<int*>(int*, int*)", "sort.hpp")));
    CHECK(rule.is_library(frame("opendir", "/lib/x86_64-linux-gnu/libc.so.6")));
    CHECK(rule.is_library(frame("f", "/home/me/project/../include/c++/12/new")));
    CHECK_FALSE(rule.is_library(frame("parse(std::string const&)", "/home/me/project/parse.cpp")));
    CHECK_FALSE(rule.is_library(frame("stdlib_like", "/home/me/project/parse.cpp")));
    CHECK_FALSE(rule.is_library(frame("parse", "src/parse.cpp")));
}

TEST_CASE("a relative path is a library's where the code lies in one, with debug information of its own") {
    const sites::naming_rule rule;
    const auto in_library = reinterpret_cast<std::uint64_t>(&::getppid);
    const auto in_program = reinterpret_cast<std::uint64_t>(&of_program);
    CHECK(rule.is_library(frame("__alloc_dir", "../sysdeps/unix/sysv/linux/opendir.c", in_library + 1)));
    CHECK_FALSE(rule.is_library(frame("of_program", "../tests/sites/naming_rule.cpp", in_program + 1)));
    CHECK_FALSE(rule.is_library(frame("of_user", "/home/me/library/of_user.cpp", in_library + 1)));
}

namespace {

// Names made up: an address is the number of a frame.
struct made_up {
    static void append(sites::address address, std::vector<stack_frame>& frames) {
        const stack_frame all[] = {frame("std::vector<int>::reserve(unsigned long)", "/usr/include/c++/12/vector"),
                                   frame("void* ns::arena<int>::allocate<char>(unsigned long)", "/home/me/arena.hpp"),
                                   frame("xmalloc", "/home/me/xmalloc.c"), frame("parse(int)", "/home/me/parse.cpp"),
                                   frame("parse_xmalloc(int)", "/home/me/parse.cpp")};
        frames.push_back(all[address]);
    }
};

template <class Names>
std::string shown(const std::vector<std::uintptr_t>& stack) {
    attribution of;
    of.stacks = {stack};
    const named_stack named = sites::name_stacks<Names>(of).stacks.at(0);
    return named.frames.at(named.shown).function;
}

} // namespace

TEST_CASE("the caller of a wrapper is shown in its place, and where there is none, the wrapper") {
    using names = sites::callers_of<made_up, "xmalloc", "arena::allocate">;
    CHECK(shown<made_up>({0, 1, 3}) == "void* ns::arena<int>::allocate<char>(unsigned long)");
    CHECK(shown<names>({0, 1, 3}) == "parse(int)");
    CHECK(shown<names>({1, 2, 0, 3}) == "parse(int)"); // a library's between them
    CHECK(shown<names>({2, 4}) == "parse_xmalloc(int)");
    CHECK(shown<names>({0, 2, 0}) == "xmalloc");
}

TEST_CASE("stacks share the names of their frames") {
    attribution of;
    of.stacks = {{0, 1, 3}, {3, 4}};
    const named_stacks named = sites::name_stacks<made_up>(of);
    const stack_frame& first = named.stacks[0].frames[2];
    const stack_frame& same = named.stacks[1].frames[0];
    const stack_frame& in_same_file = named.stacks[1].frames[1];
    CHECK(same.function.str().data() == first.function.str().data());
    CHECK(same.file.str().data() == first.file.str().data());
    CHECK(in_same_file.file.str().data() == first.file.str().data());
    CHECK(in_same_file.function != first.function);
}

} // namespace naming_rule_tests
