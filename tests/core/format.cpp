// SPDX-License-Identifier: MIT
#include <peakscope/core/format.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>

namespace format_tests {

using namespace peakscope;
using namespace peakscope::literals;

TEST_CASE("bytes are shown with three significant digits and never as 1,024 of a unit") {
    CHECK(format_bytes(0_B) == "0 B");
    CHECK(format_bytes(1'023_B) == "1,023 B");
    CHECK(format_bytes(1'024_B) == "1.00 KiB");
    CHECK(format_bytes(1'536_B) == "1.50 KiB");
    CHECK(format_bytes(10_KiB) == "10.0 KiB");
    CHECK(format_bytes(100_KiB) == "100 KiB");
    CHECK(format_bytes(1'023_KiB) == "1,023 KiB");
    CHECK(format_bytes(1_MiB - 1_B) == "1.00 MiB"); // 1,023.999 KiB would round to 1,024 KiB
    CHECK(format_bytes(1_MiB) == "1.00 MiB");
    CHECK(format_bytes({50'646'221}) == "48.3 MiB"); // 48.3000
    CHECK(format_bytes(171_MiB) == "171 MiB");
    CHECK(format_bytes(9'995_KiB / 1'000) == "9.99 KiB"); // 10,234 B = 9.994 KiB
    CHECK(format_bytes({10'236}) == "10.0 KiB");          // 9.996 KiB
    CHECK(format_bytes(-48_MiB) == "-48.0 MiB");
    CHECK(format_bytes({std::numeric_limits<std::int64_t>::max()}) == "8.00 EiB");
    CHECK(format_bytes({std::numeric_limits<std::int64_t>::min()}) == "-8.00 EiB");
}

TEST_CASE("a delta has its sign, and zero has none") {
    CHECK(format_signed_bytes(5_B) == "+5 B");
    CHECK(format_signed_bytes(0_B) == "0 B");
    CHECK(format_signed_bytes(-3_KiB) == "-3.00 KiB");
}

TEST_CASE("a number is rounded to bytes, and stops at the ends of their range") {
    CHECK(rounded_bytes(1.5) == 2_B);
    CHECK(rounded_bytes(-1.4) == -1_B);
    CHECK(rounded_bytes(0x1p63) == bytes{INT64_MAX});
    CHECK(rounded_bytes(-0x1p63) == bytes{INT64_MIN});
    CHECK(rounded_bytes(-1e300) == bytes{INT64_MIN});
}

TEST_CASE("numbers in other forms end at the ends of the range") {
    CHECK(format_bytes_exactly({1'023}) == "1,023 B");
    CHECK(format_bytes_exactly({2 << 20}) == "2.00 MiB (2,097,152 B)");
    CHECK(format_bytes_exactly({INT64_MIN}) == "-8.00 EiB (-9,223,372,036,854,775,808 B)");
    CHECK(rounded_count(2.5) == 3);
    CHECK(rounded_count(-1) == 0);
    CHECK(rounded_count(0x1p63) == std::uint64_t{1} << 63U);
    CHECK(rounded_count(1e20) == UINT64_MAX);
}

TEST_CASE("counts are grouped by three digits") {
    CHECK(format_count(0) == "0");
    CHECK(format_count(999) == "999");
    CHECK(format_count(1'247) == "1,247");
    CHECK(format_count(1'000'000) == "1,000,000");
    CHECK(format_count(std::numeric_limits<std::uint64_t>::max()) == "18,446,744,073,709,551,615");
}

TEST_CASE("durations choose their unit") {
    using namespace std::chrono_literals;
    CHECK(format_duration(0ns) == "0 ns");
    CHECK(format_duration(850ns) == "850 ns");
    CHECK(format_duration(12'345ns) == "12.3 µs");
    CHECK(format_duration(1'250us) == "1.25 ms");
    CHECK(format_duration(45s) == "45.0 s");
    CHECK(format_duration(725s) == "12 min 05 s");
    CHECK(format_duration(999'600ns) == "1.00 ms");
    CHECK(format_duration(119'500ms) == "2 min 00 s");
    CHECK(format_duration(std::chrono::nanoseconds::max()) == "153722867 min 17 s"); // 9,223,372,036.85 s
    CHECK(format_duration(-1'500ms) == "-1500000000 ns");
}

TEST_CASE("a precision says what it promises") {
    CHECK(format_precision(exact) == "exact");
    CHECK(format_precision(bounded(96_KiB)) == "within 96.0 KiB");
    CHECK(format_precision(bounded(0_B)) == "exact");
    CHECK(format_precision({precision_kind::sampled, {}, 512_KiB}) == "sampled every 512 KiB");
    CHECK(format_precision(unavailable) == "n/a");
}

TEST_CASE("the weaker of two precisions holds for both") {
    CHECK(weaker(exact, bounded(1_B)) == bounded(1_B));
    CHECK(weaker(bounded(2_B), bounded(1_B)) == bounded(2_B));
    CHECK(weaker(unavailable, exact) == unavailable);
}

} // namespace format_tests
