// SPDX-License-Identifier: MIT
// Text for the figures: bytes in binary units, counts with separators, durations, precision. The same everywhere, and
// independent of the locale, so that reports can be compared as text.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/core/precision.hpp>

#include <cstdint>
#include <string>

namespace peakscope {

/// A number with exactly `decimals` digits after the point, rounded to nearest.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string format_fixed(double value, int decimals);

/// "1,247": digits in groups of three.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string format_count(std::uint64_t count);

/// "0 B", "1,023 B", "1.50 KiB", "48.3 MiB", "171 MiB": three significant digits from KiB on, never rounded up to 1,024
/// of a unit. Negative figures have a '-' in front.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string format_bytes(bytes value);

/// The same with a '+' before what is more than 0: for a delta.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string format_signed_bytes(bytes value);

/// "850 ns", "12.3 µs", "1.25 ms", "45.0 s", "12 min 05 s". UTF-8.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string format_duration(std::chrono::nanoseconds duration);

/// "exact", "within 96.0 KiB", "sampled every 512 KiB", "n/a".
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string format_precision(const precision& value);

/// "2.00 MiB (2,097,152 B)", "-5 B".
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string format_bytes_exactly(bytes value);

/// The nearest whole number, or the end of the range.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::uint64_t rounded_count(double value) noexcept;

/// The nearest whole number of bytes, or the end of the range.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bytes rounded_bytes(double value) noexcept;

} // namespace peakscope
