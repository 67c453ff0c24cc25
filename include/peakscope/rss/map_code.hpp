// SPDX-License-Identifier: MIT
// Keeps a program's own code out of its RSS figures.
//
// A page of code becomes resident when it first runs, and the kernel maps up to sixteen pages around it, aligned to the
// address. Under address randomisation that is another number in every run: a few percent of a small measurement. With
// all code mapped before the baseline, what a measurement adds to the RSS is data.
//
//     Memory memory{"100-page build", [] { peakscope::rss::map_code(); }};
#pragma once

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

/// Makes the code and constants of the program and of its shared libraries resident, reading them from disk where need
/// be. Meant for the settling before a measurement; the baseline's RSS grows by what had not been touched. Returns
/// whether it could: Linux 5.14 and later can (madvise(2), MADV_POPULATE_READ). Libraries that are loaded later are not
/// covered.
inline bool map_code() noexcept {
#if defined(__linux__) && defined(MADV_POPULATE_READ)
    bool all_mapped = true;
    ::dl_iterate_phdr(detail::map_segments, &all_mapped);
    return all_mapped;
#else
    return false;
#endif
}

} // namespace peakscope::rss
