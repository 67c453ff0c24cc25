// SPDX-License-Identifier: MIT
// heap::tcmalloc: what gperftools' tcmalloc says of itself (MallocExtension), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::tcmalloc<>>;
//
// live is `generic.current_allocated_bytes`: the blocks that the program holds, with what their sizes are rounded up to
// and without what lies in caches. A reading takes some 25 µs. To settle, free memory is released to the system.
#pragma once

#include <peakscope/heap/statistics/allocator_statistics.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace peakscope::heap {

namespace detail {

struct tcmalloc_statistics {
    static constexpr const char* name = "tcmalloc";
    static constexpr const char* unit = "usable";

    [[nodiscard]] static const char* missing() noexcept {
        return serves_malloc("MallocExtension_GetNumericProperty")
                   ? nullptr
                   : "malloc is not tcmalloc's. Link with -ltcmalloc (Debian: libgoogle-perftools-dev), or preload "
                     "libtcmalloc.so.4 (Debian: libgoogle-perftools4)";
    }

    static void settle() noexcept {
        if (auto* const release = function_of_process<void()>("MallocExtension_ReleaseFreeMemory")) release();
    }

    [[nodiscard]] static allocator_reading read() noexcept {
        allocator_reading now;
        now.live = property("generic.current_allocated_bytes");
        if (now.live) now.of_live = exact;
        now.state.usable = now.live;
        const std::optional<bytes> heap = property("generic.heap_size"); // address space, with what was given back
        const std::optional<bytes> released = property("tcmalloc.pageheap_unmapped_bytes");
        const std::optional<bytes> free_pages = property("tcmalloc.pageheap_free_bytes");
        if (heap && released) {
            now.state.resident = *heap - *released;
            now.state.retained = released;
            if (free_pages) now.state.active = *heap - *released - *free_pages;
        }
        return now;
    }

  private:
    [[nodiscard]] static std::optional<bytes> property(const char* what) noexcept {
        using function = int(const char*, std::size_t*);
        static function* const get = function_of_process<function>("MallocExtension_GetNumericProperty");
        std::size_t value = 0;
        if (get == nullptr || get(what, &value) == 0) return std::nullopt;
        return bytes{static_cast<std::int64_t>(value)};
    }
};

} // namespace detail

/// The heap source over tcmalloc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class tcmalloc : public detail::statistics_source<detail::tcmalloc_statistics, Options...> {};

} // namespace peakscope::heap
