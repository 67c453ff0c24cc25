// SPDX-License-Identifier: MIT
// Reads what report::json wrote: a report as plain data again, equal to the one that was written. Needs nlohmann-json.
//
//     const peakscope::memory_report baseline = peakscope::report::read_json_file("baseline.json");
//
// Takes any text: what is not a report is refused with the place and the reason. Members that the schema does not name
// are passed over; those of the contract must be there and have their type.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>

#include <nlohmann/json.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace peakscope::report {

/// A report could not be read. `what()` holds where it came from, the place in it, and the reason.
class read_error : public error {
  public:
    using error::error;
};

namespace detail {

// A value of the document, and where it stands in it.
class json_place {
  public:
    using json = nlohmann::json;

    json_place(const json& value, std::string path) : value_(&value), path_(std::move(path)) {}

    [[noreturn]] void fail(const std::string& reason) const {
        throw read_error((path_.empty() ? "the document" : path_) + " " + reason);
    }

    [[nodiscard]] bool is_null() const { return value_->is_null(); }
    [[nodiscard]] bool has(const char* name) const { return value_->is_object() && value_->contains(name); }

    [[nodiscard]] json_place operator[](const char* name) const {
        if (!value_->is_object()) fail("is not an object");
        const auto found = value_->find(name);
        if (found == value_->end()) fail("has no member '" + std::string{name} + "'");
        return {*found, path_ + "/" + name};
    }

    // Calls use(place) for each element.
    template <class Use>
    void for_each(Use use) const {
        if (!value_->is_array()) fail("is not an array");
        for (std::size_t i = 0; i < value_->size(); ++i)
            use(json_place{(*value_)[i], path_ + "/" + std::to_string(i)});
    }

    [[nodiscard]] std::string text() const {
        if (!value_->is_string()) fail("is not a string");
        return value_->get<std::string>();
    }
    [[nodiscard]] bool truth() const {
        if (!value_->is_boolean()) fail("is neither true nor false");
        return value_->get<bool>();
    }
    [[nodiscard]] std::int64_t integer() const {
        if (!value_->is_number_integer() ||
            (value_->is_number_unsigned() && value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)))
            fail("is not an integer of 64 bits");
        return value_->get<std::int64_t>();
    }
    [[nodiscard]] std::uint64_t count() const {
        if (!value_->is_number_unsigned()) fail("is not an integer from 0 on");
        return value_->get<std::uint64_t>();
    }
    [[nodiscard]] bytes size() const { return {integer()}; }

    [[nodiscard]] std::optional<bytes> size_or_null() const { return is_null() ? std::nullopt : std::optional{size()}; }
    [[nodiscard]] std::optional<std::uint64_t> count_or_null() const {
        return is_null() ? std::nullopt : std::optional{count()};
    }
    [[nodiscard]] std::vector<bytes> sizes() const {
        std::vector<bytes> all;
        for_each([&](const json_place& each) { all.push_back(each.size()); });
        return all;
    }

    [[nodiscard]] precision as_precision() const {
        const std::string kind = (*this)["kind"].text();
        if (kind == "exact") return exact;
        if (kind == "unavailable") return unavailable;
        if (kind == "bounded") return bounded((*this)["bound_bytes"].size());
        if (kind != "sampled") (*this)["kind"].fail("is '" + kind + "', which is no precision");
        if (has("interval_ns")) return sampled(std::chrono::nanoseconds{(*this)["interval_ns"].integer()});
        return sampled((*this)["rate_bytes"].size());
    }

  private:
    const json* value_;
    std::string path_;
};

// Where the two precisions are missing, the one that holds for both stands for them.
template <class Figures>
Figures figures_from_json(const json_place& from) {
    Figures figures;
    const precision both = from["precision"].as_precision();
    figures.totals_precision = from.has("totals_precision") ? from["totals_precision"].as_precision() : both;
    figures.peak_precision = from.has("peak_precision") ? from["peak_precision"].as_precision() : both;
    figures.start = from["start"].size_or_null();
    figures.end = from["end"].size_or_null();
    figures.delta = from["delta"].size_or_null();
    figures.peak = from["peak"].size_or_null();
    figures.peak_delta = from["peak_delta"].size_or_null();
    return figures;
}

