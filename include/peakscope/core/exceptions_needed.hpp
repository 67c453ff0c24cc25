// SPDX-License-Identifier: MIT
// As language.hpp, for the files that measure and for the bodies: these throw and catch.
#pragma once

#ifndef __cpp_exceptions
#error                                                                                                                 \
    "peakscope: only files that open phases can be compiled with -fno-exceptions, by <peakscope/profiler/profiler.hpp>. Compile this file, which measures or has the library's bodies, without that flag."
#include <peakscope/this_file_is_compiled_without_exceptions> // there is no such header: the compiler ends here
#endif
