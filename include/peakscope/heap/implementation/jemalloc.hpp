// SPDX-License-Identifier: MIT
// The bodies of heap/jemalloc.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/exclusive_claim.hpp>
#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/heap/implementation/allocator_statistics.hpp>
#include <peakscope/heap/jemalloc.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace peakscope::heap {

namespace detail {

using mallctl_function = int(const char*, void*, std::size_t*, void*, std::size_t);

[[nodiscard]] inline mallctl_function* mallctl_of_process() noexcept {
    static mallctl_function* const found = function_of_process<mallctl_function>("mallctl");
    return found;
}

template <class Value>
[[nodiscard]] std::optional<Value> jemalloc_value(const char* what) noexcept {
    Value value{};
    std::size_t size = sizeof(value);
    mallctl_function* const mallctl = mallctl_of_process();
    if (mallctl == nullptr || mallctl(what, static_cast<void*>(&value), &size, nullptr, 0) != 0) return std::nullopt;
    return value;
}
[[nodiscard]] inline std::optional<bytes> jemalloc_bytes(const char* what) noexcept {
    const auto value = jemalloc_value<std::size_t>(what);
    return value ? std::optional{as_bytes(*value)} : std::nullopt;
}

const char* jemalloc_statistics::missing() noexcept {
    if (!serves_malloc("mallctl"))
        return "malloc is not jemalloc's. Link with -ljemalloc (Debian: libjemalloc-dev), or preload "
               "libjemalloc.so.2 (Debian: libjemalloc2)";
    return jemalloc_value<bool>("config.stats").value_or(false)
               ? nullptr
               : "this jemalloc was built without statistics (--enable-stats)";
}

void jemalloc_statistics::settle() noexcept {
    if (mallctl_function* const mallctl = mallctl_of_process()) {
        mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
        mallctl("arena.4096.purge", nullptr, nullptr, nullptr, 0); // MALLCTL_ARENAS_ALL
    }
}

allocator_reading jemalloc_statistics::read() noexcept {
    mallctl_function* const mallctl = mallctl_of_process();
    if (mallctl == nullptr) return {};
    std::uint64_t epoch = 1;
    if (mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)) != 0) return {};
    allocator_reading now;
    const auto allocated = jemalloc_value<std::size_t>("stats.allocated");
    const auto cached = jemalloc_value<std::size_t>("stats.arenas.4096.tcache_bytes");
    if (allocated && cached) {
        now.live = bytes{static_cast<std::int64_t>(*allocated) - static_cast<std::int64_t>(*cached)};
        now.of_live = thread_count() == 1 ? exact : bounded(bytes{static_cast<std::int64_t>(*cached)});
    }
    now.state = {now.live, jemalloc_bytes("stats.active"), jemalloc_bytes("stats.resident"),
                 jemalloc_bytes("stats.retained")};
    return now;
}

inline constinit thread_local exclusive_claim jemalloc_counters_of_thread;

// jemalloc looks for a new peak each time that a thread has allocated so much, or freed so much, since the last look:
// it is too low by less than that, and never too high.
inline constexpr bytes between_looks{std::int64_t{64} * 1024};

} // namespace detail

void jemalloc<this_thread>::open() {
    if (const char* const what_to_do = detail::jemalloc_statistics::missing())
        throw source_error(std::string{"heap::jemalloc<this_thread> cannot measure: "} + what_to_do);
    const auto allocated = detail::jemalloc_value<std::uint64_t*>("thread.allocatedp");
    const auto freed = detail::jemalloc_value<std::uint64_t*>("thread.deallocatedp");
    if (!allocated || !freed || !detail::jemalloc_value<std::uint64_t>("thread.peak.read"))
        throw source_error("heap::jemalloc<this_thread> cannot measure: this jemalloc has no counters by thread; it "
                           "takes version 5.3 with statistics (Debian: libjemalloc2)");
    allocated_ = *allocated;
    freed_ = *freed;
    detail::jemalloc_counters_of_thread.take("on each thread, heap::jemalloc<this_thread>");
}
void jemalloc<this_thread>::close() noexcept { detail::jemalloc_counters_of_thread.give_back(); }
void jemalloc<this_thread>::settle() noexcept { detail::jemalloc_statistics::settle(); }

flow jemalloc<this_thread>::now() const noexcept { return {.allocated_bytes = *allocated_, .freed_bytes = *freed_}; }

// The peak is told from the last reset on, above what lived then.
void jemalloc<this_thread>::begin_peak(std::int64_t live_bytes) noexcept {
    zero_bytes_ = live_bytes;
    detail::mallctl_of_process()("thread.peak.reset", nullptr, nullptr, nullptr, 0);
}
void jemalloc<this_thread>::note_peak(window& of) const noexcept {
    const auto above = static_cast<std::int64_t>(detail::jemalloc_value<std::uint64_t>("thread.peak.read").value_or(0));
    of.peak_bytes_ = std::max(of.peak_bytes_, zero_bytes_ + above);
}

void jemalloc<this_thread>::enter(window& inner, window* outer) noexcept {
    if (outer != nullptr) note_peak(*outer);
    inner.start_ = now();
    inner.peak_bytes_ = inner.start_.live_bytes();
    begin_peak(inner.peak_bytes_);
}

heap_figures jemalloc<this_thread>::leave(window& inner, window* outer) noexcept {
    note_peak(inner);
    const flow end = now();
    if (outer != nullptr) {
        outer->peak_bytes_ = std::max(outer->peak_bytes_, inner.peak_bytes_);
        begin_peak(end.live_bytes());
    }
    heap_figures figures = figures_between(inner.start_, end);
    figures.allocations = figures.deallocations = figures.blocks_start = figures.blocks_end = std::nullopt; // unknown
    set_peak(figures, bytes{std::max(inner.peak_bytes_, end.live_bytes())}, bytes{inner.start_.live_bytes()},
             bounded(detail::between_looks));
    return figures;
}

} // namespace peakscope::heap
