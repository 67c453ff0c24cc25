// SPDX-License-Identifier: MIT
// Replaces the global `operator new` and `operator delete`, in all their forms, with ones that count.
//
// Include it in exactly one .cpp file of a program that measures with heap::counting. Included in two, the program does
// not link, because the operators are defined twice; in none, `heap::counting` refuses to measure and says so.
//
// The operators keep the standard's promises: they call the new_handler, throw std::bad_alloc or return null by form,
// and give every block an address of its own. The memory comes from malloc and aligned_alloc, so an allocator that is
// linked or preloaded in their place serves the program as before.
//
// Sanitizers keep working, because malloc is theirs. clang's ThreadSanitizer and MemorySanitizer bring operators of
// their own, which are linked first: with -Wl,--allow-multiple-definition such a program links and runs, but its
// operators are the sanitizer's, and `heap::counting` refuses to measure. g++'s ThreadSanitizer measures.
#pragma once

#include <peakscope/heap/interpose/operators.hpp>
#include <peakscope/implementation.hpp>
