// SPDX-License-Identifier: MIT
// Says what a compiler must be told, in one line and not in the hundred that would follow from it.
#pragma once

#if __cplusplus < 202002L
#error "peakscope needs C++20: compile this file with -std=c++20. The other files of the program may stay as they are."
#include <peakscope/this_file_is_not_compiled_as_cpp20> // there is no such header: the compiler ends here
#endif
