// SPDX-License-Identifier: MIT
// Phases, labels and work as scopes: all that a file needs that says what its code is for. It knows the phase list, and
// nothing of what measures.
//
//     using Memory = peakscope::scopes<BuildPhases>;
//     auto phase = Memory::phase<"parsing">();             // until the end of the block
#pragma once

#include <peakscope/core/atomic_pointer.hpp>
#include <peakscope/core/fixed_string.hpp>
#include <peakscope/phases/phase_list.hpp>

#include <cstddef>
#include <cstdint>

namespace peakscope {

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

/// Opens phases, labels and work on whatever measurement with this phase list is running. It is all that a file with
/// phases needs to know: which policies measure, and whether they are other ones tomorrow, is the business of the file
/// that has the profiler, and no other file is compiled again.
///
///     using Memory = peakscope::scopes<BuildPhases>;       // memory.hpp; `no_scopes<BuildPhases>` switches it off
///     peakscope::profiler<BuildPhases, Heap, Rss> memory{"100-page build"};      // main.cpp
///
/// One measurement with a phase list can run at a time, other than over sources that count per instance.
template <class Phases>
class scopes {
  public:
    using phase_list = Phases;

    /// Opens a phase on the measurement that is running; opens nothing when none is. The phase must lie directly inside
    /// the innermost open phase, as the phase list has it, else `usage_error` is thrown.
    template <fixed_string Name>
    static phase_scope phase() {
        return {running_.load(), Phases::template index_of<Name>};
    }

    /// Attributes what the calling thread does, until the end of the block, to a phase: what it allocates is born in
    /// that phase, and what it allocates and frees is in the phase's `work`, whatever phase is open on the measuring
    /// thread. For threads that work on several phases at a time, in pipelines and pools; on any thread, and any number
    /// of them. Another one inside takes its place for a while. Does nothing when no measurement is running, and with
    /// heap sources that cannot tell threads apart. Costs a look at each site that the thread has used since the last
    /// phase began or ended: open it around a task, not around an allocation.
    template <fixed_string Name>
    static work_scope work() noexcept {
        return {threads_.load(), Phases::template index_of<Name>};
    }

    /// Attributes what the calling thread allocates, until the end of the block, to a name: of a plugin, of a template.
    /// On any thread; a new thread begins without a label, and an empty name takes the label out of scope. Does nothing
    /// when no measurement is running, and with heap sources that know no labels. `name` is a literal or has `data()`
    /// and `size()`; it is copied. At most 65,535 names in the life of a process are told apart. Throws std::bad_alloc.
    template <class Name>
    static label_scope label(const Name& name) {
        if constexpr (requires { name.data() + name.size(); })
            return {threads_.load(), name.data(), name.size()};
        else
            return {threads_.load(), name, __builtin_strlen(name)};
    }

  private:
    template <class, class, class, class>
    friend class profiler;

    static inline constinit atomic_pointer<profiler_detail::running_measurement> running_{};
    static inline constinit atomic_pointer<const profiler_detail::thread_port> threads_{};
};

/// The scope of a profiler that is switched off. Marked, so that a variable of it is not reported as unused; outside of
/// the template, because g++ 12 loses the mark on a template's member.
struct [[nodiscard, maybe_unused]] disabled_phase_scope {
    constexpr void close() const noexcept {}
};

/// `scopes`, switched off: nothing is stored, read or written. Names of phases are still checked.
template <class Phases>
class no_scopes {
  public:
    using phase_list = Phases;

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
};

} // namespace peakscope
