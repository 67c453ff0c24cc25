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

inline ordered_json number(const std::optional<bytes>& value) {
    return value ? ordered_json(value->count) : ordered_json(nullptr);
}
inline ordered_json number(const std::optional<std::uint64_t>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
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
    return {{"source", source},
            {"precision", to_json(weaker(figures.totals_precision, figures.peak_precision))},
            {"totals_precision", to_json(figures.totals_precision)},
            {"peak_precision", to_json(figures.peak_precision)},
            {"start", number(figures.start)},
            {"end", number(figures.end)},
            {"delta", number(figures.delta)},
            {"peak", number(figures.peak)},
            {"peak_delta", number(figures.peak_delta)}};
}

inline ordered_json heap_to_json(const memory_report& report, const heap_figures& heap) {
    ordered_json object = figures_to_json(report.heap_source, heap);
    object["unit"] = report.heap_unit;
    object["allocated"] = number(heap.allocated);
    object["freed"] = number(heap.freed);
    object["allocations"] = number(heap.allocations);
    object["deallocations"] = number(heap.deallocations);
    object["blocks_start"] = number(heap.blocks_start);
    object["blocks_end"] = number(heap.blocks_end);
    object["allocator"] = nullptr;
    if (heap.allocator)
        object["allocator"] = {{"name", report.allocator},
                               {"usable", number(heap.allocator->usable)},
                               {"active", number(heap.allocator->active)},
                               {"resident", number(heap.allocator->resident)},
                               {"retained", number(heap.allocator->retained)}};
    return object;
}

inline ordered_json rss_to_json(const memory_report& report, const rss_figures& rss) {
    ordered_json object = figures_to_json(report.rss_source, rss);
    object["at_end"] = nullptr;
    if (rss.at_end)
        object["at_end"] = {{"anonymous", number(rss.at_end->anonymous)},
                            {"file", number(rss.at_end->file)},
                            {"shmem", number(rss.at_end->shmem)},
                            {"pss", number(rss.at_end->pss)},
                            {"uss", number(rss.at_end->uss)},
                            {"shared", number(rss.at_end->shared)},
                            {"swap", number(rss.at_end->swap)},
                            {"limit", number(rss.at_end->limit)}};
    return object;
}

inline ordered_json to_json(const std::vector<bytes>& values) {
    ordered_json array = ordered_json::array();
    for (const bytes each : values)
        array.push_back(each.count);
    return array;
}

inline void add_amounts(ordered_json& object, const site_amounts& amounts) {
    object["delta_bytes"] = amounts.delta_bytes.count;
    object["delta_blocks"] = amounts.delta_blocks;
    object["at_peak_bytes"] = amounts.at_peak_bytes.count;
    object["at_peak_blocks"] = amounts.at_peak_blocks;
    object["at_peak_born_inside_bytes"] = amounts.at_peak_born_inside.count;
    object["allocated_bytes"] = amounts.allocated_bytes.count;
    object["allocations"] = amounts.allocations;
    if (amounts.delta_error) object["delta_error_bytes"] = amounts.delta_error->count;
    if (amounts.at_peak_error) object["at_peak_error_bytes"] = amounts.at_peak_error->count;
    if (amounts.allocated_error) object["allocated_error_bytes"] = amounts.allocated_error->count;
}

inline ordered_json to_json(const birth_report& births) {
    return {{"at_peak", to_json(births.at_peak)},
            {"at_end", to_json(births.at_end)},
            {"allocated", births.allocated.count},
            {"freed_in", to_json(births.freed_in)}};
}
inline ordered_json to_json(const std::optional<birth_report>& births) {
    return births ? to_json(*births) : ordered_json(nullptr);
}

inline ordered_json to_json(const std::optional<work_figures>& work) {
    if (!work) return nullptr;
    return {{"entries", work->entries},           {"thread_time_ns", work->thread_time.count()},
            {"allocated", work->allocated.count}, {"freed", work->freed.count},
            {"allocations", work->allocations},   {"deallocations", work->deallocations}};
}

inline ordered_json to_json(const phase_report& phase, const memory_report& report) {
    ordered_json sites = ordered_json::array();
    for (const phase_site_report& each : phase.sites) {
        ordered_json object{{"site", each.site}};
        add_amounts(object, each.amounts);
        sites.push_back(std::move(object));
    }
    return {{"path", phase.path},
            {"entries", phase.entries},
            {"duration_ns", phase.duration.count()},
            {"heap", heap_to_json(report, phase.heap)},
            {"rss", rss_to_json(report, phase.rss)},
            {"sites", std::move(sites)},
            {"births", to_json(phase.births)},
            {"work", to_json(phase.work)}};
}

inline ordered_json to_json(const site_report& site) {
    ordered_json stack = ordered_json::array();
    for (const stack_frame& frame : site.stack)
        stack.push_back({{"function", frame.function},
                         {"file", frame.file},
                         {"line", frame.line},
                         {"inlined", frame.inlined},
                         {"address", frame.address}});
    ordered_json object{{"function", site.function}, {"file", site.file}, {"line", site.line}};
    add_amounts(object, site.amounts);
    object["stack"] = std::move(stack);
    return object;
}

inline ordered_json to_json(const label_report& label) {
    return {{"name", label.name},
            {"allocated_bytes", label.allocated_bytes.count},
            {"allocations", label.allocations},
            {"delta_bytes", label.delta_bytes.count},
            {"peak_bytes", label.peak_bytes.count},
            {"at_peak_bytes", label.at_peak_bytes.count}};
}

inline ordered_json to_json(const memory_report& report) {
    ordered_json object{{"schema", "peakscope.report/1"}, {"title", report.title}};
    object["items"] = report.items ? ordered_json{{"name", report.items->name}, {"count", report.items->count}}
                                   : ordered_json(nullptr);
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
        object["labels"].push_back(to_json(label));
    object["births"] = {{"born_in", report.births}, {"measurement", to_json(report.measurement_births)}};
    object["profiler_bytes"] = number(report.profiler_bytes);
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
