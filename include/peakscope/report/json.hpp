// SPDX-License-Identifier: MIT
// report::json: the whole report as JSON, schema "peakscope.report/2". report::json_lines: the same, a line each.
// Needs nlohmann-json.
//
// Bytes are integers, what is not known is null. Beside the figures of core/report.hpp, under the names they have
// there:
//   totals_precision, peak_precision   of heap and rss: of the totals and of the two peaks; "precision" is the
//                                      weaker one.
//   sites_precision, delta_error_bytes, at_peak_error_bytes, allocated_error_bytes
//                                      of sites: one standard error each, where amounts are estimates.
//   at_peak_born_inside_bytes          of sites: how much of at_peak_bytes was allocated inside the window; not written
//                                      where it is 0.
//   lifetimes                          of sites, where they were asked for: how many blocks had which "sizes", by
//                                      powers of two; how many were "temporary" or "short_lived"; the most that lived.
//   phases[].sites                     amounts in the phase, a row a site: its index in the sites, and then what a site
//                                      has from delta_bytes on, in that order and with nothing left out in between.
//                                      What is 0 or not known at the end of a row is not written.
//   outside_phases.sites               the same of the time in which no phase was open, and of the measurement's peak.
//   births, phases[].births            what lived at the peak and at the end by the phase it was born in, and in which
//                                      phases what this phase allocated was freed; in the order of births.born_in.
//   phases[].work                      what threads allocated and freed with the phase in scope.
//   stacks, frames                     each once: a site has the number of its stack, a stack the numbers of its
//                                      frames, the innermost first.
//   stack_addresses, addresses         of each stack, the numbers of its addresses: one for each frame that is not
//                                      inlined and those that are inlined into it, or one for each frame. An address is
//                                      [the return address, the number of its module or null].
//   timeline                           points as [time, heap or null, rss or null], entries of phases as [phase,
//                                      begin, end], peaks as [phase or null for the measurement, time, heap]; times in
//                                      nanoseconds from the start of the measurement.
//   modules                            programs and libraries. An address less its module's load_bias is what addr2line
//                                      takes for the module's file, now or later, and build_id tells whether a file is
//                                      still the one.
//   naming                             what it took to look names up: how many addresses, how many of them were cached,
//                                      the time, and the peak RSS of the processes that did it, if it was not this one.
//   at_peak_bytes                      of a label: what it held at the measurement's peak.
//   notes                              what a reader must know: why figures are missing, for example.
//   at_end                             of rss: what the resident memory consists of at the end of the window.
//   touched                            of rss, if its source tells: between at_least and at_most of what is resident.
//   allocator                          of heap: what the allocator says of itself at the end of the window.
// A precision has "rate_bytes" where it is sampled by bytes, "interval_ns" where it is sampled by time.
#pragma once

#include <peakscope/core/members.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/json_document.hpp>
#include <peakscope/report/stack_tables.hpp>
#include <peakscope/report/text_backend.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

template <class Value>
ordered_json to_value(const Value& value) {
    return value;
}
inline ordered_json to_value(const bytes& value) { return value.count; }
inline ordered_json to_value(const std::chrono::nanoseconds& value) { return value.count(); }
inline ordered_json to_value(const std::vector<bytes>& values) {
    ordered_json array = ordered_json::array();
    for (const bytes each : values)
        array.push_back(each.count);
    return array;
}
template <class Value>
ordered_json to_value(const std::optional<Value>& value) {
    return value ? to_value(*value) : ordered_json(nullptr);
}
// Not known, or 0 where it always is known.
template <class Value>
constexpr bool is_empty(const Value& value) noexcept {
    return value == Value{};
}

// Adds the listed members of a struct to an object.
template <class Struct, class Members>
void write_members(ordered_json& object, const Struct& of, const Members& listed) {
    boost::hana::for_each(listed, [&](const auto& each) {
        const auto& value = of.*each.of;
        if (each.written != member_is::if_known || !is_empty(value)) object[each.name] = to_value(value);
    });
}
template <class Struct>
ordered_json with_members(const Struct& of, ordered_json object = ordered_json::object()) {
    write_members(object, of, members<Struct>);
    return object;
}
template <class Struct>
ordered_json with_members(const std::optional<Struct>& of) {
    return of ? with_members(*of) : ordered_json(nullptr);
}

inline ordered_json to_json(const precision& value) {
    switch (value.kind) {
    case precision_kind::exact:
        return {{"kind", "exact"}, {"bound_bytes", 0}};
    case precision_kind::bounded:
        return {{"kind", "bounded"}, {"bound_bytes", value.bound.count}};
    case precision_kind::sampled:
        if (value.interval.count() > 0)
            return {{"kind", "sampled"}, {"bound_bytes", nullptr}, {"interval_ns", value.interval.count()}};
        return {{"kind", "sampled"}, {"bound_bytes", nullptr}, {"rate_bytes", value.rate.count}};
    case precision_kind::unavailable:
        break;
    }
    return {{"kind", "unavailable"}, {"bound_bytes", nullptr}};
}

// What heap and rss objects begin with. The weaker precision comes first: it holds for every number beside it.
template <class Figures>
ordered_json figures_to_json(const std::string& source, const Figures& figures) {
    ordered_json object{{"source", source},
                        {"precision", to_json(weaker(figures.totals_precision, figures.peak_precision))},
                        {"totals_precision", to_json(figures.totals_precision)},
                        {"peak_precision", to_json(figures.peak_precision)}};
    write_members(object, figures, window_members<Figures>);
    return object;
}

