// SPDX-License-Identifier: MIT
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/rss/map_code.hpp>
#include <peakscope/rss/procfs.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>

namespace map_code_tests {

using namespace peakscope;

namespace {

constexpr std::size_t page_bytes = 4'096;

// Code that has not run: one constant page after the other that nobody has read yet.
constexpr std::size_t pages = 512;
alignas(page_bytes) constexpr std::array<unsigned char, pages * page_bytes> constants{1, 2, 3};

bytes rss_while(auto act) {
    profiler<phases<>, heap::none, rss::procfs> memory{"map_code"};
    act();
    return *memory.finish().rss.delta;
}

// A sanitizer would make shadow pages resident for what it sees read.
[[gnu::no_sanitize_thread, gnu::no_sanitize_address]] unsigned read_constants() {
    const volatile unsigned char* first = constants.data();
    unsigned sum = 0;
    for (std::size_t i = 0; i < constants.size(); i += page_bytes)
        sum += first[i];
    return sum;
}

} // namespace

TEST_CASE("after map_code, code and constants that are used for the first time add nothing to the RSS") {
    REQUIRE(rss::map_code()); // Linux 5.14 or later
    unsigned sum = 0;
    const bytes added = rss_while([&] { sum = read_constants(); });
    CHECK(sum == 1);
    // 2 MiB would be added otherwise; what may still come is a page of the stack or of this test's own data.
    CHECK(added.count <= 16 * static_cast<std::int64_t>(page_bytes));
    CHECK(rss_while([] { static_cast<void>(rss::map_code()); }).count <= 16 * static_cast<std::int64_t>(page_bytes));
}

} // namespace map_code_tests
