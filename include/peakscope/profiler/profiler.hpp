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
// measurement; other threads may allocate all the while and are counted. `phase` on another thread throws
// `usage_error`; what a thread does can be attributed to a phase with `work`, and to a name with `label`.
#pragma once

#include <peakscope/core/atomic_pointer.hpp>
#include <peakscope/core/items.hpp>
#include <peakscope/heap/fwd.hpp>
#include <peakscope/phases/phase_list.hpp>
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

// A running measurement as its phases see it. It lives as long as its profiler or one of its scopes does.
class running_measurement {
  public:
    running_measurement(const running_measurement&) = delete;
    running_measurement& operator=(const running_measurement&) = delete;

    virtual void enter(std::size_t phase) = 0; // throws usage_error
    virtual void leave(std::size_t phase) noexcept = 0;

    void retain() noexcept { ++owners_; }
    void release() noexcept {
        if (--owners_ == 0) destroy();
    }

  protected:
    running_measurement() = default;
    virtual ~running_measurement() = default;

  private:
    virtual void destroy() noexcept = 0;

    std::size_t owners_ = 1;
};

// How the scopes of threads reach the heap source, which files that use them know by name only. An object of the
// process: scopes on other threads may outlive the measurement.
class thread_port {
  public:
    thread_port(const thread_port&) = delete;
    thread_port& operator=(const thread_port&) = delete;

    virtual unsigned short enter_label(const char* name, std::size_t length) const = 0;
    virtual void leave_label(unsigned short before) const noexcept = 0;
    virtual std::uint64_t enter_work(std::size_t phase) const noexcept = 0;
    virtual void leave_work(std::uint64_t before) const noexcept = 0;

  protected:
    constexpr thread_port() = default;
    ~thread_port() = default;
};

template <class Phases, class Heap, class Rss>
class measurement;

struct no_settling {
    constexpr void operator()() const noexcept {}
};

} // namespace profiler_detail

/// An open phase. It closes at the end of its block, also when an exception leaves it. Not copied and not moved, so
/// that phases nest as blocks do. Where no measurement was running, it is closed from the start.
///
/// A phase that is still open when its profiler is destroyed without `finish` closes with it; the scope then does
/// nothing more.
class [[nodiscard, maybe_unused]] phase_scope {
  public:
    phase_scope(profiler_detail::running_measurement* measurement, std::size_t phase)
        : measurement_(measurement), phase_(phase) {
        if (measurement_ == nullptr) return;
        measurement_->enter(phase_);
        measurement_->retain();
    }
    ~phase_scope() { close(); }
    phase_scope(const phase_scope&) = delete;
    phase_scope& operator=(const phase_scope&) = delete;

    /// Closes the phase before the end of its block. A second time it does nothing.
    void close() noexcept {
        if (measurement_ == nullptr) return;
        measurement_->leave(phase_);
        measurement_->release();
        measurement_ = nullptr;
    }

  private:
    profiler_detail::running_measurement* measurement_;
    std::size_t phase_;
};

/// A label in scope. What its thread allocates until the end of the block is attributed to it; a label inside another
/// takes its place for a while. Not copied and not moved. Closed on the thread that opened it.
class [[nodiscard, maybe_unused]] label_scope {
  public:
    label_scope(const profiler_detail::thread_port* port, const char* name, std::size_t length) : port_(port) {
        if (port_ != nullptr) before_ = port_->enter_label(name, length);
    }
    ~label_scope() { close(); }
    label_scope(const label_scope&) = delete;
    label_scope& operator=(const label_scope&) = delete;

    /// Closes the label before the end of its block. A second time it does nothing.
    void close() noexcept {
        if (port_ != nullptr) port_->leave_label(before_);
        port_ = nullptr;
    }

  private:
    const profiler_detail::thread_port* port_;
    unsigned short before_ = 0; // the label that was in scope
};

/// A phase in scope on its thread. Not copied and not moved. Closed on the thread that opened it.
class [[nodiscard, maybe_unused]] work_scope {
  public:
    work_scope(const profiler_detail::thread_port* port, std::size_t phase) noexcept : port_(port) {
        if (port_ != nullptr) before_ = port_->enter_work(phase);
    }
    ~work_scope() { close(); }
    work_scope(const work_scope&) = delete;
    work_scope& operator=(const work_scope&) = delete;

    /// Closes it before the end of its block. A second time it does nothing.
    void close() noexcept {
        if (port_ != nullptr) port_->leave_work(before_);
        port_ = nullptr;
    }

