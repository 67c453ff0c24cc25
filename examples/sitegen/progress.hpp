// SPDX-License-Identifier: MIT
// One line on the terminal while a long build runs.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <mutex>

namespace sitegen {

/// Shows "rendering 345 of 1000" on standard error, where that is a terminal, once the build has taken a second, and
/// ten times a second at most. Wipes the line at the end.
class progress {
  public:
    progress(const char* what, std::size_t total) : what_(what), total_(total) {}
    ~progress() {
        if (shown_) std::fputs("\r\x1b[K", stderr);
    }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    void step() {
        const std::size_t done = ++done_;
        if (!on_terminal_) return;
        const std::unique_lock lock{guard_, std::try_to_lock};
        const auto now = std::chrono::steady_clock::now();
        if (!lock || now < next_) return;
        next_ = now + std::chrono::milliseconds{100};
        shown_ = true;
        std::fprintf(stderr, "\r\x1b[K%s %zu of %zu", what_, done, total_);
    }

  private:
    const char* what_;
    std::size_t total_;
    bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    std::atomic<std::size_t> done_{0};
    std::mutex guard_;
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::seconds{1};
    bool shown_ = false;
};

} // namespace sitegen
