// SPDX-License-Identifier: MIT
// The body of rss/map_code.hpp.
#pragma once

#include <peakscope/rss/map_code.hpp>

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace peakscope::rss {

namespace detail {

#if defined(__linux__) && defined(MADV_POPULATE_READ)
// One loaded object: its segments that are not written to.
inline int map_segments(dl_phdr_info* object, std::size_t, void* all_mapped) noexcept {
    const auto page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    for (int i = 0; i < object->dlpi_phnum; ++i) {
        const auto& segment = object->dlpi_phdr[i];
        if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
        const std::uintptr_t first = (object->dlpi_addr + segment.p_vaddr) / page_bytes * page_bytes;
        const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
        // NOLINTNEXTLINE(performance-no-int-to-ptr): that is how an object's header gives its addresses
        if (::madvise(reinterpret_cast<void*>(first), end - first, MADV_POPULATE_READ) != 0)
            *static_cast<bool*>(all_mapped) = false;
    }
    return 0;
}
#endif

} // namespace detail

bool map_code() noexcept {
#if defined(__linux__) && defined(MADV_POPULATE_READ)
    bool all_mapped = true;
    ::dl_iterate_phdr(detail::map_segments, &all_mapped);
    return all_mapped;
#else
    return false;
#endif
}

} // namespace peakscope::rss