inline heap_figures heap_from_json(const json_place& from) {
    auto figures = figures_from_json<heap_figures>(from);
    figures.allocated = from["allocated"].size_or_null();
    figures.freed = from["freed"].size_or_null();
    figures.allocations = from["allocations"].count_or_null();
    figures.deallocations = from["deallocations"].count_or_null();
    figures.blocks_start = from["blocks_start"].count_or_null();
    figures.blocks_end = from["blocks_end"].count_or_null();
    if (from.has("allocator") && !from["allocator"].is_null()) {
        const json_place state = from["allocator"];
        figures.allocator = allocator_state{state["usable"].size_or_null(), state["active"].size_or_null(),
                                            state["resident"].size_or_null(), state["retained"].size_or_null()};
    }
    return figures;
}

inline rss_figures rss_from_json(const json_place& from) {
    auto figures = figures_from_json<rss_figures>(from);
    if (from.has("at_end") && !from["at_end"].is_null()) {
        const json_place state = from["at_end"];
        figures.at_end = resident_state{state["anonymous"].size_or_null(), state["file"].size_or_null(),
                                        state["shmem"].size_or_null(),     state["pss"].size_or_null(),
                                        state["uss"].size_or_null(),       state["shared"].size_or_null(),
                                        state["swap"].size_or_null(),      state["limit"].size_or_null()};
    }
    return figures;
}

inline site_amounts amounts_from_json(const json_place& from) {
    site_amounts amounts;
    amounts.delta_bytes = from["delta_bytes"].size();
    amounts.delta_blocks = from["delta_blocks"].integer();
    amounts.at_peak_bytes = from["at_peak_bytes"].size();
    amounts.at_peak_blocks = from["at_peak_blocks"].integer();
    if (from.has("at_peak_born_inside_bytes")) amounts.at_peak_born_inside = from["at_peak_born_inside_bytes"].size();
    amounts.allocated_bytes = from["allocated_bytes"].size();
    amounts.allocations = from["allocations"].count();
    const auto error = [&](const char* name) { return from.has(name) ? from[name].size_or_null() : std::nullopt; };
    amounts.delta_error = error("delta_error_bytes");
    amounts.at_peak_error = error("at_peak_error_bytes");
    amounts.allocated_error = error("allocated_error_bytes");
    return amounts;
}

inline std::uint32_t line_from_json(const json_place& from) {
    const std::uint64_t line = from.count();
    if (line > UINT32_MAX) from.fail("is no line number");
    return static_cast<std::uint32_t>(line);
}

inline site_report site_from_json(const json_place& from) {
    site_report site;
    site.function = from["function"].text();
    site.file = from["file"].text();
    site.line = line_from_json(from["line"]);
    site.amounts = amounts_from_json(from);
    from["stack"].for_each([&](const json_place& each) {
        stack_frame frame{each["function"].text(), each["file"].text(), line_from_json(each["line"]),
                          each["inlined"].truth(), 0};
        if (each.has("address")) frame.address = each["address"].count();
        site.stack.push_back(std::move(frame));
    });
    return site;
}

inline std::optional<birth_report> births_from_json(const json_place& from) {
    if (from.is_null()) return std::nullopt;
    return birth_report{from["at_peak"].sizes(), from["at_end"].sizes(), from["allocated"].size(),
                        from["freed_in"].sizes()};
}

inline phase_report phase_from_json(const json_place& from, std::size_t site_count) {
    phase_report phase;
    phase.path = from["path"].text();
    phase.entries = from["entries"].count();
    phase.duration = std::chrono::nanoseconds{from["duration_ns"].integer()};
    phase.heap = heap_from_json(from["heap"]);
    phase.rss = rss_from_json(from["rss"]);
    if (from.has("sites"))
        from["sites"].for_each([&](const json_place& each) {
            const std::uint64_t site = each["site"].count();
            if (site >= site_count) each["site"].fail("is not the number of a site");
            phase.sites.push_back({static_cast<std::size_t>(site), amounts_from_json(each)});
        });
    if (from.has("births")) phase.births = births_from_json(from["births"]);
    if (from.has("work") && !from["work"].is_null()) {
        const json_place work = from["work"];
        phase.work =
            work_figures{work["entries"].count(),     std::chrono::nanoseconds{work["thread_time_ns"].integer()},
                         work["allocated"].size(),    work["freed"].size(),
                         work["allocations"].count(), work["deallocations"].count()};
    }
    return phase;
}

