// SPDX-License-Identifier: MIT
// As language.hpp, for the files that measure and for the bodies: these throw and catch.
#pragma once

#ifndef __cpp_exceptions
#error "peakscope: what measures, and the bodies, need exceptions; -fno-exceptions is for files that open phases."
#include <peakscope/this_file_is_compiled_without_exceptions> // there is no such header: the compiler ends here
#endif
