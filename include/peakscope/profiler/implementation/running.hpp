// SPDX-License-Identifier: MIT
// The bodies of profiler/running.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/memory/process.hpp>
#include <peakscope/profiler/implementation/accumulate.hpp>
#include <peakscope/profiler/implementation/attribute.hpp>
#include <peakscope/profiler/implementation/attribute_sites.hpp>
#include <peakscope/profiler/running.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace peakscope::profiler_detail {

[[nodiscard]] inline std::chrono::nanoseconds time_now() noexcept {
    return std::chrono::steady_clock::now().time_since_epoch();
}

const char* backend_asked_for() noexcept {
    const char* const asked = std::getenv("PEAKSCOPE");
    const std::string_view value = asked == nullptr ? "" : asked;
    return value.empty() || value == "0" || value == "off" ? nullptr : asked;
}

measurement_core::measurement_core(std::string_view title)
    : title_(title), thread_(&thread_mark), process_(memory::process_number()) {}
measurement_core::~measurement_core() = default;

bool measurement_core::on_its_thread() const noexcept { return thread_ == &thread_mark; }

opened_phase measurement_core::open_phase(std::size_t phase) {
    if (!on_its_thread() || room_.phases[phase].parent != innermost_phase()) return open_misplaced(phase);
    open_window(phase);
    retain();
    return {this, phase};
}

[[gnu::cold]] opened_phase measurement_core::open_misplaced(std::size_t phase) {
    const std::size_t parent = room_.phases[phase].parent;
    if (!on_its_thread()) return port().open_elsewhere(phase);
    if (strict_)
        throw usage_error(name_of(phase) + " lies in " + name_of(parent) + " and cannot be opened in " +
                          name_of(innermost_phase()) + ": open it directly inside " + name_of(parent) +
                          ", or change the phase list so that it fits the program");
    misplaced_entries& misplaced = room_.misplaced[phase];
    if (is_open(phase)) {
        ++misplaced.in_itself;
        return {};
    }
    if (++misplaced.in_another == 1) misplaced.first_in = innermost_phase();
    return port().open_work(phase);
}

void measurement_core::close_phase(std::uint64_t phase) noexcept {
    if (is_open(phase)) {
        while (innermost_phase() != phase) {
            closed_out_of_order_ = true;
            close_innermost();
        }
        close_innermost();
    }
    release();
}

const char* measurement_core::no_report_at_exit() const noexcept {
    if (process_ != memory::process_number()) return "";
    return on_its_thread() ? nullptr : "another thread than the measurement's has ended the program";
}

std::string measurement_core::unfinished() const {
    return "unfinished: the program ended by exit() while " + name_of(innermost_phase()) + " was open";
}

bool expect_exit(void (*report)()) noexcept { return std::atexit(report) == 0; }
void say_at_exit(const char* failure) noexcept {
    if (*failure != '\0') static_cast<void>(std::fprintf(stderr, "peakscope: no report at exit: %s\n", failure));
}

void measurement_core::check_finish() const {
    if (finished())
        throw usage_error(
            "finish() was called on a measurement that is finished: it reports once, keep what it returns");
    if (!on_its_thread()) throw usage_error("finish() must be called on the thread that started the measurement");
    if (const std::size_t open = innermost_phase(); strict_ && open != phase_info::root)
        throw usage_error("finish() was called while " + name_of(open) +
                          " is open: end its scope first, the measurement goes on until then");
}

void measurement_core::stop() noexcept {
    for (; depth_ > 1; close_innermost())
        room_.misplaced[innermost_phase()].open_at_finish = true;
    total_ = close_window();
    own_bytes_ = own_bytes();
}

memory_report measurement_core::refusal() const {
    memory_report report;
    report.title = title_;
    report.notes.push_back("nothing was measured: " + refusal_);
    return report;
}

// The figures are worth more than what stands beside them. False where there is no memory for that, and a note names
// it.
template <class Write>
[[nodiscard]] bool write_part(memory_report& report, const char* what, Write write) {
    try {
        write();
        return true;
    } catch (const std::bad_alloc&) {
        report.notes.push_back(std::string{what} + " are missing: there was no memory for them");
        return false;
    }
}

memory_report measurement_core::make_report(items divided_by) const {
    memory_report report;
    report.title = title_;
    if (divided_by.count > 0) report.items = item_count{divided_by.name, divided_by.count};
    report.heap = total_.heap;
    report.rss = total_.rss;
    report.duration = total_.duration;
    report.peak_at = total_.peak_at;
    report.phases.reserve(room_.phase_count);
    for (std::size_t i = 0; i < room_.phase_count; ++i) {
        const window_sums& phase = room_.sums[i];
        report.phases.push_back(
            {room_.phases[i].path, phase.entries, phase.duration, phase.heap, phase.rss, {}, {}, {}, phase.peak_at});
    }
    report.profiler_bytes = own_bytes_;
    timeline_.set_peaks(report);
    static_cast<void>(write_part(report, "remarks of the sources", [&] { describe(report); }));
    if (!write_part(report, "points of the timeline", [&] {
            report.timeline.points = live_over_time();
            timeline_.add_readings(report, heap_readings());
            timeline_.add_readings(report, rss_readings());
            timeline_.write(report);
        }))
        report.timeline = {};
    write_attribution(report);
    if (closed_out_of_order_)
        report.notes.emplace_back("phases: a phase was closed while one inside it was open; both were closed then");
    note_misplaced(report);
    return report;
}

