// SPDX-License-Identifier: MIT
// report::trace: the timeline as Trace Event JSON: each entry of a phase is a slice, heap and RSS are counters, peaks
// are marked. Needs nlohmann-json.
//
//     sitegen build site --output out --profile-memory=trace --profile-output build.json
//
// and drop the file on https://ui.perfetto.dev, or load it in chrome://tracing.
//
// A slice bears the figures of its phase (of all entries together), and where threads worked for the phase what they
// allocated: the report has no begin and end of their work. A counter is known at its points and holds until the next.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/json_document.hpp>
#include <peakscope/report/text_backend.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

class trace_events {
  public:
    explicit trace_events(const memory_report& report) : report_(report) {}

    // Parts of what makes one document, one event at a time. `take(event)`.
    template <class Take>
    void for_each(Take take) const {
        take({{"ph", "M"}, {"pid", 1}, {"tid", 1}, {"name", "process_name"}, {"args", {{"name", report_.title}}}});
        take({{"ph", "M"}, {"pid", 1}, {"tid", 1}, {"name", "thread_name"}, {"args", {{"name", "phases"}}}});
        for (const phase_entry& each : in_order())
            take(slice(each));
        for (const timeline_point& each : report_.timeline.points) {
            counter("heap", each.at, each.heap, take);
            counter("RSS", each.at, each.rss, take);
        }
        peak("peak", report_, take);
        for (const phase_report& each : report_.phases)
            peak("peak of " + each.path, each, take);
    }

  private:
    // Trace Event's times are microseconds.
    [[nodiscard]] static double at(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1'000; }

    // What lies around another comes before it.
    [[nodiscard]] std::vector<phase_entry> in_order() const {
        std::vector<phase_entry> entries = report_.timeline.entries;
        std::sort(entries.begin(), entries.end(), [](const phase_entry& left, const phase_entry& right) {
            return std::tuple{left.begin, right.end, left.phase} < std::tuple{right.begin, left.end, right.phase};
        });
        return entries;
    }

    [[nodiscard]] ordered_json slice(const phase_entry& entry) const {
        const phase_report& phase = report_.phases[entry.phase];
        ordered_json args{{"entries", phase.entries}};
        const auto add = [&](const std::string& what, const std::optional<bytes>& value) {
            if (value) args[what] = value->count;
        };
        add("heap peak", phase.heap.peak);
        add("heap delta", phase.heap.delta);
        add("heap allocated", phase.heap.allocated);
        add("RSS peak", phase.rss.peak);
        add("RSS delta", phase.rss.delta);
        if (phase.work) {
            add("allocated by threads", phase.work->allocated);
            add("freed by threads", phase.work->freed);
            args["scopes on threads"] = phase.work->entries;
        }
        // What comes from a file may end before it begins.
        const auto begin = std::max(entry.begin, std::chrono::nanoseconds{});
        return {{"ph", "X"},
                {"pid", 1},
                {"tid", 1},
                {"cat", "phase"},
                {"name", phase.path},
                {"ts", at(begin)},
                {"dur", at(std::max(entry.end, begin) - begin)},
                {"args", std::move(args)}};
    }

    template <class Take>
    static void counter(const char* name, std::chrono::nanoseconds time, const std::optional<bytes>& value, Take take) {
        if (value)
            take({{"ph", "C"}, {"pid", 1}, {"name", name}, {"ts", at(time)}, {"args", {{"bytes", value->count}}}});
    }
    // Of the measurement or a phase.
    template <class Of, class Take>
    static void peak(const std::string& name, const Of& of, Take take) {
        if (of.peak_at && of.heap.peak)
            take({{"ph", "i"},
                  {"s", "p"},
                  {"pid", 1},
                  {"tid", 1},
                  {"cat", "peak"},
                  {"name", name},
                  {"ts", at(*of.peak_at)},
                  {"args", {{"bytes", of.heap.peak->count}}}});
    }

    const memory_report& report_;
};

} // namespace detail

/// Writes the report's timeline. Throws `write_error`.
class trace : public text_backend<trace> {
  public:
    trace() = default;
    explicit trace(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "trace";

    [[nodiscard]] static std::string text(const memory_report& report) {
        std::string made;
        detail::json_document document{made};
        document.rows("traceEvents", [&](auto row) { detail::trace_events{report}.for_each(row); });
        document.member("displayTimeUnit", "ms");
        document.member("otherData", {{"title", report.title},
                                      {"heap", report.heap_source + ", " + report.heap_unit + " bytes"},
                                      {"heap precision", format_precision(report.heap.peak_precision)},
                                      {"entries left out", report.timeline.entries_left_out},
                                      {"notes", report.notes}});
        document.end();
        return made;
    }
};

} // namespace peakscope::report
