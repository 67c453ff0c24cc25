// SPDX-License-Identifier: MIT
// A time in which the calling thread takes no signals: their handlers might allocate, and what they would find is half
// changed. Two system calls, so never on a path that is often taken.
#pragma once

#if defined(__linux__)
#include <csignal>
#endif

namespace peakscope::memory {

class blocked_signals {
  public:
#if defined(__linux__)
    blocked_signals() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~blocked_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
#else
    blocked_signals() noexcept = default;
    ~blocked_signals() = default;
#endif
    blocked_signals(const blocked_signals&) = delete;
    blocked_signals& operator=(const blocked_signals&) = delete;

#if defined(__linux__)
  private:
    sigset_t before_{};
#endif
};

} // namespace peakscope::memory
