// SPDX-License-Identifier: MIT
// The report: what a measurement found, as plain data. Ordered and comparable, no behaviour; whoever wants to show it,
// store it or check it against a limit reads these members and needs nothing else of the library.
//
// An empty optional means that the source cannot know the figure. It never means 0.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/precision.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peakscope {

/// The heap in one window [t0, t1], with live(t) the bytes allocated and not yet freed at t, in the source's unit.
///
/// A phase that was entered several times holds the sums of delta, allocated, freed, allocations and deallocations, and
/// the largest peak and peak_delta of all entries. It has no single start and end: those four members are empty then.
struct heap_figures {
    precision totals_precision = unavailable; ///< of every figure but the two peaks
    precision peak_precision = unavailable;   ///< of peak and peak_delta
    std::optional<bytes> start{};             ///< live(t0)
    std::optional<bytes> end{};               ///< live(t1)
    std::optional<bytes> delta{};             ///< end - start = allocated - freed
    std::optional<bytes> peak{};              ///< the largest live(t) in the window
    std::optional<bytes> peak_delta{};        ///< peak - start, never negative
    std::optional<bytes> allocated{};         ///< allocated inside the window
    std::optional<bytes> freed{};             ///< freed inside the window, wherever it was allocated
    std::optional<std::uint64_t> allocations{};
    std::optional<std::uint64_t> deallocations{};
    std::optional<std::uint64_t> blocks_start{}; ///< live blocks at t0
    std::optional<std::uint64_t> blocks_end{};   ///< blocks_start + allocations - deallocations

    friend auto operator<=>(const heap_figures&, const heap_figures&) = default;
};

/// The process's resident memory in one window. The same rules as for `heap_figures`.
struct rss_figures {
    precision totals_precision = unavailable; ///< of start, end and delta
    precision peak_precision = unavailable;   ///< of peak and peak_delta
    std::optional<bytes> start{};
    std::optional<bytes> end{};
    std::optional<bytes> delta{};
    std::optional<bytes> peak{};
    std::optional<bytes> peak_delta{};

    friend auto operator<=>(const rss_figures&, const rss_figures&) = default;
};

/// One phase of the phase list. A phase that was never entered has `entries` 0 and no figures.
struct phase_report {
    std::string path{};                  ///< names from the root, joined by '/': "rendering/markdown"
    std::uint64_t entries = 0;           ///< how often it was entered
    std::chrono::nanoseconds duration{}; ///< wall-clock time, summed over the entries
    heap_figures heap{};
    rss_figures rss{};

    friend auto operator<=>(const phase_report&, const phase_report&) = default;
};

/// One frame of a call stack.
struct stack_frame {
    std::string function{};
    std::string file{};
    std::uint32_t line = 0;
    bool inlined = false;

    friend auto operator<=>(const stack_frame&, const stack_frame&) = default;
};

/// A call stack that allocated, named by its first frame in the user's own code.
struct site_report {
    std::string function{};
    std::string file{};
    std::uint32_t line = 0;
    bytes delta_bytes{};
    std::int64_t delta_blocks = 0;
    bytes at_peak_bytes{}; ///< what it held at the moment of the measurement's peak
    std::int64_t at_peak_blocks = 0;
    bytes allocated_bytes{};
    std::uint64_t allocations = 0;
    std::vector<stack_frame> stack{};

    friend auto operator<=>(const site_report&, const site_report&) = default;
};

/// What was allocated while a label was in scope.
struct label_report {
    std::string name{};
    bytes allocated_bytes{};
    std::uint64_t allocations = 0;
    bytes delta_bytes{};
    bytes peak_bytes{};

    friend auto operator<=>(const label_report&, const label_report&) = default;
};

struct item_count {
    std::string name{};
    std::uint64_t count = 0;

    friend auto operator<=>(const item_count&, const item_count&) = default;
};

/// A whole measurement.
struct memory_report {
    std::string title{};
    std::optional<item_count> items{};
    std::string heap_source{}; ///< name of the heap source, "none" without one
    std::string heap_unit{};   ///< what the heap source counts: "requested", "usable", ...
    heap_figures heap{};
    std::string rss_source{};
    rss_figures rss{};
    std::chrono::nanoseconds duration{};
    std::vector<phase_report> phases{}; ///< in the order of the phase list, a parent right before its children
    std::vector<site_report> sites{};
    std::vector<label_report> labels{};
    std::optional<bytes> profiler_bytes{}; ///< memory of the profiler itself, at the end; in no heap figure
    std::vector<std::string> notes{};      ///< what a reader must know: why a figure is unavailable, what was left out

    friend auto operator<=>(const memory_report&, const memory_report&) = default;
};

} // namespace peakscope