  private:
    const profiler_detail::thread_port* port_;
    std::uint64_t before_ = 0; // what was in scope
};

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

    /// Starts the measurement: calls `settle`, the caller's chance to drop caches, lets the sources give back what they
    /// hold in vain, and reads the baseline last. `title` is anything that converts to std::string_view; it is copied.
    /// Throws `usage_error` when a global source is in use, `source_error` when a source cannot measure, and what
    /// `settle` throws.
    template <class Title, class Settle = profiler_detail::no_settling>
    explicit profiler(const Title& title, Settle&& settle = {});

    /// Without `finish` before it, the measurement is abandoned: there is no report, and open phases end here.
    ~profiler();
    profiler(const profiler&) = delete;
    profiler& operator=(const profiler&) = delete;

    /// Opens a phase on the measurement of this type that is running; opens nothing when none is. The phase must lie
    /// directly inside the innermost open phase, as the phase list has it, else `usage_error` is thrown.
    template <fixed_string Name>
    static phase_scope phase()
        requires(!per_instance)
    {
        return {running_.load(), Phases::template index_of<Name>};
    }

    /// The same for sources that count per instance: opens a phase on this measurement, and nothing once it is
    /// finished.
    template <fixed_string Name>
    phase_scope phase()
        requires per_instance
    {
        return {open_for_phases_, Phases::template index_of<Name>};
    }

    /// Attributes what the calling thread does, until the end of the block, to a phase: what it allocates is born in
    /// that phase, and what it allocates and frees is in the phase's `work`, whatever phase is open on the measuring
    /// thread. For threads that work on several phases at a time, in pipelines and pools; on any thread, and any number
    /// of them. Another one inside takes its place for a while. Does nothing when no measurement of this type is
    /// running, and with heap sources that cannot tell threads apart. Costs a look at each site that the thread has
    /// used since the last phase began or ended: open it around a task, not around an allocation.
    template <fixed_string Name>
    static work_scope work() noexcept
        requires(!per_instance)
    {
        return {threads_.load(), Phases::template index_of<Name>};
    }

    /// Attributes what the calling thread allocates, until the end of the block, to a name: of a plugin, of a template.
    /// On any thread; a new thread begins without a label, and an empty name takes the label out of scope. Does nothing
    /// when no measurement of this type is running, and with heap sources that know no labels. `name` is a literal or
    /// has `data()` and `size()`; it is copied. At most 65,535 names in the life of a process are told apart. Throws
    /// std::bad_alloc.
    template <class Name>
    static label_scope label(const Name& name)
        requires(!per_instance)
    {
        if constexpr (requires { name.data() + name.size(); })
            return {threads_.load(), name.data(), name.size()};
        else
            return {threads_.load(), name, __builtin_strlen(name)};
    }

    /// The heap source of this measurement, where it counts per instance: a memory resource, for example, to give to a
    /// container. It lives as long as the profiler.
    template <class Source = Heap>
    Source& heap() noexcept
        requires counts_per_instance<Source>;

    /// Ends the measurement, hands the report to the report backend and returns it. Throws `usage_error` when a phase
    /// is still open (close it and call again) or when the measurement is finished already, and what the backend
    /// throws. (A template only so that the report's type need not be complete here.)
    template <class Result = memory_report>
    Result finish(items divided_by = {});

    /// The same for who wants what the backend shows, and not the data: with every policy `none` it leaves no trace.
    template <class Result = memory_report>
    void report(items divided_by = {}) {
        static_cast<void>(finish<Result>(divided_by));
    }

  private:
    void stop() noexcept;

    // The running measurement of this type, where the sources allow but one.
    static inline constinit atomic_pointer<profiler_detail::running_measurement> running_{};
    static inline constinit atomic_pointer<const profiler_detail::thread_port> threads_{};

    measurement* measurement_ = nullptr;
    profiler_detail::running_measurement* open_for_phases_ = nullptr; // null once it is finished
};

/// The scope of a profiler that is switched off. Marked, so that a variable of it is not reported as unused; outside of
/// the template, because g++ 12 loses the mark on a template's member.
struct [[nodiscard, maybe_unused]] disabled_phase_scope {
    constexpr void close() const noexcept {}
};

/// Every policy `none`: nothing is stored, read or written, and `settle` is not called. Names of phases are still
/// checked.
template <class Phases>
class [[nodiscard, maybe_unused]] profiler<Phases, heap::none, rss::none, report::none> {
  public:
    using phase_list = Phases;
    using heap_source = heap::none;
    using rss_source = rss::none;
    using report_backend = report::none;

    template <class Title, class Settle = profiler_detail::no_settling>
    explicit constexpr profiler(const Title&, Settle&& = {}) noexcept {}
    profiler(const profiler&) = delete;
    profiler& operator=(const profiler&) = delete;

    template <fixed_string Name>
    static constexpr disabled_phase_scope phase() noexcept {
        static_assert(Phases::template index_of<Name> < Phases::count);
        return {};
    }

    template <fixed_string Name>
    static constexpr disabled_phase_scope work() noexcept {
        return phase<Name>();
    }

    template <class Name>
    static constexpr disabled_phase_scope label(const Name&) noexcept {
        return {};
    }

    /// An empty report: every figure is n/a.
    template <class Result = memory_report>
    Result finish(items = {}) {
        return Result{};
    }
    constexpr void report(const items& = {}) const noexcept {}
};

} // namespace peakscope
