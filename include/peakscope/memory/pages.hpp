// SPDX-License-Identifier: MIT
// Memory for the profiler's tables, straight from the system: it is in no heap, so that no heap source counts it, and
// asking for it calls no allocator that is being measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#else
#include <cstdlib>
#endif

namespace peakscope::memory {

[[nodiscard]] inline std::size_t page_bytes() noexcept {
#if defined(__linux__) && !defined(__x86_64__)
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); // no system call
#else
    return 4'096;
#endif
}

// Address space that reads as zeros and takes memory only where it is written. Null when the system refuses.
[[nodiscard]] inline void* reserve_pages(std::size_t size_bytes) noexcept {
#if defined(__linux__)
    void* const memory =
        ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    // A huge page would make the first table entry resident with 2 MiB.
    static_cast<void>(::madvise(memory, size_bytes, MADV_NOHUGEPAGE));
    return memory;
#else
    return std::calloc(1, size_bytes);
#endif
}

inline void release_pages(void* memory, [[maybe_unused]] std::size_t size_bytes) noexcept {
    if (memory == nullptr) return;
#if defined(__linux__)
    static_cast<void>(::munmap(memory, size_bytes));
#else
    std::free(memory);
#endif
}

// The same pages with more behind them, that read as zeros; elsewhere, perhaps. Null, and as before, when the system
// refuses. Only where they were written before do they take memory after it.
[[nodiscard]] inline void* resize_pages(void* memory, std::size_t size_bytes, std::size_t new_size_bytes) noexcept {
    if (memory == nullptr) return reserve_pages(new_size_bytes);
#if defined(__linux__)
    void* const moved = ::mremap(memory, size_bytes, new_size_bytes, MREMAP_MAYMOVE);
    return moved == MAP_FAILED ? nullptr : moved;
#else
    void* const moved = reserve_pages(new_size_bytes);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, memory, size_bytes);
    release_pages(memory, size_bytes);
    return moved;
#endif
}

// Makes pages read as zeros again, and gives their memory back where the system can.
inline void clear_pages(void* memory, std::size_t size_bytes) noexcept {
#if defined(__linux__)
    if (memory == nullptr || size_bytes == 0 || ::madvise(memory, size_bytes, MADV_DONTNEED) == 0) return;
#else
    if (memory == nullptr) return;
#endif
    std::memset(memory, 0, size_bytes);
}

} // namespace peakscope::memory
