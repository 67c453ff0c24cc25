// SPDX-License-Identifier: MIT
// Reads what report::json wrote: a report as plain data again, equal to the one that was written. Needs nlohmann-json.
//
//     const peakscope::memory_report baseline = peakscope::report::read_json_file("baseline.json");
//
// Takes any text: what is not a report is refused with the place and the reason, and so is what says something twice.
// Members that the schema does not name are passed over; those of the contract must be there and have their type.
// Where no memory is left, nlohmann-json may end the program: it allocates to destroy a document.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/members.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/json_place.hpp>
#include <peakscope/report/json_rules.hpp>
#include <peakscope/report/json_stacks.hpp>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace peakscope::report {

namespace detail {

// Where the two precisions are missing, the one that holds for both stands for them.
template <class Figures>
Figures figures_from_json(const json_place& from) {
    Figures figures;
    const precision both = from["precision"].as_precision();
    figures.totals_precision = from.has("totals_precision") ? from["totals_precision"].as_precision() : both;
    figures.peak_precision = from.has("peak_precision") ? from["peak_precision"].as_precision() : both;
    from.read_members(figures, window_members<Figures>);
    return figures;
}

inline heap_figures heap_from_json(const json_place& from) {
    auto figures = figures_from_json<heap_figures>(from);
    from.read_members(figures, members<heap_figures>);
    figures.allocator = from.as_if_there<allocator_state>("allocator");
    return figures;
}

inline rss_figures rss_from_json(const json_place& from) {
    auto figures = figures_from_json<rss_figures>(from);
    from.read_members(figures, members<rss_figures>);
    figures.at_end = from.as_if_there<resident_state>("at_end");
    figures.touched = from.as_if_there<touched_memory>("touched");
    return figures;
}

inline site_report site_from_json(const json_place& from, const json_stacks& stacks) {
    site_report site;
    site.function = from["function"].text();
    site.file = from["file"].text();
    from["line"].read(site.line);
    site.amounts = from.as<site_amounts>();
    site.stack = stacks.at(from["stack"]);
    site.lifetimes = from.as_if_there<lifetime_figures>("lifetimes");
    return site;
}

// Each list has a number for each phase of birth, or none at all.
inline std::optional<birth_report> births_from_json(const json_place& from, const char* name, std::size_t count) {
    std::optional<birth_report> births = from.as_if_there<birth_report>(name);
    if (births)
        boost::hana::for_each(members<birth_report>, [&](const auto& each) {
            if constexpr (requires { (*births.*each.of).size(); })
                if (const std::size_t size = (*births.*each.of).size(); size != 0 && size != count)
                    from[name][each.name].fail("has " + std::to_string(size) + " numbers, but born_in names " +
                                               std::to_string(count) + " phases");
        });
    return births;
}

inline std::vector<phase_site_report> phase_sites_from_json(const json_place& from, std::size_t count) {
    std::vector<phase_site_report> sites;
    from.for_each([&](const json_place& each) {
        const json_place site = each.is_array() ? each.element(0) : each["site"]; // objects, in earlier documents
        sites.push_back({site.index(count, "the number of a site"),
                         each.is_array() ? each.as_row<site_amounts>(1) : each.as_far_as_there<site_amounts>()});
    });
    return sites;
}

inline phase_report phase_from_json(const json_place& from, const memory_report& report) {
    phase_report phase;
    phase.path = from["path"].text();
    phase.entries = from["entries"].count();
    phase.duration = std::chrono::nanoseconds{from["duration_ns"].integer()};
    phase.heap = heap_from_json(from["heap"]);
    phase.rss = rss_from_json(from["rss"]);
    if (from.has("sites")) phase.sites = phase_sites_from_json(from["sites"], report.sites.size());
    phase.births = births_from_json(from, "births", report.births.size());
    phase.work = from.as_if_there<work_figures>("work");
    return phase;
}

inline timeline_report timeline_from_json(const json_place& from, memory_report& report) {
    const std::size_t phase_count = report.phases.size();
    timeline_report timeline;
    from["points"].for_each([&](const json_place& each) {
        timeline_point& point = timeline.points.emplace_back();
        each.element(0).read(point.at);
        each.element(1).read(point.heap);
        each.element(2).read(point.rss);
    });
    from["entries"].for_each([&](const json_place& each) {
        phase_entry& entry = timeline.entries.emplace_back();
        entry.phase = each.element(0).index(phase_count, "the number of a phase");
        each.element(1).read(entry.begin);
        each.element(2).read(entry.end);
    });
    from["peaks"].for_each([&](const json_place& each) {
        std::optional<std::chrono::nanoseconds>& peak_at =
            each.element(0).is_null()
                ? report.peak_at
                : report.phases[each.element(0).index(phase_count, "the number of a phase")].peak_at;
        each.element(1).read(peak_at);
    });
    timeline.entries_left_out = from["entries_left_out"].count();
    return timeline;
}

inline void check_schema(const json_place& document) {
    constexpr std::string_view family = "peakscope.report/";
    if (!document.has("schema")) document.fail("is no report of peakscope's: it has no member 'schema'");
    const std::string schema = document["schema"].text();
    if (schema == "peakscope.report/1" || schema == "peakscope.report/2") return;
    if (schema.starts_with(family))
        document["schema"].fail("is '" + schema +
                                "': this peakscope reads 'peakscope.report/1' and '/2'; read the report with "
                                "the version that wrote it, or make it anew");
    document["schema"].fail("is '" + schema + "', which is no report of peakscope's");
}

inline memory_report report_from_json(const json_place& from) {
    check_schema(from);
    memory_report report;
    report.title = from["title"].text();
    if (!from["items"].is_null()) report.items = from["items"].as<item_count>();
    if (report.items && report.items->count == 0) from["items"]["count"].fail("is 0, and figures are divided by it");
    report.heap_source = from["heap"]["source"].text();
    report.heap_unit = from["heap"]["unit"].text();
    report.heap = heap_from_json(from["heap"]);
    if (report.heap.allocator) report.allocator = from["heap"]["allocator"]["name"].text();
    report.rss_source = from["rss"]["source"].text();
    report.rss = rss_from_json(from["rss"]);
    if (from["rss"].has("process_peak")) from["rss"]["process_peak"].read(report.process_peak_rss);
    report.duration = std::chrono::nanoseconds{from["duration_ns"].integer()};
    if (from.has("sites_precision")) report.sites_precision = from["sites_precision"].as_precision();
    if (from.has("modules"))
        from["modules"].for_each([&](const json_place& each) { report.modules.push_back(each.as<module_report>()); });
    report.naming = from.as_if_there<naming_figures>("naming");
    const json_stacks stacks{from, report.modules.size()};
    from["sites"].for_each([&](const json_place& each) { report.sites.push_back(site_from_json(each, stacks)); });
    if (from.has("outside_phases"))
        report.outside_sites = phase_sites_from_json(from["outside_phases"]["sites"], report.sites.size());
    if (from.has("births")) {
        from["births"]["born_in"].for_each([&](const json_place& each) { report.births.push_back(each.text()); });
        report.measurement_births = births_from_json(from["births"], "measurement", report.births.size());
    }
    from["phases"].for_each([&](const json_place& each) { report.phases.push_back(phase_from_json(each, report)); });
    if (from.has("timeline")) report.timeline = timeline_from_json(from["timeline"], report);
    from["labels"].for_each([&](const json_place& each) { report.labels.push_back(each.as<label_report>()); });
    from["profiler_bytes"].read(report.profiler_bytes);
    if (from.has("notes")) from["notes"].for_each([&](const json_place& each) { report.notes.push_back(each.text()); });
    return report;
}

} // namespace detail

