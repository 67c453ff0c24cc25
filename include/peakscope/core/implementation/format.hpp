// SPDX-License-Identifier: MIT
// The bodies of core/format.hpp.
#pragma once

#include <peakscope/core/format.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

namespace peakscope {

std::string format_fixed(double value, int decimals) {
    std::array<char, 400> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): DBL_MAX has 309 digits
    const auto end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, decimals);
    return {buffer.data(), end.ptr};
}

std::string format_count(std::uint64_t count) {
    std::string text = std::to_string(count);
    for (std::size_t at = text.size(); at > 3; at -= 3)
        text.insert(at - 3, ",");
    return text;
}

std::string format_bytes(bytes value) {
    constexpr std::array<const char*, 6> units{" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
    const bool negative = value.count < 0;
    // Unsigned, so that the smallest number has a magnitude too.
    const std::uint64_t magnitude =
        negative ? 0 - static_cast<std::uint64_t>(value.count) : static_cast<std::uint64_t>(value.count);
    const std::string sign = negative ? "-" : "";
    if (magnitude < 1024) return sign + format_count(magnitude) + " B";
    double scaled = static_cast<double>(magnitude) / 1024;
    std::size_t unit = 0;
    while (scaled >= 1023.5 && unit + 1 < units.size()) {
        scaled /= 1024;
        ++unit;
    }
    const int decimals = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    return sign +
           (scaled >= 999.5 ? format_count(static_cast<std::uint64_t>(std::llround(scaled)))
                            : format_fixed(scaled, decimals)) +
           units[unit];
}

std::string format_bytes_exactly(bytes value) {
    std::string text = format_bytes(value);
    if (value.count > -1'024 && value.count < 1'024) return text;
    const auto count = static_cast<std::uint64_t>(value.count);
    return text + (value.count < 0 ? " (-" + format_count(0 - count) : " (" + format_count(count)) + " B)";
}

std::string format_signed_bytes(bytes value) {
    return value.count > 0 ? "+" + format_bytes(value) : format_bytes(value);
}

std::string format_duration(std::chrono::nanoseconds duration) {
    const auto nanoseconds = static_cast<double>(duration.count());
    const auto with_unit = [](double value, const char* unit) {
        return format_fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + unit;
    };
    if (nanoseconds < 999.5) return std::to_string(duration.count()) + " ns";
    if (nanoseconds < 999.5e3) return with_unit(nanoseconds / 1e3, " µs");
    if (nanoseconds < 999.5e6) return with_unit(nanoseconds / 1e6, " ms");
    if (nanoseconds < 99.95e9) return with_unit(nanoseconds / 1e9, " s");
    const std::int64_t seconds = duration.count() / 1'000'000'000 + (duration.count() % 1'000'000'000 >= 500'000'000);
    return std::to_string(seconds / 60) + " min " + (seconds % 60 < 10 ? "0" : "") + std::to_string(seconds % 60) +
           " s";
}

std::string format_precision(const precision& value) {
    switch (value.kind) {
    case precision_kind::exact:
        return "exact";
    case precision_kind::bounded:
        return "within " + format_bytes(value.bound);
    case precision_kind::sampled:
        return "sampled every " +
               (value.interval.count() > 0 ? format_duration(value.interval) : format_bytes(value.rate));
    case precision_kind::unavailable:
        break;
    }
    return "n/a";
}

std::uint64_t rounded_count(double value) noexcept {
    if (value >= 0x1p64) return UINT64_MAX;
    return value <= 0 ? 0 : static_cast<std::uint64_t>(std::round(value));
}

bytes rounded_bytes(double value) noexcept {
    if (value >= 0x1p63) return {INT64_MAX};
    return {value < -0x1p63 ? INT64_MIN : std::llround(value)};
}

} // namespace peakscope
