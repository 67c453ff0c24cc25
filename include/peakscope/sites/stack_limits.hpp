// SPDX-License-Identifier: MIT
// Where the calling thread's stack lies. No frame is read outside of it: code without frame pointers leaves anything in
// the register that would hold one.
#pragma once

#include <peakscope/sites/stack.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>

#if defined(__linux__)
#include <pthread.h>
#endif

namespace peakscope::sites::detail {

// Until they are known, nothing lies within them.
struct stack_limits {
    address low = UINTPTR_MAX;
    address high = 0;
    bool known = false;
};
inline constinit thread_local stack_limits limits_of_thread{};

// Once a thread. May allocate.
inline void find_stack_limits() noexcept {
    if (std::exchange(limits_of_thread.known, true)) return;
#if defined(__linux__)
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return;
    void* low = nullptr;
    std::size_t size_bytes = 0;
    if (::pthread_attr_getstack(&attributes, &low, &size_bytes) == 0) {
        limits_of_thread.high = reinterpret_cast<address>(low) + size_bytes;
        limits_of_thread.low = reinterpret_cast<address>(low);
    }
    static_cast<void>(::pthread_attr_destroy(&attributes));
#endif
}

} // namespace peakscope::sites::detail
