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
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peakscope {

/// What the allocator under the heap says of itself at one moment. Each is at least as large as the one before it.
struct allocator_state {
    std::optional<bytes> usable{};   ///< live blocks, with what their sizes are rounded up to
    std::optional<bytes> active{};   ///< pages that hold at least one of them
    std::optional<bytes> resident{}; ///< pages that it has in memory, its own data included
    std::optional<bytes> retained{}; ///< address space that it keeps without memory behind it; beyond the others

    friend auto operator<=>(const allocator_state&, const allocator_state&) = default;
};

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
    std::optional<allocator_state> allocator{};  ///< at t1; of several entries, at the end of the last one

    friend auto operator<=>(const heap_figures&, const heap_figures&) = default;
};

/// What resident memory consists of at one moment, as far as the RSS source tells it apart.
struct resident_state {
    std::optional<bytes> anonymous{}; ///< heap, stacks, and what else no file is behind
    std::optional<bytes> file{};      ///< mapped files, the program's code among them
    std::optional<bytes> shmem{};     ///< shared memory, tmpfs
    std::optional<bytes> pss{};       ///< proportional: each shared page divided by how many processes map it
    std::optional<bytes> uss{};       ///< unique: what would be freed if the process ended
    std::optional<bytes> shared{};    ///< pages that other processes map too
    std::optional<bytes> swap{};      ///< swapped out; not resident
    std::optional<bytes> limit{};     ///< that the process, or the group it is in, must not exceed

    friend auto operator<=>(const resident_state&, const resident_state&) = default;
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
    std::optional<resident_state> at_end{}; ///< at t1; of several entries, at the end of the last one

    friend auto operator<=>(const rss_figures&, const rss_figures&) = default;
};

/// One frame of a call stack.
struct stack_frame {
    std::string function{};
    std::string file{};
    std::uint32_t line = 0;
    bool inlined = false;
    std::uint64_t address = 0; ///< the return address; of an inlined frame, that of the function it is inlined into

    friend auto operator<=>(const stack_frame&, const stack_frame&) = default;
};

/// What the blocks of one site did in a window. Of a sampled site: estimates.
struct site_amounts {
    bytes delta_bytes{}; ///< negative for a site that shrank: more was freed of it than allocated
    std::int64_t delta_blocks = 0;
    bytes at_peak_bytes{}; ///< what it held at the moment of the window's peak
    std::int64_t at_peak_blocks = 0;
    bytes at_peak_born_inside{}; ///< how much of it was allocated inside the window
    bytes allocated_bytes{};
    std::uint64_t allocations = 0;
    // One standard error of each figure, where it is an estimate.
    std::optional<bytes> delta_error{};
    std::optional<bytes> at_peak_error{};
    std::optional<bytes> allocated_error{};

    friend auto operator<=>(const site_amounts&, const site_amounts&) = default;
};

/// A call stack that allocated, named by its first frame in the user's own code. One site at most has no stack: it
/// holds what is not told apart by call stack, and its function says why.
struct site_report {
    std::string function{};
    std::string file{}; ///< relative to the folder that most of the user's files are in
    std::uint32_t line = 0;
    site_amounts amounts{};           ///< in the measurement
    std::vector<stack_frame> stack{}; ///< all of it, the innermost frame first, files with their whole path

    friend auto operator<=>(const site_report&, const site_report&) = default;
};

/// A site in one phase.
struct phase_site_report {
    std::size_t site = 0; ///< index into `memory_report::sites`
    site_amounts amounts{};

    friend auto operator<=>(const phase_site_report&, const phase_site_report&) = default;
};

/// Where and when what was alive in a window had been allocated: one number for each of `memory_report::births`.
struct birth_report {
    std::vector<bytes> at_peak{};  ///< alive at the window's peak; empty for a phase that was never entered
    std::vector<bytes> at_end{};   ///< alive at its end, of a phase its last entry; empty likewise
    bytes allocated{};             ///< by this phase itself: what phases inside it allocated is theirs
    std::vector<bytes> freed_in{}; ///< how much of that was freed while each phase was the innermost one

    friend auto operator<=>(const birth_report&, const birth_report&) = default;
};

/// What threads did for a phase while it was in scope on them, whatever window was open. Exact. A peak is a matter of
/// the whole process at one moment, and is not to be had of a thread's work; what of it was alive at a peak is in the
/// births.
struct work_figures {
    std::uint64_t entries = 0;              ///< scopes
    std::chrono::nanoseconds thread_time{}; ///< summed over the threads
    bytes allocated{};
    bytes freed{}; ///< wherever it was allocated
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;

    friend auto operator<=>(const work_figures&, const work_figures&) = default;
};

/// One phase of the phase list. A phase that was never entered has `entries` 0 and no figures but those of `work`.
struct phase_report {
    std::string path{};                  ///< names from the root, joined by '/': "rendering/markdown"
    std::uint64_t entries = 0;           ///< how often it was entered
    std::chrono::nanoseconds duration{}; ///< wall-clock time, summed over the entries
    heap_figures heap{};
    rss_figures rss{};
    std::vector<phase_site_report> sites{}; ///< the largest delta first
    std::optional<birth_report> births{};
    std::optional<work_figures> work{}; ///< of scopes on threads, with those of the phases inside it

    friend auto operator<=>(const phase_report&, const phase_report&) = default;
};

/// What was allocated while a label was in scope.
struct label_report {
    std::string name{};
    bytes allocated_bytes{};
    std::uint64_t allocations = 0;
    bytes delta_bytes{};   ///< live at the end, less what of it lived before
    bytes peak_bytes{};    ///< the largest that its live blocks have held at one time
    bytes at_peak_bytes{}; ///< what they held at the moment of the measurement's peak

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
    std::string allocator{}; ///< whose state `heap_figures::allocator` is: "jemalloc", ...; else empty
    std::string rss_source{};
    rss_figures rss{};
    std::chrono::nanoseconds duration{};
    std::vector<phase_report> phases{};      ///< in the order of the phase list, a parent right before its children
    precision sites_precision = unavailable; ///< of sites; what lived at a peak is as precise as the peak, at best
    std::vector<site_report> sites{};        ///< the largest delta first
    std::vector<label_report> labels{};      ///< the largest peak first
    std::vector<std::string> births{};       ///< what the numbers of a `birth_report` stand for, in order
    std::optional<birth_report> measurement_births{};
    std::optional<bytes> profiler_bytes{}; ///< memory of the profiler itself, at the end; in no heap figure
    std::vector<std::string> notes{};      ///< what a reader must know: why a figure is unavailable, what was left out

    friend auto operator<=>(const memory_report&, const memory_report&) = default;
};

} // namespace peakscope
