// SPDX-License-Identifier: MIT
// How many threads the process has.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace peakscope::heap::detail {

/// From /proc/self/stat (proc(5)). 0 where that cannot be read: then there may be any number.
[[nodiscard]] inline std::int64_t thread_count() noexcept {
#if defined(__linux__)
    const int file = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    std::array<char, 1'024> buffer{};
    const ::ssize_t length = ::read(file, buffer.data(), buffer.size());
    ::close(file);
    if (length <= 0) return 0;
    std::string_view text{buffer.data(), static_cast<std::size_t>(length)};
    // The second field is the program's name in brackets, which may hold anything. num_threads is the twentieth.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return 0;
    text.remove_prefix(name_end + 1);
    for (int field = 3; field <= 20; ++field) {
        const std::size_t blank = text.find(' ');
        if (blank == std::string_view::npos) return 0;
        text.remove_prefix(blank + 1);
    }
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
    return parsed.ec == std::errc{} ? count : 0;
#else
    return 0;
#endif
}

} // namespace peakscope::heap::detail
