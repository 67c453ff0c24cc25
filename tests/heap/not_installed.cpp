// SPDX-License-Identifier: MIT
// A program that forgot counting_operators.hpp.
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

using namespace peakscope;

TEST_CASE("without the replaced operators a measurement is refused, with what to do, and not zero") {
    using Memory = profiler<phases<"phase">, heap::counting<>>;
    for (int attempt = 0; attempt < 2; ++attempt) { // the source is free again after the failure
        std::optional<Memory> memory;
        std::string message;
        try {
            memory.emplace("nothing to see");
        } catch (const source_error& refused) {
            message = refused.what();
        }
        CHECK_FALSE(memory);
        CHECK(message == "the counted heap sees no allocations: operator new is not replaced. Include "
                         "<peakscope/heap/counting_operators.hpp> in exactly one .cpp file of the program");
    }
}
