// SPDX-License-Identifier: MIT
// The bodies of profiler/running.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/profiler/implementation/accumulate.hpp>
#include <peakscope/profiler/implementation/attribute.hpp>
#include <peakscope/profiler/running.hpp>

namespace peakscope::profiler_detail {

// Its address tells threads apart.
inline constinit thread_local const char thread_mark = 0;

[[nodiscard]] inline std::chrono::nanoseconds time_now() noexcept {
    return std::chrono::steady_clock::now().time_since_epoch();
}

measurement_core::measurement_core(std::string_view title) : title_(title), thread_(&thread_mark) {}
measurement_core::~measurement_core() = default;

bool measurement_core::on_its_thread() const noexcept { return thread_ == &thread_mark; }

void measurement_core::enter(std::size_t phase) {
    if (!on_its_thread())
        throw usage_error(name_of(phase) + " cannot be opened on this thread: phases are windows on the whole "
                                           "process, and are opened on the thread that started the measurement");
    if (const std::size_t parent = room_.phases[phase].parent; parent != innermost_phase())
        throw usage_error(name_of(phase) + " lies in " + name_of(parent) + " and cannot be opened in " +
                          name_of(innermost_phase()) +
                          ": open its parent first, or change the phase list so that it fits the program");
    open_window(phase);
}

void measurement_core::leave(std::size_t phase) noexcept {
    if (!is_open(phase)) return;
    while (innermost_phase() != phase) {
        closed_out_of_order_ = true;
        close_phase();
    }
    close_phase();
}

void measurement_core::check_finish() const {
    if (finished())
        throw usage_error(
            "finish() was called on a measurement that is finished: it reports once, keep what it returns");
    if (!on_its_thread()) throw usage_error("finish() must be called on the thread that started the measurement");
    if (const std::size_t open = innermost_phase(); open != phase_info::root)
        throw usage_error("finish() was called while " + name_of(open) +
                          " is open: end its scope first, the measurement goes on until then");
}

void measurement_core::stop() noexcept {
    while (depth_ > 1)
        close_phase();
    total_ = close_window();
    own_bytes_ = own_bytes();
}

memory_report measurement_core::make_report(items divided_by) const {
    memory_report report;
    report.title = title_;
    if (divided_by.count > 0) report.items = item_count{divided_by.name, divided_by.count};
    report.heap = total_.heap;
    report.rss = total_.rss;
    report.duration = total_.duration;
    report.phases.reserve(room_.phase_count);
    for (std::size_t i = 0; i < room_.phase_count; ++i) {
        const window_sums& phase = room_.sums[i];
        report.phases.push_back(
            {room_.phases[i].path, phase.entries, phase.duration, phase.heap, phase.rss, {}, {}, {}});
    }
    report.profiler_bytes = own_bytes_;
    describe(report);
    if (closed_out_of_order_)
        report.notes.emplace_back("phases: a phase was closed while one inside it was open; both were closed then");
    return report;
}

std::string measurement_core::name_of(std::size_t phase) const {
    return phase == phase_info::root ? "the measurement" : "phase '" + std::string{room_.phases[phase].path} + "'";
}

bool measurement_core::is_open(std::size_t phase) const noexcept {
    for (std::size_t i = 1; i < depth_; ++i)
        if (room_.windows[i].phase == phase) return true;
    return false;
}

void measurement_core::open_window(std::size_t phase) noexcept {
    profiler_detail::open_window& inner = room_.windows[depth_];
    inner.phase = phase;
    enter_sources(depth_, phase);
    ++depth_;
    inner.start = time_now();
}

window_sums measurement_core::close_window() noexcept {
    window_sums closed{1, time_now() - room_.windows[depth_ - 1].start};
    leave_sources(depth_ - 1, closed);
    --depth_;
    return closed;
}

void measurement_core::close_phase() noexcept {
    window_sums& into = room_.sums[innermost_phase()];
    const window_sums closed = close_window();
    if (into.entries == 0) {
        into = closed;
        return;
    }
    into.entries += closed.entries;
    into.duration += closed.duration;
    accumulate(into.heap, closed.heap);
    accumulate(into.rss, closed.rss);
}

void write_attribution(memory_report& report, const attribution& of, const named_stacks& named,
                       const phase_info* phases, std::size_t phase_count) {
    attribution_report{of, named,
                       [&](std::size_t phase) { return phase < phase_count ? phases[phase].parent : phase_info::root; }}
        .write(report);
}

} // namespace peakscope::profiler_detail
