// SPDX-License-Identifier: MIT
// Replaces the malloc family, and the global `operator new` and `operator delete`, with ones that count.
//
// Include it in exactly one .cpp file of a program that measures with heap::malloc_counting; not beside
// <peakscope/heap/counting_operators.hpp>, which is for heap::counting. From the first call on, before main, every
// block that the program, its C libraries and the C library itself (strdup, getline, fopen, ...) ask malloc for is
// counted, once: the operators have their memory from where these functions have theirs, which is glibc's malloc.
//
// Errors are glibc's: errno and return values are what they are without this header. `malloc_usable_size` says what was
// asked for, so that nothing is used that no figure has.
//
// Needs glibc. A program that is linked statically is linked with `-static -Wl,-z,muldefs`: in libc.a, the functions
// that these call lie in one object with its malloc, and of two definitions the first is taken, which is the program's.
// Where call sites are kept, `-lgcc_eh` then goes before `-lunwind`: with libunwind's half of g++'s unwinder,
// exceptions end the program. heap::counting needs no flag. The sanitizers replace malloc themselves.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PEAKSCOPE_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PEAKSCOPE_SANITIZED
#endif
#endif
#ifdef PEAKSCOPE_SANITIZED
#error "peakscope: the sanitizer replaces malloc itself; measure with heap::counting in a sanitized build"
#endif
#ifdef PEAKSCOPE_OPERATORS_OVER
#error                                                                                                                 \
    "peakscope: include malloc_counting_functions.hpp alone, without counting_operators.hpp: it has the operators too"
#endif

#include <peakscope/implementation.hpp>

// After all that includes <malloc.h>, whose declarations would follow the definitions.
#include <peakscope/heap/interpose/malloc_functions.hpp>
