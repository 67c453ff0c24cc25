// SPDX-License-Identifier: MIT
// Marks a function whose body is in <peakscope/implementation.hpp>, which one file of a program includes. A program in
// which no file does so does not link, and the linker's message names the header:
//
//     undefined reference to `peakscope::format_bytes[abi:include_peakscope_implementation_hpp_in_one_cpp_file](...)'
#pragma once

#include <peakscope/core/language.hpp>

#if defined(__GNUC__) // g++ and clang++
#define PEAKSCOPE_BODY_ELSEWHERE [[gnu::abi_tag("include_peakscope_implementation_hpp_in_one_cpp_file")]]
#else
#define PEAKSCOPE_BODY_ELSEWHERE
#endif
