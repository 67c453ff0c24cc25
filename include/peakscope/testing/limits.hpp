// SPDX-License-Identifier: MIT
// Limits and budgets as data, which is all that a test needs to set one. <peakscope/testing/budget.hpp> checks reports
// against them; this header does not know the report, so that the adapters for test frameworks cost next to nothing.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/byte_count.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>

namespace peakscope {
struct memory_report;
} // namespace peakscope

namespace peakscope::testing {

namespace detail {
class budget_check;
} // namespace detail

/// Limits for a window, a label or an item. A member without a value is no limit; a figure may be as large as its
/// limit, and no larger.
struct limits {
    std::optional<bytes> heap_delta{};      ///< live at the end less live at the start
    std::optional<bytes> heap_peak{};       ///< above the measurement's start, as the console shows it
    std::optional<bytes> heap_peak_delta{}; ///< above the window's own start; the same for the measurement
    std::optional<bytes> rss_delta{};
    std::optional<bytes> rss_peak{};
    std::optional<bytes> rss_peak_delta{};
    std::optional<bytes> allocated{}; ///< all that was allocated, freed or not
    std::optional<std::uint64_t> allocations{};
    std::optional<std::uint64_t> leaked_blocks{}; ///< allocations less deallocations
};

/// Limits by name. The names are kept; a text may be any string with `c_str()`.
class limits_by_name {
  public:
    struct text {
        const char* characters;

        text(const char* of) : characters(of) {}
        template <class String>
            requires requires(const String& of) { of.c_str(); }
        text(const String& of) : characters(of.c_str()) {}
    };
    struct named {
        text name;
        limits of{};
    };

    limits_by_name() noexcept = default;
    PEAKSCOPE_BODY_ELSEWHERE limits_by_name(std::initializer_list<named> all);
    PEAKSCOPE_BODY_ELSEWHERE limits_by_name(const limits_by_name& other);
    PEAKSCOPE_BODY_ELSEWHERE limits_by_name& operator=(const limits_by_name& other);
    PEAKSCOPE_BODY_ELSEWHERE ~limits_by_name();

    /// The limits of this name, which are none before they are set.
    PEAKSCOPE_BODY_ELSEWHERE limits& operator[](text name);

  private:
    friend class detail::budget_check;
    struct map;

    map* all_ = nullptr; // null without any
};

/// All limits for a report. Phases are named by path or by a name that only one has; of a label, the report knows
/// heap_delta, heap_peak, allocated and allocations.
struct budget {
    limits whole{};
    limits_by_name phases{};
    limits_by_name labels{};
    limits per_item{}; ///< the measurement's figures divided by its items
};

namespace detail {

// For the assertions of the test frameworks: calls `fail` with the message of each limit that is broken, and says
// whether all are kept.
PEAKSCOPE_BODY_ELSEWHERE bool keeps(const memory_report& report, const budget& all,
                                    void (*fail)(void* to, const char* message), void* to = nullptr);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] const char* title_of(const memory_report& report) noexcept;

} // namespace detail

} // namespace peakscope::testing
