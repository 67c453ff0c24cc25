// SPDX-License-Identifier: MIT
// The report: what a measurement found, as plain data, ordered and comparable. Whoever wants to show it, store it or
// check it against a limit reads these members and needs nothing else of the library.
//
// An empty optional means that the source cannot know the figure. It never means 0.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/core/precision.hpp>
#include <peakscope/core/shared_text.hpp>
#include <peakscope/core/timeline.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope {

/// What the allocator under the heap says of itself at one moment. Each is at least as large as the one before it.
struct allocator_state {
    std::optional<bytes> usable{};   ///< live blocks, with what their sizes are rounded up to
    std::optional<bytes> active{};   ///< pages that hold at least one of them
    std::optional<bytes> resident{}; ///< pages that it has in memory, its own data included
    std::optional<bytes> retained{}; ///< address space that it keeps without memory behind it; beyond the others

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const allocator_state& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const allocator_state& other) const;
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

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const heap_figures& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const heap_figures& other) const;
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

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const resident_state& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const resident_state& other) const;
};

/// What a window touched, read or written, also of what was unmapped before its end; in whole pages, somewhere between
/// two bounds. Why they differ, rss/working_set.hpp says. Of several entries, each member is the largest.
struct touched_memory {
    bytes at_least{};
    bytes at_most{};
    bytes resident{}; ///< at t1, touched or not

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const touched_memory& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const touched_memory& other) const;
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
    std::optional<bytes> delta_bound{};     ///< of delta alone, where it is less than that of totals_precision
    std::optional<bytes> profiler_bytes{};  ///< resident at t1 too, but the profiler's own: in none of these figures
    std::optional<resident_state> at_end{}; ///< at t1; of several entries, at the end of the last one
    std::optional<touched_memory> touched{};

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const rss_figures& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const rss_figures& other) const;
};

/// A program or library that the process has loaded.
struct module_report {
    std::string path{};
    std::string build_id{};      ///< in hexadecimal, as `readelf -n` shows it; empty where it has none
    std::uint64_t load_bias = 0; ///< an address less this is one of the file's own, as addr2line takes it

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const module_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const module_report& other) const;
};

/// What it took to look names up, after the measurement.
struct naming_figures {
    std::uint64_t addresses = 0; ///< that were to be named
    std::uint64_t cached = 0;    ///< of them, those whose names were known
    std::chrono::nanoseconds duration{};
    /// Of the processes that looked them up, together; empty where this one did, or there was nothing to look up.
    std::optional<bytes> children_peak_rss{};

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const naming_figures& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const naming_figures& other) const;
};

/// One frame of a call stack.
struct stack_frame {
    shared_text function{};
    shared_text file{};
    std::uint32_t line = 0;
    bool inlined = false;
    std::uint64_t address = 0; ///< the return address; of an inlined frame, that of the function it is inlined into
    std::optional<std::uint32_t> module{}; ///< index into `memory_report::modules`; empty where it is not loaded

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const stack_frame& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const stack_frame& other) const;
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

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const site_amounts& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const site_amounts& other) const;
};

/// Sizes and lifetimes of the blocks of one call stack that were allocated in the measurement. Exact.
struct lifetime_figures {
    /// Allocations of 0 bytes, of 1, of 2 and 3, of 4 to 7, and so on; up to the largest there was.
    std::vector<std::uint64_t> sizes{};
    std::uint64_t temporary = 0;   ///< freed by the very next event of the thread that had allocated them
    std::uint64_t short_lived = 0; ///< freed before the entry of the phase ended that they were allocated in
    bytes short_lived_bytes{};
    bytes peak_bytes{}; ///< the most that lived of them at one time

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const lifetime_figures& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const lifetime_figures& other) const;
};

/// A call stack that allocated, named by its first frame in the user's own code. One site at most has no stack: it
/// holds what is not told apart by call stack, and its function says why.
struct site_report {
    /// The function of what was allocated before the measurement, when no stack was captured.
    static constexpr const char* from_before = "(allocated before the measurement)";