inline ordered_json heap_to_json(const memory_report& report, const heap_figures& heap) {
    ordered_json object = figures_to_json(report.heap_source, heap);
    object["unit"] = report.heap_unit;
    write_members(object, heap, members<heap_figures>);
    object["allocator"] = nullptr;
    if (heap.allocator) object["allocator"] = with_members(*heap.allocator, {{"name", report.allocator}});
    return object;
}

inline ordered_json rss_to_json(const memory_report& report, const rss_figures& rss) {
    ordered_json object = figures_to_json(report.rss_source, rss);
    write_members(object, rss, members<rss_figures>);
    object["at_end"] = with_members(rss.at_end);
    if (rss.touched) object["touched"] = with_members(*rss.touched);
    return object;
}

inline ordered_json to_json(const std::vector<phase_site_report>& sites) {
    ordered_json all = ordered_json::array();
    for (const phase_site_report& each : sites) {
        ordered_json row{each.site};
        std::size_t end = row.size(); // behind the last that is worth writing
        boost::hana::for_each(members<site_amounts>, [&](const auto& member) {
            const auto& value = each.amounts.*member.of;
            row.push_back(to_value(value));
            if (!is_empty(value)) end = row.size();
        });
        row.erase(row.begin() + static_cast<std::ptrdiff_t>(end), row.end());
        all.push_back(std::move(row));
    }
    return all;
}

inline ordered_json to_json(const phase_report& phase, const memory_report& report) {
    return {{"path", phase.path},
            {"entries", phase.entries},
            {"duration_ns", phase.duration.count()},
            {"heap", heap_to_json(report, phase.heap)},
            {"rss", rss_to_json(report, phase.rss)},
            {"births", with_members(phase.births)},
            {"work", with_members(phase.work)},
            {"sites", to_json(phase.sites)}};
}

inline ordered_json to_json(const timeline_report& timeline, const memory_report& report) {
    ordered_json points = ordered_json::array();
    for (const timeline_point& each : timeline.points)
        points.push_back({each.at.count(), to_value(each.heap), to_value(each.rss)});
    ordered_json entries = ordered_json::array();
    for (const phase_entry& each : timeline.entries)
        entries.push_back({each.phase, each.begin.count(), each.end.count()});
    ordered_json peaks = ordered_json::array();
    const auto add_peak = [&](const ordered_json& phase, const auto& of) {
        if (of.peak_at) peaks.push_back({phase, of.peak_at->count(), to_value(of.heap.peak)});
    };
    add_peak(nullptr, report);
    for (std::size_t number = 0; number < report.phases.size(); ++number)
        add_peak(number, report.phases[number]);
    return {{"points", std::move(points)},
            {"entries", std::move(entries)},
            {"entries_left_out", timeline.entries_left_out},
            {"peaks", std::move(peaks)}};
}

inline void write_json(std::string& into, const memory_report& report) {
    json_document document{into};
    document.member("schema", "peakscope.report/2");
    document.member("title", report.title);
    document.member("items", with_members(report.items));
    document.member("heap", heap_to_json(report, report.heap));
    ordered_json rss = rss_to_json(report, report.rss);
    rss["process_peak"] = to_value(report.process_peak_rss);
    document.member("rss", rss);
    document.member("duration_ns", report.duration.count());
    document.table("phases", report.phases, [&](const phase_report& each) { return to_json(each, report); });
    document.member("timeline", to_json(report.timeline, report));
    document.member("sites_precision", to_json(report.sites_precision));
    stack_tables stacks;
    document.table("sites", report.sites, [&](const site_report& site) {
        ordered_json object{{"function", site.function}, {"file", site.file}, {"line", site.line}};
        write_members(object, site.amounts, members<site_amounts>);
        object["stack"] = stacks.number_of(site.stack);
        if (site.lifetimes) object["lifetimes"] = with_members(*site.lifetimes);
        return object;
    });
    stacks.write(document);
    document.table("modules", report.modules, [](const module_report& module) { return with_members(module); });
    document.member("naming", with_members(report.naming));
    document.member("outside_phases", {{"sites", to_json(report.outside_sites)}});
    document.table("labels", report.labels, [](const label_report& label) { return with_members(label); });
    document.member("births", {{"born_in", report.births}, {"measurement", with_members(report.measurement_births)}});
    document.member("profiler_bytes", to_value(report.profiler_bytes));
    document.member("notes", report.notes);
    document.end();
}

} // namespace detail

/// Writes the report as one JSON document, with the rows of its tables a line each, and a line end. Bytes of a title or
/// a name that are not UTF-8 become U+FFFD: JSON has no other way to hold them. Throws `write_error`.
class json : public text_backend<json> {
  public:
    json() = default;
    explicit json(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "json";

    [[nodiscard]] static std::string text(const memory_report& report) {
        std::string made;
        detail::write_json(made, report);
        return made;
    }
};

/// The same document as one line, for many reports in one file:  report::json_lines{report::append_to("runs.jsonl")}
/// A line by itself is what `json` writes, and `read_json_lines` reads them all. Throws `write_error`.
class json_lines : public text_backend<json_lines> {
  public:
    json_lines() = default;
    explicit json_lines(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "jsonl";

    [[nodiscard]] static std::string text(const memory_report& report) {
        std::string made;
        detail::write_json(made, report);
        bool is_layout = false; // a line end, and the spaces after it; line ends in names are escaped
        std::erase_if(made, [&](char each) { return is_layout = each == '\n' || (is_layout && each == ' '); });
        return made += '\n';
    }
};

} // namespace peakscope::report
