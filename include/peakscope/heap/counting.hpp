// SPDX-License-Identifier: MIT
// heap::counting: the heap as `operator new` and `operator delete` see it, in requested bytes, exactly.
//
//     // in one .cpp file of the program:
//     #include <peakscope/heap/counting_operators.hpp>
//
//     // where the measurement starts:
//     #include <peakscope/heap/counting.hpp>
//     #include <peakscope/sites/frames.hpp>
//     using Memory = peakscope::profiler<Phases, peakscope::heap::counting<peakscope::sites::frames<8>>>;
//
// What it counts: every block from the replaced operators, in all threads, from the first one in the process, with the
// size that the program asked for. What it does not see: malloc called directly, by C libraries for example, and mmap.
//
// Every block remembers the phase it was born in, the one its thread worked for, and the label that was in scope; with
// a site policy, also the call stack that allocated it. Stacks are captured while a measurement runs: what was
// allocated before is told apart from the rest, but not by site.
//
// Precision: start, end, delta, allocated, freed and the counts are exact, also while other threads allocate: they are
// read while all threads stand still for a moment. A peak is exact where one thread alone was at work between each
// phase boundary and the next; where more were, it is bounded, see event.hpp, and so is what was alive then.
// `counting<batch<0_B>>` has exact peaks with any number of threads, and pays for it with a shared counter on every
// event.
//
// With an allocator's source as an option, `counting<sites::frames<8>, jemalloc<>>`, the report has what that allocator
// says of itself beside what was asked for: usable, active and resident bytes at the end of each window.
//
// The price: sixteen bytes in front of each block, and the tables, reported as the profiler's own.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/engine/capture.hpp>
#include <peakscope/heap/counting_options.hpp>
#include <peakscope/heap/counting_session.hpp>
#include <peakscope/heap/fwd.hpp>
#include <peakscope/sites/none.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>

namespace peakscope::heap {

namespace detail {

// What the sources over the counting engine have in common. `RateBytes`: one stack in so many bytes is captured, all of
// them with 0.
template <const counted_functions& Counted, std::int64_t RateBytes, class... Options>
class counting_source : public names_allocator<chosen<is_statistics, no_statistics, Options...>> {
    static_assert(((batch_option<Options> || site_option<Options> || statistics_option<Options> ||
                    lifetimes_option<Options>) &&
                   ...),
                  "peakscope: the options of a counting heap source are batch<...>, lifetimes, a site policy, and an "
                  "allocator's source; include its header (peakscope/sites/..., peakscope/heap/...) where the "
                  "measurement starts");
    static_assert((0 + ... + batch_option<Options>) <= 1 && (0 + ... + site_option<Options>) <= 1 &&
                      (0 + ... + statistics_option<Options>) <= 1,
                  "peakscope: a counting heap source takes one batch<...>, one site policy and one allocator's source");

    using allocator = chosen<is_statistics, no_statistics, Options...>;
    static_assert(!is_watched_source<allocator>,
                  "peakscope: a counting heap source reads the allocator's figures where phases begin and end, and "
                  "knows the peaks itself: leave watched<...> away");
    static constexpr bool reads_statistics = statistics_option<allocator>;
    using site_policy = chosen<is_site, sites::none, Options...>;
    static constexpr bool captures = !std::same_as<site_policy, sites::none>;
    static constexpr bool watches = (false || ... || lifetimes_option<Options>);
    static_assert(
        !watches || (captures && RateBytes == 0),
        "peakscope: lifetimes are those of the blocks of each site: they need a site policy, and no sampling");
    static constexpr std::int64_t batch_bytes =
        chosen<is_batch, batch<bytes{default_batch_bytes}>, Options...>::batch_bytes;

  public:
    static constexpr const char* unit = "requested";

    using window = counting_window;

    /// While one is alive, what its thread allocates is the profiler's own memory.
    using own_memory = own_memory_scope;

    /// Throws `usage_error` when another measurement uses the counted heap, and `source_error` when the functions are
    /// not replaced.
    void open() {
        if constexpr (reads_statistics)
            if (const char* const what_to_do = allocator::statistics::missing())
                throw source_error(std::string{"heap::"} + allocator::name + " cannot be read: " + what_to_do);
        session_.open(Counted);
    }

    /// For a measurement by phases: makes room for `phase_count` of them, that nest up to `depth` deep. From here on,
    /// blocks are attributed to where they come from.
    void attribute(std::size_t phase_count, std::size_t depth) {
        const capture_mode* mode = nullptr;
        if constexpr (watches)
            mode = &capturing<site_policy>::watching;
        else if constexpr (captures)
            mode = &capturing<site_policy, RateBytes>::mode;
        session_.attribute(phase_count, depth, batch_bytes, mode);
    }

