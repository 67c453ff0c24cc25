// SPDX-License-Identifier: MIT
// Marks a function whose body needs Boost.Math: it comes with <peakscope/implementation.hpp> in a file that includes a
// header of testing/ that uses statistics as well, before it or after it. The linker's message names both:
//
//     undefined reference to `peakscope::testing::median_of[abi:include_peakscope_testing_statistics_hpp_and_...](...)'
#pragma once

#define PEAKSCOPE_USES_STATISTICS

#if defined(__GNUC__) // g++ and clang++
#define PEAKSCOPE_STATISTICS_BODY_ELSEWHERE                                                                            \
    [[gnu::abi_tag("include_peakscope_testing_statistics_hpp_and_peakscope_implementation_hpp_in_one_cpp_file")]]
#else
#define PEAKSCOPE_STATISTICS_BODY_ELSEWHERE
#endif
