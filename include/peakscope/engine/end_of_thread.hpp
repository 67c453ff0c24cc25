// SPDX-License-Identifier: MIT
// When a thread lets go of its record: as late as the C library lets one know. Where it has no such thing, never.
#pragma once

#include <peakscope/core/body.hpp>

#include <cstdint>

#if __has_include(<pthread.h>)
#include <climits>
#include <pthread.h>
#endif

namespace peakscope::engine {

// The destructor of a key of the C library's. It is called when a thread ends, after the destructors of thread_local
// objects; not where the process ends, so that its last thread has a record in static destructors too. Other keys'
// destructors may allocate as well: in all rounds but the last, this one only asks for the next.
PEAKSCOPE_BODY_ELSEWHERE void let_go_of_record(void* round) noexcept;

#if __has_include(<pthread.h>)

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PEAKSCOPE_THREAD_SANITIZER
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(PEAKSCOPE_THREAD_SANITIZER)
// The sanitizer itself takes leave of a thread in the last round, and no code of the program may run after that.
inline constexpr std::uintptr_t last_round = PTHREAD_DESTRUCTOR_ITERATIONS - 1;
#else
inline constexpr std::uintptr_t last_round = PTHREAD_DESTRUCTOR_ITERATIONS;
#endif
inline pthread_key_t end_of_thread{};
inline bool knows_end_of_thread = false;

inline void make_end_of_thread() noexcept {
    knows_end_of_thread = ::pthread_key_create(&end_of_thread, let_go_of_record) == 0;
}
// May allocate.
inline void expect_end_of_thread(std::uintptr_t round = 1) noexcept {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (knows_end_of_thread) ::pthread_setspecific(end_of_thread, reinterpret_cast<const void*>(round));
}

#else

inline constexpr std::uintptr_t last_round = 1;
inline void make_end_of_thread() noexcept {}
inline void expect_end_of_thread(std::uintptr_t = 1) noexcept {}

#endif

} // namespace peakscope::engine
