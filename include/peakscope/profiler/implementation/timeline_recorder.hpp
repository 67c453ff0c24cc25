// SPDX-License-Identifier: MIT
// The bodies of profiler/timeline_recorder.hpp.
#pragma once

#include <peakscope/core/implementation/rank.hpp>
#include <peakscope/core/timeline.hpp>
#include <peakscope/profiler/timeline_recorder.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace peakscope::profiler_detail {

void timeline_recorder::begin(std::chrono::nanoseconds start, bool with_heap) noexcept {
    start_ = start;
    if (with_heap) static_cast<void>(heap_.begin(start.count())); // without memory for it, there are no points of it
    static_cast<void>(rss_.begin(start.count()));
}

void timeline_recorder::add_entry(const phase_entry& entry, std::uint64_t number) noexcept {
    if (number > most_entries || !entries_.append(entry)) ++left_out_;
}

void timeline_recorder::add_readings(std::chrono::nanoseconds begin, const heap_figures& heap, const rss_figures& rss,
                                     std::chrono::nanoseconds end) noexcept {
    if (heap.start) heap_.add({begin.count(), heap.start->count});
    if (heap.end) heap_.add({end.count(), heap.end->count});
    if (rss.start) rss_.add({begin.count(), rss.start->count});
    if (rss.end) rss_.add({end.count(), rss.end->count});
}

// Every part of a report that has the time of a peak.
template <class Use>
void for_each_peak_at(memory_report& report, Use use) {
    if (report.peak_at) use(report);
    for (phase_report& phase : report.phases)
        if (phase.peak_at) use(phase);
}

std::chrono::nanoseconds timeline_recorder::since_start(const memory_report& report,
                                                        std::chrono::nanoseconds at) const noexcept {
    return std::clamp(at - start_, std::chrono::nanoseconds{}, report.duration);
}

void timeline_recorder::set_peaks(memory_report& report) const noexcept {
    for_each_peak_at(report, [&](auto& of) { of.peak_at = since_start(report, *of.peak_at); });
}

void timeline_recorder::add_readings(memory_report& report, const std::vector<timeline_point>& readings) const {
    for (const timeline_point& each : readings)
        if (each.at >= start_ && each.at <= start_ + report.duration) report.timeline.points.push_back(each);
}

void timeline_recorder::write(memory_report& report) const {
    timeline_report& into = report.timeline;
    for (timeline_point& each : into.points)
        each.at = since_start(report, each.at);
    heap_.for_each([&](const memory::series_point& each) {
        into.points.push_back({since_start(report, std::chrono::nanoseconds{each.nanoseconds}), bytes{each.value}, {}});
    });
    rss_.for_each([&](const memory::series_point& each) {
        into.points.push_back({since_start(report, std::chrono::nanoseconds{each.nanoseconds}), {}, bytes{each.value}});
    });
    for_each_peak_at(report, [&](auto& of) { into.points.push_back({*of.peak_at, of.heap.peak, {}}); });
    sort_by_rank(into.points, [](const timeline_point& each) { return rank{each.at.count()}; });
    const auto same = [](const timeline_point& one, const timeline_point& other) { return one == other; };
    into.points.erase(std::unique(into.points.begin(), into.points.end(), same), into.points.end());
    into.entries.reserve(entries_.size());
    for (const phase_entry& each : entries_)
        into.entries.push_back({each.phase, since_start(report, each.begin), since_start(report, each.end)});
    into.entries_left_out = left_out_;
    if (left_out_ > 0)
        report.notes.emplace_back("timeline: " + std::to_string(left_out_) +
                                  " entries of phases beyond the first 100,000 of each are not drawn; they are in "
                                  "all figures");
}

} // namespace peakscope::profiler_detail
