// SPDX-License-Identifier: MIT
// The profiler type, and all that a file needs that opens phases. Cheap to include: it knows its policies by name only.
//
//     // memory.hpp
//     #include <peakscope/profiler/profiler.hpp>
//     #include <peakscope/heap/fwd.hpp>                    // names of the sources
//     using Memory = peakscope::profiler<peakscope::phases<"parsing", "rendering">, peakscope::heap::counting<>>;
//
//     // parser.cpp
//     auto phase = Memory::phase<"parsing">();             // until the end of the block
//
// The file that starts and finishes the measurement includes <peakscope/profiler/measurement.hpp> and the headers of
// the policies as well.
//
// With every policy `none`, a profiler is an empty class, its scopes are trivial, and its functions do nothing.
//
// Threads: a phase is a window on the whole process. It is opened and closed on the thread that started the
// measurement; other threads may allocate all the while and are counted. What a thread does can be attributed to a
// phase with `work`, and to a name with `label`. A phase on another thread, or inside one that it does not lie in, does
// not end the program: see `scopes::phase`.
//
// A run that is not profiled: `Memory memory{"100-page build", peakscope::when(options.profile)}` measures if asked,
// and is nothing otherwise; `peakscope::when_asked()` in its place asks the environment variable PEAKSCOPE. See
// options.hpp.
#pragma once

#include <peakscope/core/items.hpp>
#include <peakscope/core/language.hpp>
#include <peakscope/heap/fwd.hpp>
#include <peakscope/phases/phase_list.hpp>
#include <peakscope/profiler/options.hpp>
#include <peakscope/profiler/scopes.hpp>
#include <peakscope/rss/fwd.hpp>

#include <cstddef>
#include <cstdint>

namespace peakscope {

struct memory_report;

namespace report {
struct none;
}

/// A source that counts for an instance and not for the whole process says so beside its first declaration, with
///     template <> inline constexpr bool peakscope::counts_per_instance<my_source> = true;
/// Profilers with such a source can run side by side, and open their phases through the object alone.
template <class Source>
inline constexpr bool counts_per_instance = false;
template <>
inline constexpr bool counts_per_instance<heap::resource> = true;
template <class Sites>
inline constexpr bool counts_per_instance<heap::checked_resource<Sites>> = true;

namespace profiler_detail {

template <class Phases, class Heap, class Rss>
class measurement;

} // namespace profiler_detail

/// Measures memory from its construction to `finish`, as a whole and by phase.
///
/// `Phases` is a phase list; `Heap`, `Rss` and `Report` are policies (core/concepts.hpp). One measurement at a time may
/// use a source that is global to the process.
template <class Phases, class Heap = heap::none, class Rss = rss::none, class Report = report::none>
class [[nodiscard]] profiler {
    using measurement = profiler_detail::measurement<Phases, Heap, Rss>;
    static constexpr bool per_instance = counts_per_instance<Heap> || counts_per_instance<Rss>;

  public:
    using phase_list = Phases;
    using heap_source = Heap;
    using rss_source = Rss;
    using report_backend = Report;

    /// Starts the measurement: calls what settles, the caller's chance to drop caches, lets the sources give back
    /// memory that they cache but do not use, and reads the baseline last. `title` is anything that converts to
    /// std::string_view, or a function that returns it; it is copied. Each of `options` is one of options.hpp, or a
    /// function that settles. Throws `usage_error` when a global source is in use, `source_error` when a source cannot
    /// measure; an exception of the function that settles passes through.
    template <class Title, class... Options>
    explicit profiler(const Title& title, Options&&... options);

    /// Without `finish` before it, the measurement is abandoned: there is no report, and open phases end here.
    ///
    /// A program that ends with std::exit does not come here. Then the report backend has the report, with a note that
    /// it is unfinished, if the source counts for the process and the thread that started the measurement is the one
    /// that ends the program; what the backend throws goes to standard error. A measurement that is a static object has
    /// none: it is destroyed before.
    ~profiler();
    profiler(const profiler&) = delete;
    profiler& operator=(const profiler&) = delete;

    /// As `scopes<Phases>::phase` does.
    template <fixed_string Name>
    static phase_scope phase()
        requires(!per_instance)
    {
        return scopes<Phases>::template phase<Name>();
    }

    /// The same for sources that count per instance: opens a phase on this measurement, and nothing once it is
    /// finished.
    template <fixed_string Name>
    phase_scope phase()
        requires per_instance
    {
        constexpr std::size_t index = Phases::template index_of<Name>;
        if (open_for_phases_ == nullptr) return phase_scope{{}};
        return phase_scope{open_for_phases_->open_phase(index)};
    }

    /// As `scopes<Phases>::work` and `scopes<Phases>::label` do.
    template <fixed_string Name>
    static work_scope work() noexcept
        requires(!per_instance)
    {
        return scopes<Phases>::template work<Name>();
    }
    template <class Name>
    static label_scope label(const Name& name)
        requires(!per_instance)
    {
        return scopes<Phases>::label(name);
    }

    /// The heap source of this measurement, where it counts per instance: a memory resource, for example, to give to a
    /// container. It lives as long as the profiler.
    template <class Source = Heap>
    Source& heap() noexcept
        requires counts_per_instance<Source>;

    /// Ends the measurement, hands the report to the report backend and returns it. Who makes no use of it
    /// calls `report`, of which nothing is left where every policy is `none`. A phase that is still open is
    /// closed, and a note says so; where the measurement is `strict`, `usage_error` is thrown (close it and call
    /// again). So it is when the measurement is finished already and on another thread; std::bad_alloc where there
    /// is no memory even for the figures (for more than these, there is a note in the report), what the source's
    /// symboliser throws, and what the backend throws. (A template only so that the report's type need not be complete
    /// here.)
    template <class Result = memory_report>
    Result finish(items divided_by = {});

    /// The same for who wants what the backend shows, and not the data: with every policy `none` it leaves no trace,
    /// and `finish` 1 to 2 kB of code that destroys the report.
    template <class Result = memory_report>
    void report(items divided_by = {}) {
        static_cast<void>(finish<Result>(divided_by));
    }

  private:
    void stop() noexcept;
    void report_at_exit();
    static void report_open_one() noexcept;

    measurement* measurement_ = nullptr;                              // null where it is not to be measured
    profiler_detail::running_measurement* open_for_phases_ = nullptr; // null once it is finished
};

/// Every policy `none`: nothing is stored, read or written, and neither what settles nor a function for the title is
/// called. Names of phases are still checked.
template <class Phases>
class [[nodiscard, maybe_unused]] profiler<Phases, heap::none, rss::none, report::none> : public no_scopes<Phases> {
  public:
    using heap_source = heap::none;
    using rss_source = rss::none;
    using report_backend = report::none;

    template <class Title, class... Options>
    explicit constexpr profiler(const Title&, Options&&...) noexcept {}
    profiler(const profiler&) = delete;
    profiler& operator=(const profiler&) = delete;

    /// An empty report: every figure is n/a. Destroying it takes 1 to 2 kB of code, also where nobody uses it.
    template <class Result = memory_report>
    Result finish(items = {}) {
        return Result{};
    }
    /// Nothing.
    constexpr void report(const items& = {}) const noexcept {}
};

} // namespace peakscope
