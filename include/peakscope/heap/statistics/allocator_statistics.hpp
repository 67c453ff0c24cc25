// SPDX-License-Identifier: MIT
// Heap sources over what an allocator says of itself: read at phase boundaries, and nothing on the hot path.
//
// They see every block of the process's malloc, in all threads, in the allocator's own unit, the profiler's own memory
// with it. A peak between two boundaries they cannot know: it is `unavailable`, or, with the option `watched<...>`,
// `sampled` by a thread that looks now and then.
//
// The allocators are found in the running process, linked or preloaded: nothing needs to be installed to compile.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/core/exclusive_claim.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/core/timeline.hpp>
#include <peakscope/heap/fwd.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peakscope::detail {
class watcher;
}

namespace peakscope::heap {

/// An option of the allocators' statistics: a thread reads them every so many microseconds while a measurement runs,
/// and the peaks are the largest it has seen. A reading takes up to 0.1 ms (see each source) and, while it lasts, may
/// hold up threads that allocate.
template <std::uint32_t Microseconds>
struct watched {
    static_assert(Microseconds > 0, "peakscope: watched<...> needs an interval of at least 1 microsecond");
    static constexpr std::chrono::microseconds interval{Microseconds};
};

namespace detail {

// What an allocator says: its live bytes, and how far that can be trusted.
struct allocator_reading {
    std::optional<bytes> live{};
    precision of_live = unavailable;
    allocator_state state{};
};

template <class Allocator>
concept tells_statistics = requires {
    { Allocator::name } -> std::convertible_to<const char*>;
    { Allocator::unit } -> std::convertible_to<const char*>;
    { Allocator::missing() } -> std::convertible_to<const char*>; // what to do about it; null when it is there
    { Allocator::settle() } noexcept;
    { Allocator::read() } noexcept -> std::same_as<allocator_reading>;
};

// A measurement over an allocator's statistics, whatever the allocator is.
class statistics_session {
  public:
    class window {
        friend statistics_session;
        allocator_reading start_{};
        bytes peak_{};
        bool is_watched_ = false;
    };
    /// What the profiler allocates cannot be told from the rest.
    struct own_memory {};

    /// Throws `source_error` when malloc is not this allocator's, and `usage_error` when another measurement uses it.
    PEAKSCOPE_BODY_ELSEWHERE void open();
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;

    /// Has the allocator give back the memory that it caches but does not use.
    void settle() const noexcept { allocator_.settle(); }

    PEAKSCOPE_BODY_ELSEWHERE void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE heap_figures leave(window& inner, window* outer) noexcept;

    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept { return std::nullopt; }
    // Of the thread; none when not watched.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<timeline_point> readings() const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string remark() const;

    statistics_session(const statistics_session&) = delete;
    statistics_session& operator=(const statistics_session&) = delete;

  protected:
    struct functions {
        const char* name;
        const char* (*missing)() noexcept;
        void (*settle)() noexcept;
        allocator_reading (*read)() noexcept;
        exclusive_claim* claim;
    };

    // Watched at an interval above 0.
    statistics_session(const functions& allocator, std::chrono::nanoseconds interval) noexcept
        : allocator_(allocator), interval_(interval) {}
    PEAKSCOPE_BODY_ELSEWHERE ~statistics_session();

  private:
    [[nodiscard]] bool watches() const noexcept;

    functions allocator_;
    std::chrono::nanoseconds interval_;
    peakscope::detail::watcher* watcher_ = nullptr;
};

template <class Option>
inline constexpr bool is_watched = false;
template <std::uint32_t Microseconds>
inline constexpr bool is_watched<watched<Microseconds>> = true;

// Whatever the options are.
template <tells_statistics Allocator>
inline constinit exclusive_claim claim_of;

template <tells_statistics Allocator, class... Options>
class statistics_source : public statistics_session {
    static_assert(sizeof...(Options) <= 1 && (is_watched<Options> && ...),
                  "peakscope: the one option of an allocator's statistics is watched<MICROSECONDS>");

  public:
    using statistics = Allocator;
    static constexpr const char* name = Allocator::name;
    static constexpr const char* unit = Allocator::unit;
    static constexpr const char* allocator_name = Allocator::name;
    static constexpr bool is_watched_at_a_rate = sizeof...(Options) > 0;

    statistics_source() noexcept
        : statistics_session({name, Allocator::missing, Allocator::settle, Allocator::read, &claim_of<Allocator>},
                             (std::chrono::nanoseconds{} + ... + Options::interval)) {}
};

} // namespace detail

} // namespace peakscope::heap
