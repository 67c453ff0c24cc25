// SPDX-License-Identifier: MIT
// The three policies, each put together from small requirements. A type of the user's own that satisfies the concept
// works everywhere a built-in one does.
//
// A *source* answers questions about windows. Windows nest like scopes: `enter` opens `inner` inside `outer`, `leave`
// closes `inner` and must leave `outer`'s peak at least as large as that of `inner`. `outer` is null for the outermost
// window, the measurement. All of it is called on the measuring thread, and between `open` and `close` alone.
//
// The smallest heap source there is:
//
//     struct my_heap {
//         static constexpr const char* name = "mine";
//         static constexpr const char* unit = "requested";
//         struct window { peakscope::bytes start; };
//         struct own_memory {};
//         void open() {}
//         void settle() noexcept {}
//         void enter(window& inner, window*) noexcept { inner.start = my_live_bytes(); }
//         peakscope::heap_figures leave(window& inner, window*) noexcept {
//             peakscope::heap_figures figures{.totals_precision = peakscope::exact};
//             figures.start = inner.start;
//             figures.end = my_live_bytes();
//             figures.delta = *figures.end - *figures.start;
//             return figures;                                  // peaks stay empty: n/a in the report
//         }
//         void close() noexcept {}
//         std::optional<peakscope::bytes> own_bytes() const { return std::nullopt; }
//         std::string remark() const { return {}; }
//     };
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/own_residence.hpp>
#include <peakscope/core/report.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope {

/// A policy is named in the report. Reports of sources with one name are comparable with each other.
template <class Policy>
concept named_policy = requires {
    { Policy::name } -> std::convertible_to<const char*>;
};

/// A source is claimed for one measurement. `open` throws `usage_error` when it serves another measurement already, and
/// `source_error` when it cannot measure at all, with what to do about it. It is called before the first window;
/// `close` after the last one.
template <class Source>
concept opens_for_a_measurement = requires(Source& source) {
    source.open();
    { source.close() } noexcept;
};

/// Before the baseline is read, a source gives back what is cached but not in use, so that the baseline is clean.
template <class Source>
concept settles = requires(Source& source) {
    { source.settle() } noexcept;
};

/// A source measures nested windows. `leave` returns the figures of the window it closes. Neither may throw: a phase
/// ends while an exception unwinds. What cannot be read is an empty figure.
template <class Source, class Figures>
concept measures_windows = std::default_initializable<typename Source::window> &&
                           requires(Source& source, typename Source::window& inner, typename Source::window* outer) {
                               { source.enter(inner, outer) } noexcept;
                               { source.leave(inner, outer) } noexcept -> std::same_as<Figures>;
                           };

/// One sentence for the reader of the report, asked for when the measurement ends: why figures are missing, for
/// example. Empty when there is nothing to say.
template <class Source>
concept remarks = requires(const Source& source) {
    { source.remark() } -> std::convertible_to<std::string>;
};

/// The profiler allocates too. While a `Source::own_memory` is alive, what its thread allocates is the profiler's and
/// not the program's; `own_bytes` says how much of that there is, where the source knows.
template <class Source>
concept sets_own_memory_apart =
    std::default_initializable<typename Source::own_memory> && requires(const Source& source) {
        { source.own_bytes() } -> std::same_as<std::optional<bytes>>;
    };

/// A heap source may also know who allocated. It is told how many phases there are, and how deep they nest; its `enter`
/// takes a third argument, the number of the phase + 1, or 0 for the measurement. When the last window is closed, and
/// before `close`, it is asked for all of it, and for names of the stacks in it.
template <class Source>
concept attributes_memory = requires(Source& source, const Source& closed, typename Source::window& inner,
                                     typename Source::window* outer, std::size_t number, const attribution& of) {
    source.attribute(number, number);
    { source.enter(inner, outer, number) } noexcept;
    { closed.attributed() } -> std::same_as<attribution>;
    { closed.named(of) } -> std::same_as<named_stacks>;
};

