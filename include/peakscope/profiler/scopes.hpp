// SPDX-License-Identifier: MIT
// Phases, labels and work as scopes: all that a file needs that says what its code is for. It knows the phase list, and
// nothing of what measures.
//
//     using Memory = peakscope::scopes<BuildPhases>;
//     auto phase = Memory::phase<"parsing">();             // until the end of the block
#pragma once

#include <peakscope/core/atomic_pointer.hpp>
#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/language.hpp>
#include <peakscope/phases/phase_list.hpp>

#include <cstddef>
#include <cstdint>

namespace peakscope {

namespace profiler_detail {

// Its address tells threads apart.
inline constinit thread_local const char thread_mark = 0;

// What a phase has to close: a window of a measurement, or work of a thread.
class phase_owner {
  public:
    phase_owner(const phase_owner&) = delete;
    phase_owner& operator=(const phase_owner&) = delete;

    virtual void close_phase(std::uint64_t opened) noexcept = 0;

  protected:
    constexpr phase_owner() = default;
    ~phase_owner() = default;
};
struct opened_phase {
    phase_owner* owner = nullptr; // null where there is nothing to close
    std::uint64_t opened = 0;
};

// A running measurement as its phases see it. It lives as long as its profiler or one of its scopes does.
class running_measurement : public phase_owner {
  public:
    // Of a phase that has a window, the measurement is the owner. Throws `usage_error` where it is strict.
    virtual opened_phase open_phase(std::size_t phase) = 0;

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
class thread_port : public phase_owner {
  public:
    virtual unsigned short enter_label(const char* name, std::size_t length) const = 0;
    virtual void leave_label(unsigned short before) const noexcept = 0;
    virtual std::uint64_t enter_work(std::size_t phase) const noexcept = 0;
    virtual void leave_work(std::uint64_t before) const noexcept = 0;
    // A phase on another thread than the measurement's. Throws `usage_error` where that is strict.
    virtual opened_phase open_elsewhere(std::size_t phase) = 0;

  protected:
    constexpr thread_port() = default;
    ~thread_port() = default;
};

} // namespace profiler_detail

/// An open phase. It closes at the end of its block, also when an exception leaves it. Not copied and not moved, so
/// that phases nest as blocks do. Where no measurement was running, it is closed from the start. Closed on the thread
/// that opened it.
///
/// A phase that is still open when its measurement ends closes with it; the scope then does nothing more.
class [[nodiscard, maybe_unused]] phase_scope {
  public:
    explicit phase_scope(profiler_detail::opened_phase opened) noexcept : opened_(opened) {}
    ~phase_scope() { close(); }
    phase_scope(const phase_scope&) = delete;
    phase_scope& operator=(const phase_scope&) = delete;

    /// Closes the phase before the end of its block. A second time it does nothing.
    void close() noexcept {
        if (opened_.owner != nullptr) opened_.owner->close_phase(opened_.opened);
        opened_.owner = nullptr;
    }

  private:
    profiler_detail::opened_phase opened_;
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

    /// Opens a phase on the measurement that is running; opens nothing when none is. The phase should lie directly
    /// inside the innermost open phase, as the phase list has it, and on the thread that started the measurement. What
    /// does not is named in the notes of the report, and the program goes on:
    ///
    /// - on another thread, it is `work` of that thread;
    /// - inside a phase that it does not lie in, it has no window, because a phase's figures contain those of what lies
    ///   in it, and of nothing else. What happens in it is in the figures of the phases that are open, and in its
    ///   `work`;
    /// - inside itself, it is open already, and its figures have all of it once.
    ///
    /// A measurement that is `strict` throws `usage_error` instead.
    template <fixed_string Name>
    static phase_scope phase() {
        constexpr std::size_t index = Phases::template index_of<Name>;
        profiler_detail::running_measurement* const running = running_.load();
        if (running == nullptr) return phase_scope{{}};
        if (thread_.load() != &profiler_detail::thread_mark) // it may end while we are here
            return phase_scope{elsewhere_.load()->open_elsewhere(index)};
        return phase_scope{running->open_phase(index)};
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
    /// and `size()`; it is copied. Or it is a function that returns one of these, for a name that has to be made:
    /// `Memory::label([&] { return "plugin:" + name; })`. It is not called when no measurement is running. At most
    /// 65,534 names in the life of a process are told apart; the rest are one row,
    /// '(other labels)', and a note says so. Throws std::bad_alloc.
    template <class Name>
    static label_scope label(const Name& name) {
        const profiler_detail::thread_port* const port = threads_.load();
        if constexpr (requires { name(); }) {
            if (port == nullptr) return {nullptr, nullptr, 0};
            return label_of(port, name());
        } else {
            return label_of(port, name);
        }
    }

  private:
    template <class Name>
    static label_scope label_of(const profiler_detail::thread_port* port, const Name& name) {
        if constexpr (requires { name.data() + name.size(); })
            return {port, name.data(), name.size()};
        else
            return {port, name, __builtin_strlen(name)};
    }

    template <class, class, class, class>
    friend class profiler;

    static inline constinit atomic_pointer<profiler_detail::running_measurement> running_{};
    static inline constinit atomic_pointer<const void> thread_{};                      // the last measurement's
    static inline constinit atomic_pointer<profiler_detail::thread_port> elsewhere_{}; // never null again
    static inline constinit atomic_pointer<const profiler_detail::thread_port> threads_{};
};

/// The scope of a profiler that is switched off. Marked, so that a variable of it is not reported as unused; outside of
/// the template, because g++ 12 loses the mark on a template's member.
struct [[nodiscard, maybe_unused]] disabled_phase_scope {
    constexpr void close() const noexcept {}
};

/// `scopes`, switched off: nothing is stored, read or written, and functions that make a name are not called. Names of
/// phases are still checked.
template <class Phases>
class no_scopes {
  public:
    using phase_list = Phases;

    template <fixed_string Name>
    static constexpr disabled_phase_scope phase() noexcept {
        [[maybe_unused]] constexpr std::size_t is_checked = Phases::template index_of<Name>;
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