    std::string function{};
    std::string file{}; ///< relative to the folder that most of the user's files are in
    std::uint32_t line = 0;
    site_amounts amounts{};                      ///< in the measurement
    std::vector<stack_frame> stack{};            ///< all of it, the innermost frame first, files with their whole path
    std::optional<lifetime_figures> lifetimes{}; ///< where the heap source was asked for them (heap::lifetimes)

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const site_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const site_report& other) const;
};

/// A site in one phase.
struct phase_site_report {
    std::size_t site = 0; ///< index into `memory_report::sites`
    site_amounts amounts{};

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const phase_site_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const phase_site_report& other) const;
};

/// Where and when what was alive in a window had been allocated: one number for each of `memory_report::births`.
struct birth_report {
    std::vector<bytes> at_peak{};  ///< alive at the window's peak; empty for a phase that was never entered
    std::vector<bytes> at_end{};   ///< alive at its end, of a phase its last entry; empty likewise
    bytes allocated{};             ///< by this phase itself: what phases inside it allocated is theirs
    std::vector<bytes> freed_in{}; ///< how much of that was freed while each phase was the innermost one

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const birth_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const birth_report& other) const;
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

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const work_figures& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const work_figures& other) const;
};

/// One phase of the phase list. A phase that was never entered has `entries` 0 and no figures but those of `work`.
struct phase_report {
    std::string path{};                  ///< names from the root, joined by '/': "rendering/markdown"
    std::uint64_t entries = 0;           ///< how often it was entered
    std::chrono::nanoseconds duration{}; ///< wall-clock time, summed over the entries
    heap_figures heap{};
    rss_figures rss{};
    /// The largest delta first. Of a phase that was never entered, but had in scope on threads: the blocks born in it,
    /// through the whole measurement and at its peak.
    std::vector<phase_site_report> sites{};
    std::optional<birth_report> births{};
    std::optional<work_figures> work{}; ///< of scopes on threads, with those of the phases inside it
    /// When the heap's peak was reached, from the start of the measurement; empty where the source does not know.
    std::optional<std::chrono::nanoseconds> peak_at{};

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const phase_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const phase_report& other) const;
};

/// What was allocated while a label was in scope.
struct label_report {
    std::string name{};
    bytes allocated_bytes{};
    std::uint64_t allocations = 0;
    bytes delta_bytes{};   ///< live at the end, less what of it lived before
    bytes peak_bytes{};    ///< the largest that its live blocks have held at one time
    bytes at_peak_bytes{}; ///< what they held at the moment of the measurement's peak

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const label_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const label_report& other) const;
};

struct item_count {
    std::string name{};
    std::uint64_t count = 0;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const item_count& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const item_count& other) const;
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
    std::optional<bytes> process_peak_rss{}; ///< the largest since the process began, the profiler's own in it
    std::chrono::nanoseconds duration{};
    std::vector<phase_report> phases{};      ///< in the order of the phase list, a parent right before its children
    precision sites_precision = unavailable; ///< of sites; what lived at a peak is as precise as the peak, at best
    std::vector<site_report> sites{};        ///< the largest delta first
    std::vector<module_report> modules{};    ///< that the frames of `sites` lie in
    std::optional<naming_figures> naming{};  ///< empty where names were not looked up
    std::vector<phase_site_report> outside_sites{}; ///< while no phase was open; at the measurement's peak
    std::vector<label_report> labels{};             ///< the largest peak first
    std::vector<std::string> births{};              ///< what the numbers of a `birth_report` stand for, in order
    std::optional<birth_report> measurement_births{};
    /// When the heap's peak was reached, from the start of the measurement; empty where the source does not know.
    std::optional<std::chrono::nanoseconds> peak_at{};
    timeline_report timeline{};
    std::optional<bytes> profiler_bytes{}; ///< memory of the profiler itself, at the end; in no heap figure
    std::vector<std::string> notes{};      ///< what a reader must know: why a figure is unavailable, what was left out

    /// A phase by its path, "rendering/markdown", or by a name that only one phase has, "markdown". It is part of this
    /// report. Throws `usage_error`, with the phases there are, where there is none or several have the name.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] const phase_report& phase(std::string_view path) const;
    /// The same, and null where `phase` throws.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] const phase_report* find_phase(std::string_view path) const noexcept;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::strong_ordering operator<=>(const memory_report& other) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool operator==(const memory_report& other) const;
};

} // namespace peakscope
