// SPDX-License-Identifier: MIT
// report::json: the whole report as JSON, schema "peakscope.report/1". Needs nlohmann-json.
//
// Bytes are integers, what is not known is null. The contract names the members; these were added to it:
//   totals_precision, peak_precision   beside "precision" in heap and rss: of the totals and of the two peaks.
//   "precision"
//                                      is the weaker of the two.
//   sites_precision, delta_error_bytes, at_peak_error_bytes, allocated_error_bytes
//                                      of sites: one standard error each, where amounts are estimates.
//   at_peak_born_inside_bytes          of sites: how much of at_peak_bytes was allocated inside the window.
//   phases[].sites                     amounts in the phase; "site" is the index into the sites of the report.
//   births, phases[].births            what lived at the peak and at the end by the phase it was born in, and in which
//                                      phases what this phase allocated was freed; in the order of births.born_in.
//   phases[].work                      what threads allocated and freed with the phase in scope.
//   address                            of a frame of a stack: the return address.
//   at_peak_bytes                      of a label: what it held at the measurement's peak.
//   notes                              what a reader must know: why figures are missing, for example.
//   at_end                             of rss: what the resident memory consists of at the end of the window.
//   allocator                          of heap: what the allocator says of itself at the end of the window.
// A precision has "rate_bytes" where it is sampled by bytes, "interval_ns" where it is sampled by time.
#pragma once

#include <peakscope/core/members.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/fwd.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

using ordered_json = nlohmann::ordered_json;

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
template <class Value>
constexpr bool is_unknown(const Value&) noexcept {
    return false;
}
template <class Value>
constexpr bool is_unknown(const std::optional<Value>& value) noexcept {
    return !value;
}

// Adds the listed members of a struct to an object.
template <class Struct, class Members>
void add_members(ordered_json& object, const Struct& of, const Members& listed) {
    boost::hana::for_each(listed, [&](const auto& each) {
        const auto& value = of.*each.of;
        if (each.written != member_is::if_known || !is_unknown(value)) object[each.name] = to_value(value);
    });
}
template <class Struct>
ordered_json with_members(const Struct& of, ordered_json object = ordered_json::object()) {
    add_members(object, of, members<Struct>);
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
    add_members(object, figures, window_members<Figures>);
    return object;
}

inline ordered_json heap_to_json(const memory_report& report, const heap_figures& heap) {
    ordered_json object = figures_to_json(report.heap_source, heap);
    object["unit"] = report.heap_unit;
    add_members(object, heap, members<heap_figures>);
    object["allocator"] = nullptr;
    if (heap.allocator) object["allocator"] = with_members(*heap.allocator, {{"name", report.allocator}});
    return object;
}

inline ordered_json rss_to_json(const memory_report& report, const rss_figures& rss) {
    ordered_json object = figures_to_json(report.rss_source, rss);
    object["at_end"] = with_members(rss.at_end);
    return object;
}

inline ordered_json to_json(const phase_report& phase, const memory_report& report) {
    ordered_json sites = ordered_json::array();
    for (const phase_site_report& each : phase.sites) {
        ordered_json object{{"site", each.site}};
        add_members(object, each.amounts, members<site_amounts>);
        sites.push_back(std::move(object));
    }
    return {{"path", phase.path},
            {"entries", phase.entries},
            {"duration_ns", phase.duration.count()},
            {"heap", heap_to_json(report, phase.heap)},
            {"rss", rss_to_json(report, phase.rss)},
            {"sites", std::move(sites)},
            {"births", with_members(phase.births)},
            {"work", with_members(phase.work)}};
}

inline ordered_json to_json(const site_report& site) {
    ordered_json stack = ordered_json::array();
    for (const stack_frame& frame : site.stack)
        stack.push_back(with_members(frame));
    ordered_json object{{"function", site.function}, {"file", site.file}, {"line", site.line}};
    add_members(object, site.amounts, members<site_amounts>);
    object["stack"] = std::move(stack);
    return object;
}

inline ordered_json to_json(const memory_report& report) {
    ordered_json object{{"schema", "peakscope.report/1"}, {"title", report.title}};
    object["items"] = with_members(report.items);
    object["heap"] = heap_to_json(report, report.heap);
    object["rss"] = rss_to_json(report, report.rss);
    object["duration_ns"] = report.duration.count();
    object["phases"] = ordered_json::array();
    for (const phase_report& phase : report.phases)
        object["phases"].push_back(to_json(phase, report));
    object["sites_precision"] = to_json(report.sites_precision);
    object["sites"] = ordered_json::array();
    for (const site_report& site : report.sites)
        object["sites"].push_back(to_json(site));
    object["labels"] = ordered_json::array();
    for (const label_report& label : report.labels)
        object["labels"].push_back(with_members(label));
    object["births"] = {{"born_in", report.births}, {"measurement", with_members(report.measurement_births)}};
    object["profiler_bytes"] = to_value(report.profiler_bytes);
    object["notes"] = report.notes;
    return object;
}

} // namespace detail

/// Writes the report as one indented JSON document and a line end. Bytes of a title or a name that are not UTF-8 become
/// U+FFFD: JSON has no other way to hold them. Throws `write_error`.
class json {
  public:
    static constexpr const char* name = "json";

    /// To standard output.
    json() = default;
    explicit json(destination where) : where_(std::move(where)) {}

    [[nodiscard]] static std::string text(const memory_report& report) {
        return detail::to_json(report).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    }

    void operator()(const memory_report& report) const { where_.write(text(report)); }

  private:
    destination where_;
};

} // namespace peakscope::report
