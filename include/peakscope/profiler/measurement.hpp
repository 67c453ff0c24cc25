// SPDX-License-Identifier: MIT
// Starting and finishing a measurement: where the policies meet. Included by the file that does it; files that only
// open phases need profiler.hpp alone.
//
//     Site site = load_fixture();                               // not measured
//     Memory memory{"100-page build"};                          // settle, then the clean baseline
//     build(site);                                              // opens phases
//     auto report = memory.finish(peakscope::items{"page", 100});
#pragma once

#include <peakscope/core/atomic_pointer.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/exceptions_needed.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/none.hpp>
#include <peakscope/profiler/phase_port.hpp>
#include <peakscope/profiler/profiler.hpp>
#include <peakscope/profiler/sources.hpp>
#include <peakscope/profiler/start_options.hpp>
#include <peakscope/rss/none.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace peakscope {

namespace profiler_detail {

// Hands the report to all of the backend, or to what of it has a name that was asked for.
template <class Report>
void hand_over(memory_report& report, std::string_view asked) {
    const Report backend{};
    if (!asked.empty() && asked != "1" && asked != Report::name) {
        if constexpr (chooses_by_name<Report>)
            if (backend.only(asked, report)) return;
        note_unknown_backend(report, asked, names_of_backend<Report>());
    }
    backend(report);
}

// The measurement that is open and has a report to show, by its type: for std::exit.
template <class Profiler>
inline constinit atomic_pointer<Profiler> open_at_exit{};

} // namespace profiler_detail

template <class Phases, class Heap, class Rss, class Report>
template <class Title, class... Options>
profiler<Phases, Heap, Rss, Report>::profiler(const Title& title, Options&&... options) {
    constexpr bool makes_title = std::is_invocable_v<const Title&>;
    if constexpr (makes_title)
        static_assert(std::is_invocable_r_v<std::string_view, const Title&>,
                      "peakscope: a function for a measurement's title must return what converts to std::string_view");
    else
        static_assert(std::is_convertible_v<const Title&, std::string_view>,
                      "peakscope: a measurement's title must convert to std::string_view");
    profiler_detail::start_options start;
    (profiler_detail::read(start, options), ...);
    if constexpr (can_be_switched_off<Heap>)
        if (start.switches) Heap::switch_counting(start.measures);
    if (!start.measures) {
        if constexpr (per_instance) measurement_ = new measurement({}); // it has the source
        return;
    }
    measurement* made = nullptr;
    {
        [[maybe_unused]] const typename Heap::own_memory uncounted;
        if constexpr (makes_title)
            made = new measurement(title());
        else
            made = new measurement(title);
        made->set_options(start);
    }
    measurement_ = made;
    try {
        if (!per_instance && scopes<Phases>::running_.load() != nullptr)
            throw usage_error("a measurement with this phase list is running: finish() it before the next one starts");
        made->start([&] { (profiler_detail::settle(std::forward<Options>(options)), ...); });
    } catch (const error& reason) {
        if (start.if_possible) {
            [[maybe_unused]] const typename Heap::own_memory uncounted;
            made->refuse(reason.what());
            return;
        }
        made->release();
        throw;
    } catch (...) {
        made->release();
        throw;
    }
    open_for_phases_ = made;
    if constexpr (!per_instance) {
        auto* const port = &profiler_detail::port_of_process<Phases, Heap>;
        scopes<Phases>::elsewhere_.store(port);
        scopes<Phases>::thread_.store(&profiler_detail::thread_mark);
        scopes<Phases>::running_.store(made);
        if constexpr (tells_labels_apart<Heap> || attributes_work<Heap>) scopes<Phases>::threads_.store(port);
    }
    if constexpr (!per_instance && !std::is_same_v<Report, report::none>) {
        [[maybe_unused]] const typename Heap::own_memory uncounted;
        [[maybe_unused]] static const bool expected = profiler_detail::expect_exit(&profiler::report_open_one);
        profiler_detail::open_at_exit<profiler>.store(this);
    }
}

template <class Phases, class Heap, class Rss, class Report>
profiler<Phases, Heap, Rss, Report>::~profiler() {
    if (measurement_ == nullptr) return;
    if (!measurement_->finished()) {
        stop();
        measurement_->give_back();
    }
    measurement_->release();
}

template <class Phases, class Heap, class Rss, class Report>
void profiler<Phases, Heap, Rss, Report>::stop() noexcept {
    open_for_phases_ = nullptr;
    profiler_detail::open_at_exit<profiler>.store(nullptr);
    if constexpr (!per_instance) {
        scopes<Phases>::running_.store(nullptr);
        scopes<Phases>::threads_.store(nullptr);
    }
    measurement_->stop();
}

template <class Phases, class Heap, class Rss, class Report>
void profiler<Phases, Heap, Rss, Report>::report_open_one() noexcept {
    profiler* const open = profiler_detail::open_at_exit<profiler>.load();
    if (open == nullptr) return;
    if (const char* const why = open->measurement_->no_report_at_exit(); why != nullptr)
        return profiler_detail::say_at_exit(why);
    try {
        open->report_at_exit();
    } catch (const std::exception& failure) {
        profiler_detail::say_at_exit(failure.what());
    } catch (...) {
        profiler_detail::say_at_exit("the report backend failed");
    }
}

template <class Phases, class Heap, class Rss, class Report>
void profiler<Phases, Heap, Rss, Report>::report_at_exit() {
    [[maybe_unused]] const typename Heap::own_memory uncounted;
    const std::string unfinished = measurement_->unfinished();
    stop();
    memory_report report = measurement_->make_report({});
    profiler_detail::add_note(report, unfinished);
    measurement_->give_back();
    Report{}(report);
}

template <class Phases, class Heap, class Rss, class Report>
template <class Source>
Source& profiler<Phases, Heap, Rss, Report>::heap() noexcept
    requires counts_per_instance<Source>
{
    return measurement_->heap();
}

template <class Phases, class Heap, class Rss, class Report>
template <class Result>
Result profiler<Phases, Heap, Rss, Report>::finish(items divided_by) {
    static_assert(std::is_same_v<Result, memory_report>);
    if (measurement_ == nullptr || !measurement_->is_asked()) return {};
    // Made in its place: to assign it would be most of this function's code.
    memory_report report = [&]() -> memory_report {
        if (measurement_->is_refused()) {
            [[maybe_unused]] const typename Heap::own_memory uncounted;
            return measurement_->refusal();
        }
        measurement_->check_finish();
        stop();
        [[maybe_unused]] const typename Heap::own_memory uncounted;
        struct giving_back {
            measurement& of;
            ~giving_back() { of.give_back(); }
        };
        const giving_back at_the_end{*measurement_};
        return measurement_->make_report(divided_by);
    }();
    if constexpr (!std::is_same_v<Report, report::none>) {
        static_assert(peakscope::report_backend<Report>,
                      "peakscope: the fourth argument of profiler must satisfy report_backend "
                      "(for a built-in one, include its header where the measurement finishes)");
        [[maybe_unused]] const typename Heap::own_memory uncounted;
        profiler_detail::hand_over<Report>(report, measurement_->asked_backend());
    }
    return report;
}

} // namespace peakscope
