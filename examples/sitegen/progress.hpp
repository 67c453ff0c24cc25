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

/// Shows "writing pages: 345 of 1000" on standard error, where that is a terminal, once the build has taken half a
/// second, and ten times a second at most. Wipes the line at the end.
class progress {
  public:
    progress() = default;
    ~progress() {
        if (shown_) std::fputs("\r\x1b[K", stderr);
    }
    progress(const progress&) = delete;
    progress& operator=(const progress&) = delete;

    /// The next part of the build, of so many steps. Not while another part's steps are going on.
    void begin(const char* what, std::size_t total) {
        what_ = what;
        total_ = total;
        done_ = 0;
    }

    /// One step is done. From any thread.
    void step() {
        const std::size_t done = ++done_;
        if (!on_terminal_) return;
        const std::unique_lock lock{guard_, std::try_to_lock};
        if (!lock) return;
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return;
        next_ = now + std::chrono::milliseconds{100};
        shown_ = true;
        std::fprintf(stderr, "\r\x1b[K%s: %zu of %zu", what_, done, total_);
    }

  private:
    const char* what_ = "";
    std::size_t total_ = 0;
    bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    std::atomic<std::size_t> done_{0};
    std::mutex guard_;
    std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::milliseconds{500};
    bool shown_ = false;
};

} // namespace sitegen
