// SPDX-License-Identifier: MIT
// heap::glibc: what glibc's malloc says of itself (mallinfo2(3), glibc 2.33 and later), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::glibc<>>;
//
// live is the bytes of chunks in use: each block with its 8 bytes of administration, rounded up to 16. A chunk that a
// thread's cache (tcache) keeps after free counts as in use, so the figure is bounded by what the caches can hold:
// seven chunks of each of 64 sizes a thread. A reading walks the lists of free chunks: 0.1 ms where there are
// thousands. To settle, free pages go back to the system (malloc_trim).
#pragma once

#include <peakscope/heap/statistics/allocator_statistics.hpp>
#include <peakscope/heap/statistics/thread_count.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace peakscope::heap {

namespace detail {

struct glibc_statistics {
    static constexpr const char* name = "glibc";
    static constexpr const char* unit = "chunk";

    // What one thread's cache holds at most, unless tuned with GLIBC_TUNABLES: chunks of 32, 48, ... 1,040 bytes.
    static constexpr std::int64_t most_cached_bytes = 7 * 64 * (32 + 1'040) / 2;

#if defined(__GLIBC__)
    [[nodiscard]] static const char* missing() noexcept {
        return serves_program() ? nullptr
                                : "malloc is not glibc's. Do not link or preload another allocator, or use that one's "
                                  "source";
    }
    static void settle() noexcept { static_cast<void>(::malloc_trim(0)); }

    [[nodiscard]] static allocator_reading read() noexcept {
        const struct mallinfo2 info = ::mallinfo2();
        const auto as_bytes = [](std::size_t value) { return bytes{static_cast<std::int64_t>(value)}; };
        allocator_reading now;
        now.live = as_bytes(info.uordblks + info.hblkhd);
        now.of_live = bounded({most_cached_bytes * std::max<std::int64_t>(1, thread_count())});
        now.state.usable = now.live;
        now.state.active = as_bytes(info.arena + info.hblkhd);
        return now;
    }

  private:
    [[nodiscard]] static std::int64_t live_bytes() noexcept { return read().live.value_or(bytes{}).count; }

    // Asked by trying, because what replaces malloc may have its memory from glibc nevertheless.
    [[nodiscard]] static bool serves_program() noexcept {
        constexpr std::size_t large = std::size_t{1} << 20U;
        const std::int64_t before = live_bytes();
        void* volatile probe = std::malloc(large); // volatile: the call must not be optimised away
        const std::int64_t with_probe = live_bytes();
        std::free(probe);
        return with_probe - before >= static_cast<std::int64_t>(large);
    }
#else
    [[nodiscard]] static const char* missing() noexcept { return "the C library is not glibc"; }
    static void settle() noexcept {}
    [[nodiscard]] static allocator_reading read() noexcept { return {}; }
#endif
};

} // namespace detail

/// The heap source over glibc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class glibc : public detail::statistics_source<detail::glibc_statistics, Options...> {};

} // namespace peakscope::heap
