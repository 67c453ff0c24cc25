// SPDX-License-Identifier: MIT
// report::firefox: the report in the Firefox Profiler's processed format: entries of phases as markers, heap and RSS as
// tracks, and call trees by bytes. Needs nlohmann-json.
//
//     sitegen build site --output out --profile-memory=firefox --profile-output build.json
//
// and drop the file on https://profiler.firefox.com, which keeps it in the browser.
//
// What lived at the peak, what lived at the end, what was allocated, and each phase at its own peak is a thread each,
// whose samples are bytes; the markers and the tracks are those of the first. The tracks both bear the profiler's own
// label, "Memory": the heap is the first, and RSS the second. A sample is at the time of its picture, the start where
// that is not known. Stacks with no bytes, or less than none, are left out.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/json_document.hpp>
#include <peakscope/report/numbered.hpp>
#include <peakscope/report/stack_samples.hpp>
#include <peakscope/report/text_backend.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

// The format's times are milliseconds.
[[nodiscard]] inline double milliseconds(std::chrono::nanoseconds time) {
    return static_cast<double>(time.count()) / 1'000'000;
}

// A table of the format: columns of one length.
class firefox_columns {
  public:
    // A row, by the names of its columns.
    void add(const ordered_json& row) {
        for (const auto& [name, value] : row.items())
            columns_[name].push_back(value);
        ++length_;
    }
    [[nodiscard]] ordered_json take(std::initializer_list<const char*> names) {
        for (const char* each : names) // of a table without rows too
            if (!columns_.contains(each)) columns_[each] = ordered_json::array();
        columns_["length"] = length_;
        return std::move(columns_);
    }

  private:
    ordered_json columns_ = ordered_json::object();
    std::size_t length_ = 0;
};

// A picture as a thread: its tables hold what its own stacks need.
class firefox_thread {
  public:
    explicit firefox_thread(const memory_report& report) : report_(report) {}

    void sample(std::size_t site, std::int64_t bytes, std::chrono::nanoseconds at) {
        std::optional<std::size_t> stack;
        const std::vector<stack_frame> frames = frames_of(report_.sites[site]);
        for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame)
            stack = stacks_.number_of({stack, frames_.number_of({function(*frame), frame->line})});
        samples_.add({{"stack", stack ? ordered_json(*stack) : ordered_json(nullptr)},
                      {"time", milliseconds(at)},
                      {"weight", bytes}});
    }

    void marker(const phase_entry& entry) {
        const phase_report& phase = report_.phases[entry.phase];
        ordered_json data{{"type", "phase"}, {"entries", phase.entries}};
        if (phase.heap.peak) data["peak"] = phase.heap.peak->count;
        if (phase.heap.delta) data["delta"] = phase.heap.delta->count;
        if (phase.heap.allocated) data["allocated"] = phase.heap.allocated->count;
        constexpr int interval = 1; // with a start and an end
        markers_.add({{"name", text(phase.path)},
                      {"startTime", milliseconds(entry.begin)},
                      {"endTime", milliseconds(entry.end)},
                      {"phase", interval},
                      {"category", 0},
                      {"data", std::move(data)}});
    }

    [[nodiscard]] ordered_json take(const std::string& name, std::size_t number) {
        ordered_json samples = samples_.take({"stack", "time", "weight"});
        samples["weightType"] = "bytes";
        return {{"name", name},
                {"isMainThread", number == 0},
                {"processType", "default"},
                {"processName", report_.title},
                {"processStartupTime", 0},
                {"processShutdownTime", nullptr},
                {"registerTime", 0},
                {"unregisterTime", nullptr},
                {"pausedRanges", ordered_json::array()},
                {"pid", "1"},
                {"tid", number + 1},
                {"samples", std::move(samples)},
                {"markers", markers_.take({"name", "startTime", "endTime", "phase", "category", "data"})},
                {"stackTable", stack_table()},
                {"frameTable", frame_table()},
                {"funcTable", function_table()},
                {"resourceTable", firefox_columns{}.take({"lib", "name", "host", "type"})},
                {"nativeSymbols", firefox_columns{}.take({"libIndex", "address", "name", "functionSize"})},
                {"stringArray", strings()}};
    }

  private:
    struct row_of_stack {
        std::optional<std::size_t> prefix{};
        std::size_t frame = 0;
        [[nodiscard]] auto operator<=>(const row_of_stack&) const = default;
    };

    [[nodiscard]] std::size_t text(const std::string& of) { return texts_.number_of(of); }
    [[nodiscard]] std::size_t function(const stack_frame& frame) {
        return functions_.number_of({text(frame_name(frame)), text(frame.file)});
    }

    [[nodiscard]] ordered_json stack_table() const {
        firefox_columns table;
        for (const row_of_stack* each : stacks_.in_order())
            table.add({{"frame", each->frame},
                       {"prefix", each->prefix ? ordered_json(*each->prefix) : ordered_json(nullptr)},
                       {"category", 0},
                       {"subcategory", 0}});
        return table.take({"frame", "prefix", "category", "subcategory"});
    }
    [[nodiscard]] ordered_json frame_table() const {
        firefox_columns table;
        for (const auto* each : frames_.in_order())
            table.add({{"address", -1}, // of a library, which a report does not know
                       {"inlineDepth", 0},
                       {"category", 0},
                       {"subcategory", 0},
                       {"func", each->first},
                       {"nativeSymbol", nullptr},
                       {"innerWindowID", 0},
                       {"implementation", nullptr},
                       {"line", each->second > 0 ? ordered_json(each->second) : ordered_json(nullptr)},
                       {"column", nullptr}});
        return table.take({"address", "inlineDepth", "category", "subcategory", "func", "nativeSymbol", "innerWindowID",
                           "implementation", "line", "column"});
    }
    [[nodiscard]] ordered_json function_table() const {
        firefox_columns table;
        for (const auto* each : functions_.in_order())
            table.add({{"name", each->first},
                       {"isJS", false},
                       {"relevantForJS", false},
                       {"resource", -1},
                       {"fileName", each->second},
                       {"lineNumber", nullptr},
                       {"columnNumber", nullptr}});
        return table.take({"name", "isJS", "relevantForJS", "resource", "fileName", "lineNumber", "columnNumber"});
    }
    [[nodiscard]] ordered_json strings() const {
        ordered_json array = ordered_json::array();
        for (const std::string* each : texts_.in_order())
            array.push_back(*each);
        return array;
    }

    const memory_report& report_;
    numbered<std::string> texts_{};
    numbered<std::pair<std::size_t, std::size_t>> functions_{}; // name and file
    numbered<std::pair<std::size_t, std::uint32_t>> frames_{};  // function and line
    numbered<row_of_stack> stacks_{};
    firefox_columns samples_{};
    firefox_columns markers_{};
};