void measurement_core::note_misplaced(memory_report& report) const {
    const bool has_work = port().books_work();
    for (std::size_t i = 0; i < room_.phase_count; ++i) {
        const misplaced_entries& misplaced = room_.misplaced[i];
        const std::uint64_t elsewhere = port().entries_of(i).load(std::memory_order_relaxed);
        const auto add = [&](const std::string& sentence) {
            report.notes.push_back("phases: " + name_of(i) + " " + sentence);
        };
        const auto times = [](std::uint64_t count) {
            return "was opened " + (count == 1 ? std::string{"once"} : std::to_string(count) + " times");
        };
        if (misplaced.in_another > 0)
            add(times(misplaced.in_another) + " where it does not lie, first in " + name_of(misplaced.first_in) +
                "; it was counted there" + (has_work ? " and as work" : ""));
        if (misplaced.in_itself > 0) add(times(misplaced.in_itself) + " inside itself; it was open already");
        if (elsewhere > 0)
            add(times(elsewhere) + " on another thread than the measurement's" + (has_work ? "; that is work" : ""));
        if (misplaced.open_at_finish) add("was open when the measurement finished; it was closed then");
    }
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
    if (phase != phase_info::root) return;
    started_ = true;
    timeline_.begin(inner.start, !room_.heap_keeps_timeline);
}

window_sums measurement_core::close_window() noexcept {
    const auto [phase, start] = room_.windows[depth_ - 1];
    const std::chrono::nanoseconds end = time_now();
    window_sums closed{1, end - start};
    leave_sources(depth_ - 1, closed);
    timeline_.add_readings(start, closed.heap, closed.rss, end);
    if (phase != phase_info::root) timeline_.add_entry({phase, start, end}, room_.sums[phase].entries + 1);
    --depth_;
    return closed;
}

void measurement_core::close_innermost() noexcept {
    window_sums& into = room_.sums[innermost_phase()];
    const window_sums closed = close_window();
    if (into.entries == 0) {
        into = closed;
        return;
    }
    into.entries += closed.entries;
    into.duration += closed.duration;
    if (into.heap.peak && closed.heap.peak && *closed.heap.peak > *into.heap.peak) into.peak_at = closed.peak_at;
    accumulate(into.heap, closed.heap);
    accumulate(into.rss, closed.rss);
}

void measurement_core::write_attribution(memory_report& report) const {
    static_cast<void>(write_part(report, "sites, labels and births", [&] {
        attribution of = attributed();
        if (of.windows.empty()) return; // nothing is known
        write_births(report, of, room_.phases, room_.phase_count);
        if (of.of_sites.kind == precision_kind::unavailable) return;
        static_cast<void>(write_part(report, "sites", [&] {
            named_stacks names;
            if (!write_part(report, "names of sites", [&] { names = named(of); }))
                names = sites::name_stacks<sites::addresses>(of);
            write_sites(report, of, std::move(names), room_.phases, room_.phase_count);
        }));
    }));
}

[[nodiscard]] inline auto parent_among(const phase_info* phases, std::size_t phase_count) noexcept {
    return [=](std::size_t phase) { return phase < phase_count ? phases[phase].parent : phase_info::root; };
}

void write_births(memory_report& report, attribution& of, const phase_info* phases, std::size_t phase_count) {
    // Call stacks may have taken the memory for what is small beside them.
    const auto with_or_without_stacks = [&of](auto make) {
        try {
            return make();
        } catch (const std::bad_alloc&) {
            if (of.stacks.empty()) throw;
        }
        of.stacks = {};
        of.lifetimes = {};
        of.of_sites = unavailable;
        of.notes.emplace_back("sites are missing: there was no memory for their call stacks");
        return make();
    };
    const auto parts =
        with_or_without_stacks([&] { return attribution_report{of, parent_among(phases, phase_count)}; });
    parts.write_work(report);
    const auto write = [&](const char* what, auto part) {
        static_cast<void>(write_part(report, what, [&] { with_or_without_stacks(part); }));
    };
    write("labels", [&] { parts.write_labels(report); });
    write("births", [&] { parts.write_births(report); });
    report.notes.insert(report.notes.end(), of.notes.begin(), of.notes.end());
}

void write_sites(memory_report& report, const attribution& of, named_stacks named, const phase_info* phases,
                 std::size_t phase_count) {
    const auto leave_out_by_phase = [&] {
        report.outside_sites = {};
        for (phase_report& phase : report.phases)
            phase.sites = {};
    };
    try {
        sites_report parts{of, named, parent_among(phases, phase_count)};
        parts.write(report);
        if (!write_part(report, "sites of phases", [&] { parts.write_by_phase(report); })) leave_out_by_phase();
        sort_sites(report);
        report.modules = std::move(named.modules);
        report.naming = named.naming;
        report.notes.insert(report.notes.end(), named.notes.begin(), named.notes.end());
        report.sites_precision = of.of_sites;
    } catch (const std::bad_alloc&) {
        report.sites = {};
        report.modules = {};
        leave_out_by_phase();
        throw;
    }
}

} // namespace peakscope::profiler_detail