inline label_report label_from_json(const json_place& from) {
    label_report label;
    label.name = from["name"].text();
    label.allocated_bytes = from["allocated_bytes"].size();
    label.allocations = from["allocations"].count();
    label.delta_bytes = from["delta_bytes"].size();
    label.peak_bytes = from["peak_bytes"].size();
    if (from.has("at_peak_bytes")) label.at_peak_bytes = from["at_peak_bytes"].size();
    return label;
}

inline void check_schema(const json_place& document) {
    constexpr std::string_view family = "peakscope.report/";
    if (!document.has("schema")) document.fail("is no report of peakscope's: it has no member 'schema'");
    const std::string schema = document["schema"].text();
    if (schema == "peakscope.report/1") return;
    if (schema.starts_with(family))
        document["schema"].fail("is '" + schema +
                                "': this peakscope reads 'peakscope.report/1'; read the report with "
                                "the version that wrote it, or make it anew");
    document["schema"].fail("is '" + schema + "', which is no report of peakscope's");
}

inline memory_report report_from_json(const json_place& from) {
    check_schema(from);
    memory_report report;
    report.title = from["title"].text();
    if (const json_place items = from["items"]; !items.is_null())
        report.items = item_count{items["name"].text(), items["count"].count()};
    report.heap_source = from["heap"]["source"].text();
    report.heap_unit = from["heap"]["unit"].text();
    report.heap = heap_from_json(from["heap"]);
    if (report.heap.allocator) report.allocator = from["heap"]["allocator"]["name"].text();
    report.rss_source = from["rss"]["source"].text();
    report.rss = rss_from_json(from["rss"]);
    report.duration = std::chrono::nanoseconds{from["duration_ns"].integer()};
    if (from.has("sites_precision")) report.sites_precision = from["sites_precision"].as_precision();
    from["sites"].for_each([&](const json_place& each) { report.sites.push_back(site_from_json(each)); });
    from["phases"].for_each(
        [&](const json_place& each) { report.phases.push_back(phase_from_json(each, report.sites.size())); });
    from["labels"].for_each([&](const json_place& each) { report.labels.push_back(label_from_json(each)); });
    if (from.has("births")) {
        from["births"]["born_in"].for_each([&](const json_place& each) { report.births.push_back(each.text()); });
        report.measurement_births = births_from_json(from["births"]["measurement"]);
    }
    report.profiler_bytes = from["profiler_bytes"].size_or_null();
    if (from.has("notes")) from["notes"].for_each([&](const json_place& each) { report.notes.push_back(each.text()); });
    return report;
}

} // namespace detail

/// `origin` says in an error where the text came from. Throws `read_error`, and std::bad_alloc.
[[nodiscard]] inline memory_report read_json(std::string_view text, const std::string& origin = "the report") {
    // Deeper than any report is: what nests deeper is not read, whatever it is.
    constexpr int deepest = 16;
    try {
        const auto document = nlohmann::json::parse(
            text.begin(), text.end(), [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
                if (depth > deepest) throw read_error("the document nests deeper than a report does");
                return true;
            });
        return detail::report_from_json({document, ""});
    } catch (const nlohmann::json::exception& wrong) {
        const std::string reason = text.empty() ? "it is empty" : wrong.what();
        throw read_error("cannot read " + origin + ": it is not JSON, or not all of it: " + reason);
    } catch (const read_error& wrong) {
        throw read_error("cannot read " + origin + ": " + wrong.what());
    }
}

/// Throws `read_error` with the path.
[[nodiscard]] inline memory_report read_json_file(const std::filesystem::path& path) {
    const std::string origin = "'" + path.string() + "'";
    if (std::filesystem::is_directory(path)) throw read_error("cannot read " + origin + ": it is a folder");
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file.is_open() || file.bad()) {
        const int reason = errno;
        throw read_error("cannot read " + origin + ": " + std::error_code{reason, std::generic_category()}.message());
    }
    return read_json(text, origin);
}

} // namespace peakscope::report