[[nodiscard]] inline ordered_json firefox_meta(const memory_report& report) {
    const auto field = [](const char* key, const char* label, const char* format) {
        return ordered_json{{"key", key}, {"label", label}, {"format", format}};
    };
    return {{"version", 29},
            {"preprocessedProfileVersion", 48},
            {"product", report.title},
            {"interval", 1},
            {"startTime", 0},
            {"processType", 0},
            {"stackwalk", 0},
            {"symbolicated", true},
            {"importedFrom", "peakscope"},
            {"initialSelectedThreads", {0}},
            {"keepProfileThreadOrder", true},
            {"categories", {{{"name", "Other"}, {"color", "grey"}, {"subcategories", {"Other"}}}}},
            {"markerSchema",
             {{{"name", "phase"},
               {"display", {"marker-chart", "marker-table", "timeline-overview"}},
               {"data",
                {field("peak", "Heap peak", "bytes"), field("delta", "Heap delta", "bytes"),
                 field("allocated", "Allocated", "bytes"), field("entries", "Entries", "integer")}}}}}};
}

// A track of what was held: the format has the changes from point to point.
[[nodiscard]] inline ordered_json firefox_counter(const char* name, const memory_report& report,
                                                  std::optional<bytes> timeline_point::* of) {
    firefox_columns samples;
    bytes before{};
    for (const timeline_point& each : report.timeline.points)
        if (const std::optional<bytes>& value = each.*of) {
            samples.add({{"time", milliseconds(each.at)}, {"count", (*value - before).count}});
            before = *value;
        }
    return {{"name", name}, {"category", "Memory"}, {"description", std::string{name} + ", in bytes"},
            {"pid", "1"},   {"mainThreadIndex", 0}, {"samples", samples.take({"time", "count"})}};
}

} // namespace detail

/// Writes the report as a profile. Throws `write_error`.
class firefox : public text_backend<firefox> {
  public:
    firefox() = default;
    explicit firefox(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "firefox";

    [[nodiscard]] static std::string text(const memory_report& report) {
        const detail::report_with_sites with_sites{report};
        std::string made;
        detail::json_document document{made};
        document.member("meta", detail::firefox_meta(report));
        document.member("libs", detail::ordered_json::array());
        document.rows("counters", [&](auto row) {
            row(detail::firefox_counter("heap", report, &timeline_point::heap));
            row(detail::firefox_counter("RSS", report, &timeline_point::rss));
        });
        document.rows("threads", [&](auto row) {
            std::size_t number = 0;
            detail::for_each_picture(*with_sites, [&](const std::string& title,
                                                      std::optional<std::chrono::nanoseconds> at, auto amounts_of) {
                detail::firefox_thread thread{*with_sites};
                amounts_of([&](std::size_t site, std::int64_t bytes) {
                    thread.sample(site, bytes, at.value_or(std::chrono::nanoseconds{}));
                });
                if (number == 0)
                    for (const phase_entry& each : report.timeline.entries)
                        thread.marker(each);
                row(thread.take(title, number++));
            });
        });
        document.end();
        return made;
    }
};

} // namespace peakscope::report
