// SPDX-License-Identifier: MIT
#include <peakscope/core/atomic_pointer.hpp>

#include <doctest/doctest.h>

#include <thread>

namespace atomic_pointer_tests {

TEST_CASE("who loads the pointer sees what was written before it was stored") {
    static constinit peakscope::atomic_pointer<int> shared;
    CHECK(shared.load() == nullptr);
    int value = 0; // not atomic: ThreadSanitizer tells if the pointer did not order it
    std::thread reader{[] {
        while (shared.load() == nullptr)
            std::this_thread::yield();
        CHECK(*shared.load() == 7);
    }};
    value = 7;
    shared.store(&value);
    reader.join();
}

} // namespace atomic_pointer_tests
