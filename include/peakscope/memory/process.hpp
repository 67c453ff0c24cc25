// SPDX-License-Identifier: MIT
// What the system knows of this process: its number, and the terminal that a stream of it is on. Where the system has
// no such thing there is none.
#pragma once

#include <cstddef>

#if __has_include(<sys/ioctl.h>) && __has_include(<unistd.h>)
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace peakscope::memory {

#ifdef TIOCGWINSZ

// Another one in a child of fork.
[[nodiscard]] inline long process_number() noexcept { return ::getpid(); }
[[nodiscard]] inline bool is_terminal(int descriptor) noexcept { return ::isatty(descriptor) == 1; }
// 0 where it is not known.
[[nodiscard]] inline std::size_t columns_of_terminal(int descriptor) noexcept {
    winsize size{};
    return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

#else

[[nodiscard]] inline long process_number() noexcept { return 0; }
[[nodiscard]] inline bool is_terminal(int) noexcept { return false; }
[[nodiscard]] inline std::size_t columns_of_terminal(int) noexcept { return 0; }

#endif

} // namespace peakscope::memory
