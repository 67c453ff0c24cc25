// SPDX-License-Identifier: MIT
// Where the calling thread's stack lies. No frame is read outside of it: code without frame pointers leaves anything in
// the register that would hold one.
#pragma once

#include <peakscope/sites/stack.hpp>

#include <cstddef>

#if defined(__linux__)
#include <pthread.h>
#endif

namespace peakscope::sites::detail {

struct stack_limits {
    address low = 0;
    address high = 0;
    bool known = false;

    [[nodiscard]] bool hold(address at) const noexcept { return at - low < high - low; }
};
inline constinit thread_local stack_limits limits_of_thread{};

[[gnu::noinline, gnu::cold]] inline void find_stack_limits() noexcept {
    limits_of_thread.known = true;
#if defined(__linux__)
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return;
    void* low = nullptr;
    std::size_t size_bytes = 0;
    if (::pthread_attr_getstack(&attributes, &low, &size_bytes) == 0) {
        limits_of_thread.low = reinterpret_cast<address>(low);
        limits_of_thread.high = limits_of_thread.low + size_bytes;
    }
    static_cast<void>(::pthread_attr_destroy(&attributes));
#endif
}

[[nodiscard, gnu::always_inline]] inline const stack_limits& limits_here() noexcept {
    const stack_limits& limits = limits_of_thread;
    if (!limits.known) [[unlikely]]
        find_stack_limits();
    return limits;
}

} // namespace peakscope::sites::detail