    void close() noexcept { session_.close(); }

    /// Gives free pages back to the system (glibc: malloc_trim), so that RSS starts from what is really in use.
    void settle() noexcept {
        if constexpr (reads_statistics) allocator::statistics::settle();
        counting_session::settle();
    }

    void enter(window& inner, window* outer) noexcept { session_.enter(inner, outer, 0); }
    /// `number` is 0 for the measurement, and from 1 on for the phases (see phase_slot).
    void enter(window& inner, window* outer, std::size_t number) noexcept { session_.enter(inner, outer, number); }

    heap_figures leave(window& inner, window* outer) noexcept {
        heap_figures figures = session_.leave(inner, outer);
        if constexpr (reads_statistics) {
            const own_memory uncounted;
            figures.allocator = allocator::statistics::read().state;
        }
        return figures;
    }

    /// Block headers, records, tables, and what was allocated under `own_memory` and is still live.
    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept {
        bytes own = session_.own_bytes();
        if constexpr (captures && sites::keeps_tables<site_policy>) own += bytes{site_policy::own_bytes()};
        return own;
    }

    /// What of the profiler's is resident, as of the last `enter` or `leave`.
    [[nodiscard]] own_residence residence() const noexcept {
        own_residence now = session_.residence();
        if constexpr (captures && sites::keeps_tables<site_policy>) now.tables += bytes{site_policy::own_bytes()};
        return now;
    }

    [[nodiscard]] std::string remark() const { return session_.remark(); }

    /// Who allocated, when the measurement is closed. Throws std::bad_alloc.
    [[nodiscard]] attribution attributed() const {
        const precision of_sites = RateBytes > 0 ? sampled(bytes{RateBytes}) : exact;
        return session_.attributed(RateBytes, captures ? of_sites : unavailable);
    }

    /// Live bytes over time. Throws std::bad_alloc.
    [[nodiscard]] std::vector<timeline_point> timeline() const { return session_.timeline(); }
    [[nodiscard]] std::optional<std::chrono::nanoseconds> peak_at(const window& closed) const noexcept {
        return closed.peak_at();
    }

    /// The stacks of an attribution with names. Throws what the site policy's symboliser throws.
    [[nodiscard]] named_stacks named(const attribution& of) const {
        if constexpr (captures) {
            static_assert(
                sites::symboliser<typename site_policy::symboliser>,
                "peakscope: the symboliser of the site policy must satisfy sites::symboliser; for the default "
                "one include <peakscope/sites/libbacktrace.hpp> and link with -lbacktrace, or name another: "
                "sites::frames<8, sites::addresses>");
            return sites::name_stacks<typename site_policy::symboliser>(of);
        } else {
            static_cast<void>(of);
            return {};
        }
    }

    /// As heap/counting_switch.hpp does, unless a measurement runs.
    static void switch_counting(bool on) noexcept { counting_session::switch_counting(on); }

    /// Puts a label in scope on the calling thread and returns what to give back to `leave_label`.
    static std::uint16_t enter_label(std::string_view name) { return counting_session::enter_label(name); }
    static void leave_label(std::uint16_t before) noexcept { counting_session::leave_label(before); }

    /// Puts a phase, by its number, in scope on the calling thread and returns what to give back to `leave_work`.
    static std::uint64_t enter_work(std::size_t phase) noexcept { return counting_session::enter_work(phase); }
    static void leave_work(std::uint64_t before) noexcept { counting_session::leave_work(before); }

  private:
    counting_session session_{};
};

} // namespace detail

/// The heap source over the replaced operators. Its options, in any order: `batch<...>`, a site policy
/// (peakscope/sites) and with it `lifetimes`, and an allocator's source, as `heap::jemalloc<>`. Global to the process:
/// it serves one measurement at a time.
template <class... Options>
class counting : public detail::counting_source<detail::operators_of_process, 0, Options...> {
  public:
    static constexpr const char* name = "counting";
};

/// The same figures, with the stacks of a sample: on average one in `Rate` allocated bytes is looked at, every byte
/// with the same chance, so that what it costs hardly depends on how many small blocks a program allocates. Totals,
/// peaks, labels and births are as with `counting`; amounts by site are unbiased estimates and carry their standard
/// error.
template <bytes Rate, class... Options>
class sampling : public detail::counting_source<detail::operators_of_process, Rate.count, Options...> {
    static_assert(Rate.count > 0, "peakscope: a sampling rate is a number of bytes above 0");

  public:
    static constexpr const char* name = "sampling";
};

} // namespace peakscope::heap
