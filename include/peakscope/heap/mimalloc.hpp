// SPDX-License-Identifier: MIT
// heap::mimalloc: what mimalloc says of itself (2.0 and later), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::mimalloc<>>;
//
// A released mimalloc counts what it has committed and not what is live in it, so live is committed bytes here: whole
// segments, of 32 MiB as a rule. Good for what a program costs, too coarse for a small phase. A reading takes less than
// a microsecond. To settle, free memory is collected (mi_collect).
#pragma once

#include <peakscope/heap/statistics/allocator_statistics.hpp>

#include <cstddef>
#include <cstdint>

namespace peakscope::heap {

namespace detail {

struct mimalloc_statistics {
    static constexpr const char* name = "mimalloc";
    static constexpr const char* unit = "committed";

    [[nodiscard]] static const char* missing() noexcept {
        return serves_malloc("mi_process_info")
                   ? nullptr
                   : "malloc is not mimalloc's. Link with -lmimalloc (Debian: "
                     "libmimalloc-dev), or preload libmimalloc.so.2 (Debian: libmimalloc2.0)";
    }

    static void settle() noexcept {
        if (auto* const collect = function_of_process<void(bool)>("mi_collect")) collect(true);
    }

    [[nodiscard]] static allocator_reading read() noexcept {
        using function = void(std::size_t*, std::size_t*, std::size_t*, std::size_t*, std::size_t*, std::size_t*,
                              std::size_t*, std::size_t*);
        static function* const process_info = function_of_process<function>("mi_process_info");
        if (process_info == nullptr) return {};
        std::size_t committed = 0;
        process_info(nullptr, nullptr, nullptr, nullptr, nullptr, &committed, nullptr, nullptr);
        allocator_reading now;
        now.live = bytes{static_cast<std::int64_t>(committed)};
        now.of_live = exact;
        return now;
    }
};

} // namespace detail

/// The heap source over mimalloc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class mimalloc : public detail::statistics_source<detail::mimalloc_statistics, Options...> {};

} // namespace peakscope::heap