/// `origin` says in an error where the text came from. Throws `read_error`, and std::bad_alloc.
[[nodiscard]] inline memory_report read_json(std::string_view text, const std::string& origin = "the report") {
    try {
        detail::document_rules rules;
        const auto document = nlohmann::json::parse(text.begin(), text.end(), std::ref(rules));
        return detail::report_from_json({document, ""});
    } catch (const nlohmann::json::exception& wrong) {
        const std::string reason = text.empty() ? "it is empty" : wrong.what();
        throw read_error("cannot read " + origin + ": it is not JSON, or not all of it: " + reason);
    } catch (const read_error& wrong) {
        throw read_error("cannot read " + origin + ": " + wrong.what());
    }
}

namespace detail {

// `origin` is its name in an error.
[[nodiscard]] inline std::ifstream opened(const std::filesystem::path& path, const std::string& origin) {
    std::error_code none; // where it cannot be looked at, opening it says why
    if (std::filesystem::is_directory(path, none)) throw read_error("cannot read " + origin + ": it is a folder");
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (file.is_open()) return file;
    const int reason = errno;
    throw read_error("cannot read " + origin + ": " + std::error_code{reason, std::generic_category()}.message());
}

} // namespace detail

/// Throws `read_error` with the path, and std::bad_alloc.
[[nodiscard]] inline memory_report read_json_file(const std::filesystem::path& path) {
    const std::string origin = "'" + path.string() + "'";
    std::ifstream file = detail::opened(path, origin);
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (file.bad()) throw read_error("cannot read " + origin + ": reading it failed");
    return read_json(text, origin);
}

/// Calls `take(memory_report&&)` for each line that `json_lines` has written, and holds one report at a time. Empty
/// lines are none. Returns how many there were. Throws `read_error` with the path and the number of the line, what
/// `take` throws, and std::bad_alloc.
template <class Take>
std::size_t read_json_lines(const std::filesystem::path& path, Take take) {
    const std::string origin = "'" + path.string() + "'";
    std::ifstream file = detail::opened(path, origin);
    std::size_t count = 0;
    std::size_t number = 1;
    for (std::string line; std::getline(file, line); ++number) {
        if (line.empty() || line == "\r") continue;
        take(read_json(line, origin + ", line " + std::to_string(number)));
        ++count;
    }
    if (file.bad()) throw read_error("cannot read " + origin + ": reading it failed");
    return count;
}

} // namespace peakscope::report
