// SPDX-License-Identifier: MIT
// Which frames are a library's and which are the user's.
#include <peakscope/sites/symboliser.hpp>

#include <doctest/doctest.h>

#include <unistd.h>

#include <cstdint>
#include <string>

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
