// SPDX-License-Identifier: MIT
// A program that forgot to have the functions replaced.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/heap_since.hpp>
#include <peakscope/heap/malloc_counting.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace not_installed_tests {

using namespace peakscope;

namespace {

// The source is free again after the failure.
template <class Source>
std::string refusal() {
    using Memory = profiler<phases<"phase">, Source>;
    std::string message;
    for (int attempt = 0; attempt < 2; ++attempt) {
        std::optional<Memory> memory;
        try {
            memory.emplace("nothing to see");
        } catch (const source_error& refused) {
            message = refused.what();
        }
        CHECK_FALSE(memory);
    }
    return message;
}

} // namespace

TEST_CASE("without the replaced functions a measurement is refused, with what to do, and not zero") {
    constexpr bool sanitized =
#if defined(__clang__)
        __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer);
#else
        false;
#endif
    CHECK(refusal<heap::counting<>>() ==
          (sanitized ? "the counted heap sees no allocations: the sanitizer brings an operator new of its own, and the "
                       "linker takes that one. Measure in a build without ThreadSanitizer and MemorySanitizer, or with "
                       "g++'s ThreadSanitizer"
                     : "the counted heap sees no allocations: operator new is not replaced. Include "
                       "<peakscope/heap/counting_operators.hpp> in exactly one .cpp file of the program"));
    CHECK(refusal<heap::malloc_counting<>>() ==
          "the counted heap sees no allocations: malloc is not replaced. Include "
          "<peakscope/heap/malloc_counting_functions.hpp> in exactly one .cpp file of the program");
}

TEST_CASE("and what looks at the heap beside measurements has no figures, and not zero") {
    const heap::heap_since process;
    const heap::thread_heap_since thread;
    CHECK(process.figures() == heap_figures{});
    CHECK(thread.figures() == heap_figures{});
}

} // namespace not_installed_tests
