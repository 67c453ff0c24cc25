// SPDX-License-Identifier: MIT
// The bodies of heap/glibc.hpp, heap/mimalloc.hpp and heap/tcmalloc.hpp.
#pragma once

#include <peakscope/heap/glibc.hpp>
#include <peakscope/heap/implementation/allocator_statistics.hpp>
#include <peakscope/heap/mimalloc.hpp>
#include <peakscope/heap/tcmalloc.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace peakscope::heap::detail {

#if defined(__GLIBC__)
// What one thread's cache holds at most, unless tuned with GLIBC_TUNABLES: chunks of 32, 48, ... 1,040 bytes.
inline constexpr std::int64_t most_cached_bytes = 7 * 64 * (32 + 1'040) / 2;

allocator_reading glibc_statistics::read() noexcept {
    const struct mallinfo2 info = ::mallinfo2();
    allocator_reading now;
    now.live = as_bytes(info.uordblks + info.hblkhd);
    now.of_live = bounded({most_cached_bytes * std::max<std::int64_t>(1, thread_count())});
    now.state.usable = now.live;
    now.state.active = as_bytes(info.arena + info.hblkhd);
    return now;
}

// Whether a block of malloc's is in glibc's figures. Other threads may free meanwhile what hides it: then one of
// several tries shows it.
[[nodiscard]] inline bool shows_in_mallinfo() noexcept {
    constexpr std::size_t large = std::size_t{1} << 20U;
    const auto live_bytes = [] { return glibc_statistics::read().live.value_or(bytes{}).count; };
    for (int tries = 0; tries < 64; ++tries) {
        const std::int64_t before = live_bytes();
        void* volatile probe = std::malloc(large); // volatile: the call must not be optimised away
        const std::int64_t with_probe = live_bytes();
        std::free(probe);
        if (with_probe - before >= static_cast<std::int64_t>(large)) return true;
    }
    return false;
}

// Asked by trying, because what replaces malloc may have its memory from glibc nevertheless. Other allocators may have
// a mallinfo2 of their own.
const char* glibc_statistics::missing() noexcept {
    return is_of_library("mallinfo2", "gnu_get_libc_version") && shows_in_mallinfo()
               ? nullptr
               : "malloc is not glibc's. Do not link or preload another allocator, or use that one's source";
}

void glibc_statistics::settle() noexcept { static_cast<void>(::malloc_trim(0)); }
#else
const char* glibc_statistics::missing() noexcept { return "the C library is not glibc"; }
void glibc_statistics::settle() noexcept {}
allocator_reading glibc_statistics::read() noexcept { return {}; }
#endif

const char* mimalloc_statistics::missing() noexcept {
    return serves_malloc("mi_process_info") ? nullptr
                                            : "malloc is not mimalloc's. Link with -lmimalloc (Debian: "
                                              "libmimalloc-dev), or preload libmimalloc.so.2 (Debian: libmimalloc2.0)";
}

void mimalloc_statistics::settle() noexcept {
    if (auto* const collect = function_of_process<void(bool)>("mi_collect")) collect(true);
}

allocator_reading mimalloc_statistics::read() noexcept {
    using function = void(std::size_t*, std::size_t*, std::size_t*, std::size_t*, std::size_t*, std::size_t*,
                          std::size_t*, std::size_t*);
    static function* const process_info = function_of_process<function>("mi_process_info");
    if (process_info == nullptr) return {};
    std::size_t committed = 0;
    process_info(nullptr, nullptr, nullptr, nullptr, nullptr, &committed, nullptr, nullptr);
    allocator_reading now;
    now.live = as_bytes(committed);
    now.of_live = exact;
    return now;
}

[[nodiscard]] inline std::optional<bytes> tcmalloc_property(const char* what) noexcept {
    using function = int(const char*, std::size_t*);
    static function* const get = function_of_process<function>("MallocExtension_GetNumericProperty");
    std::size_t value = 0;
    if (get == nullptr || get(what, &value) == 0) return std::nullopt;
    return as_bytes(value);
}

const char* tcmalloc_statistics::missing() noexcept {
    return serves_malloc("MallocExtension_GetNumericProperty")
               ? nullptr
               : "malloc is not tcmalloc's. Link with -ltcmalloc (Debian: libgoogle-perftools-dev), or preload "
                 "libtcmalloc.so.4 (Debian: libgoogle-perftools4)";
}

void tcmalloc_statistics::settle() noexcept {
    if (auto* const release = function_of_process<void()>("MallocExtension_ReleaseFreeMemory")) release();
}

allocator_reading tcmalloc_statistics::read() noexcept {
    allocator_reading now;
    now.live = tcmalloc_property("generic.current_allocated_bytes");
    if (now.live) now.of_live = exact;
    now.state.usable = now.live;
    const std::optional<bytes> heap = tcmalloc_property("generic.heap_size"); // address space, with what was given back
    const std::optional<bytes> released = tcmalloc_property("tcmalloc.pageheap_unmapped_bytes");
    const std::optional<bytes> free_pages = tcmalloc_property("tcmalloc.pageheap_free_bytes");
    if (heap && released) {
        now.state.resident = *heap - *released;
        now.state.retained = released;
        if (free_pages) now.state.active = *heap - *released - *free_pages;
    }
    return now;
}

} // namespace peakscope::heap::detail
