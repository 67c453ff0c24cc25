// SPDX-License-Identifier: MIT
// heap::jemalloc: jemalloc's own statistics (jemalloc(3), 5.0 and later), at phase boundaries.
//
//     using Memory = peakscope::profiler<Phases, peakscope::heap::jemalloc<>>;
//     using Memory = peakscope::profiler<Phases, peakscope::heap::jemalloc<peakscope::heap::watched<1000>>>;
//
// live is `stats.allocated` less what lies in the threads' caches, which jemalloc counts as allocated: usable bytes of
// the blocks that the program holds. Read on one thread it is exact. While there are others, what their caches hold may
// change as it is read, and the figure is bounded by what all caches hold. A reading takes some 70 µs, because jemalloc
// sums up all arenas for it. To settle, the calling thread's cache is flushed and all arenas are purged.
#pragma once

#include <peakscope/heap/allocator_statistics.hpp>
#include <peakscope/heap/thread_count.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace peakscope::heap {

namespace detail {

struct jemalloc_statistics {
    static constexpr const char* name = "jemalloc";
    static constexpr const char* unit = "usable";

    [[nodiscard]] static const char* missing() noexcept {
        if (!serves_malloc("mallctl"))
            return "malloc is not jemalloc's. Link with -ljemalloc (Debian: libjemalloc-dev), or preload "
                   "libjemalloc.so.2 (Debian: libjemalloc2)";
        return get<bool>("config.stats").value_or(false)
                   ? nullptr
                   : "this jemalloc was built without statistics (--enable-stats)";
    }

    static void settle() noexcept {
        if (mallctl_function* const mallctl = function()) {
            mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
            mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0); // MALLCTL_ARENAS_ALL
        }
    }

    [[nodiscard]] static allocator_reading read() noexcept {
        mallctl_function* const mallctl = function();
        if (mallctl == nullptr) return {};
        std::uint64_t epoch = 1;
        if (mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)) != 0) return {};
        allocator_reading now;
        const auto allocated = get<std::size_t>("stats.allocated");
        const auto cached = get<std::size_t>("stats.arenas.4096.tcache_bytes");
        if (allocated && cached) {
            now.live = bytes{static_cast<std::int64_t>(*allocated) - static_cast<std::int64_t>(*cached)};
            now.of_live = thread_count() == 1 ? exact : bounded(bytes{static_cast<std::int64_t>(*cached)});
        }
        now.state = {now.live, as_bytes("stats.active"), as_bytes("stats.resident"), as_bytes("stats.retained")};
        return now;
    }

  private:
    using mallctl_function = int(const char*, void*, std::size_t*, void*, std::size_t);

    [[nodiscard]] static mallctl_function* function() noexcept {
        static mallctl_function* const found = function_of_process<mallctl_function>("mallctl");
        return found;
    }
    template <class Value>
    [[nodiscard]] static std::optional<Value> get(const char* what) noexcept {
        Value value{};
        std::size_t size = sizeof(value);
        mallctl_function* const mallctl = function();
        if (mallctl == nullptr || mallctl(what, &value, &size, nullptr, 0) != 0) return std::nullopt;
        return value;
    }
    [[nodiscard]] static std::optional<bytes> as_bytes(const char* what) noexcept {
        const auto value = get<std::size_t>(what);
        return value ? std::optional{bytes{static_cast<std::int64_t>(*value)}} : std::nullopt;
    }
};

} // namespace detail

/// The heap source over jemalloc's statistics. Global to the process: it serves one measurement at a time.
template <class... Options>
class jemalloc : public detail::statistics_source<detail::jemalloc_statistics, Options...> {};

} // namespace peakscope::heap