/// And it may know what lived over time, asked when the last window is closed, and before `close`; and when a window
/// that is closed had its peak. Times are those of std::chrono::steady_clock.
template <class Source>
concept keeps_timeline = requires(const Source& closed, const typename Source::window& inner) {
    { closed.timeline() } -> std::same_as<std::vector<timeline_point>>;
    { closed.peak_at(inner) } noexcept -> std::same_as<std::optional<std::chrono::nanoseconds>>;
};

/// A source that looks at a rate, of the heap or RSS, may hand over what it saw, asked when the last window is closed,
/// and before `close`. Times are those of std::chrono::steady_clock; what is from before or after the measurement is
/// left out of the report. It may throw std::bad_alloc, and nothing else.
template <class Source>
concept reads_at_a_rate = requires(const Source& closed) {
    { closed.readings() } -> std::same_as<std::vector<timeline_point>>;
};

/// A heap source may also know how much of what is resident is the profiler's, as of the last `enter` or `leave`.
template <class Source>
concept knows_residence = requires(const Source& source) {
    { source.residence() } noexcept -> std::same_as<own_residence>;
};

/// An RSS source that is told so, right before `enter` and `leave`, leaves that out of its figures.
template <class Source>
concept leaves_out_own_memory = requires(Source& source, const own_residence& own) {
    { source.leave_out(own) } noexcept;
};

/// An RSS source may also know the largest RSS since the process began, asked for when the measurement ends.
template <class Source>
concept knows_process_peak = requires(const Source& source) {
    { source.process_peak() } -> std::same_as<std::optional<bytes>>;
};

/// A heap source may also read what the allocator says of itself, into `heap_figures::allocator`, and names it.
template <class Source>
concept reads_allocator = requires {
    { Source::allocator_name } -> std::convertible_to<const char*>;
};

/// And it may tell apart what was allocated under a runtime name. `enter_label` puts one in scope on the calling
/// thread, any thread, and returns what `leave_label` needs to put the one before back. Static, because a label may
/// outlive the measurement.
template <class Source>
concept tells_labels_apart = requires(std::string_view name, std::uint16_t before) {
    { Source::enter_label(name) } -> std::same_as<std::uint16_t>;
    { Source::leave_label(before) } noexcept;
};

/// Or attribute what a thread does to a phase, by its number. `enter_work` and `leave_work` are to phases what
/// `enter_label` and `leave_label` are to labels.
template <class Source>
concept attributes_work = requires(std::size_t phase, std::uint64_t before) {
    { Source::enter_work(phase) } -> std::same_as<std::uint64_t>;
    { Source::leave_work(before) } noexcept;
};

/// What it costs in a run that is not measured can be had back. Static, for the whole process; does nothing while a
/// measurement uses the source.
template <class Source>
concept can_be_switched_off = requires(bool on) {
    { Source::switch_counting(on) } noexcept;
};

/// Says what the program's heap holds. `unit` tells which bytes it counts: "requested", "usable", ...
template <class Source>
concept heap_source =
    named_policy<Source> && opens_for_a_measurement<Source> && settles<Source> &&
    measures_windows<Source, heap_figures> && remarks<Source> && sets_own_memory_apart<Source> && requires {
        { Source::unit } -> std::convertible_to<const char*>;
    };

/// Says how much of the process is resident. It has no `settle`: what is resident follows from what the heap gave back.
template <class Source>
concept rss_source =
    named_policy<Source> && opens_for_a_measurement<Source> && measures_windows<Source, rss_figures> && remarks<Source>;

/// Shows or stores a report. A backend is a function of the report's data and of nothing else; it throws `write_error`
/// rather than write less than all of it. As a policy it is default-constructed when the measurement finishes.
template <class Backend>
concept report_backend =
    named_policy<Backend> && requires(const Backend& backend, const memory_report& report) { backend(report); };

/// It may consist of several, and hand the report to those of a name alone; false when there is none.
template <class Backend>
concept chooses_by_name = requires(const Backend& backend, std::string_view name, const memory_report& report) {
    { backend.only(name, report) } -> std::same_as<bool>;
};

/// A backend's name, or what its static function `names` says of those that it consists of: "console, json".
template <class Backend>
[[nodiscard]] std::string names_of_backend() {
    if constexpr (requires { Backend::names(); })
        return Backend::names();
    else
        return Backend::name;
}

} // namespace peakscope
