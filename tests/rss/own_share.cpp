// SPDX-License-Identifier: MIT
// The profiler's share of the RSS, with figures made up by hand.
#include <peakscope/rss/own_share.hpp>

#include <doctest/doctest.h>

namespace own_share_tests {

using namespace peakscope;
using namespace peakscope::literals;
using rss::detail::own_share;

namespace {

constexpr bytes plenty = 1_GiB; // of anonymous memory

} // namespace

TEST_CASE("tables and the headers of live blocks are the share, exactly, while nothing has been freed") {
    own_share share;
    CHECK_FALSE(share.known());
    share.set({.tables = 100_KiB, .headers = 16_KiB});
    share.read(10_MiB, 10_MiB, plenty);
    CHECK(share.known());
    CHECK(share.at_reading().share() == 116_KiB);
    CHECK(share.at_reading().bound == 0_B);
    share.set({.tables = 104_KiB, .headers = 32_KiB});
    share.read(11_MiB, 11_MiB, plenty);
    CHECK(share.at_reading().share() == 136_KiB);
    CHECK(share.at_reading().bound == 0_B);
    CHECK(share.at_highest().share() == 136_KiB); // which is now
    CHECK(share.at_highest().bound == 0_B);
    // The RSS was larger by 8 KiB in between: when a page of tables and 16 KiB of headers may not have been there yet.
    // Half of what has gone can have been headers.
    share.set({.tables = 108_KiB, .headers = 48_KiB});
    share.read(12_MiB, 12_MiB + 8_KiB, plenty);
    CHECK(share.at_highest().share() == 156_KiB);
    CHECK(share.at_highest().bound == 4_KiB + 4_KiB);
}

TEST_CASE("headers stay with the memory of freed blocks, and go with it") {
    own_share share;
    share.set({.headers = 1_MiB});
    share.read(20_MiB, 20_MiB, plenty);
    // There were 3 MiB of headers in a heap of 12 MiB. All but 1 MiB in 4 MiB are freed.
    share.set({.headers = 1_MiB, .heap = 4_MiB, .most_headers = 3_MiB, .heap_then = 12_MiB});
    share.read(30_MiB, 30_MiB, plenty);
    CHECK(share.at_highest().headers == 3_MiB);
    CHECK(share.at_reading().headers == 3_MiB); // nothing was given back
    CHECK(share.at_reading().bound == 2_MiB);   // if it was other memory that is still there
    // Now 4 MiB have gone, half of what was freed, and with them half of its headers.
    share.set({.headers = 1_MiB, .heap = 4_MiB});
    share.read(26_MiB, 30_MiB, plenty);
    CHECK(share.at_reading().headers == 2_MiB);
    CHECK(share.at_reading().bound == 1_MiB);
    // And everything: what is live is left.
    share.set({.headers = 1_MiB, .heap = 4_MiB});
    share.read(2_MiB, 26_MiB, plenty);
    CHECK(share.at_reading().headers == 1_MiB);
}

TEST_CASE(
    "the headers at the largest RSS are those that came up to then, not those of a time with more blocks after it") {
    own_share share;
    share.set({.headers = 1_MiB, .heap = 4_MiB});
    share.read(20_MiB, 20_MiB, plenty);
    share.set({.headers = 1_MiB,
               .heap = 4_MiB,
               .most_headers = 4_MiB,
               .heap_then = 15_MiB,
               .largest_heap = 20_MiB,
               .headers_at_largest = 2_MiB});
    share.read(31_MiB, 36_MiB, plenty);
    CHECK(share.at_highest().headers == 2_MiB);
    CHECK(share.at_reading().headers == 4_MiB); // the 5 MiB that have gone were the larger heap's
}

TEST_CASE("there are no more headers than fit into what is resident") {
    own_share share;
    share.set({.headers = 1_MiB, .heap = 16_MiB, .most_headers = 100_MiB, .heap_then = 1_GiB});
    share.read(20_MiB, 20_MiB, 10_MiB);
    // 1 MiB of live blocks' headers and as much again of the smallest blocks; of the other 8 MiB, a half.
    CHECK(share.at_reading().headers == 5_MiB);
    CHECK(share.at_reading().bound == 4_MiB);
}

TEST_CASE("a difference is as sure as what has come and gone is little") {
    const own_share::estimate start{100_KiB, 1_MiB, 200_KiB};
    CHECK(own_share::bound_between(start, start, 0_B) == 0_B);
    CHECK(own_share::bound_between(start, {108_KiB, 1_MiB, 200_KiB}, 8_KiB) == 0_B); // tables are known
    const bytes page{static_cast<std::int64_t>(memory::page_bytes())};
    CHECK(own_share::bound_between({0_B, 0_B, 0_B}, {0_B, 16_B, 0_B}, 0_B) == page); // of one block, in some page
    CHECK(own_share::bound_between(start, {100_KiB, 1_MiB, 200_KiB}, -40_KiB) == 20_KiB);
    CHECK(own_share::bound_between(start, {100_KiB, 1_MiB + 10_KiB, 200_KiB}, 40_KiB) == 30_KiB);
    CHECK(own_share::bound_between(start, {100_KiB, 2_MiB, 300_KiB}, 40_MiB) == 500_KiB);
}

} // namespace own_share_tests
