// SPDX-License-Identifier: MIT
// Reads what report::json wrote: a report as plain data again, equal to the one that was written. Needs nlohmann-json.
//
//     const peakscope::memory_report baseline = peakscope::report::read_json_file("baseline.json");
//
// Takes any text: what is not a report is refused with the place and the reason. Members that the schema does not name
// are passed over; those of the contract must be there and have their type.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/members.hpp>
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

    // The value as a member of a report's struct has it.
    void read(std::string& into) const { into = text(); }
    void read(bool& into) const { into = truth(); }
    void read(std::int64_t& into) const { into = integer(); }
    void read(std::uint64_t& into) const { into = count(); }
    void read(std::uint32_t& into) const {
        const std::uint64_t line = count();
        if (line > UINT32_MAX) fail("is no line number");
        into = static_cast<std::uint32_t>(line);
    }
    void read(bytes& into) const { into = size(); }
    void read(std::chrono::nanoseconds& into) const { into = std::chrono::nanoseconds{integer()}; }
    template <class Value>
    void read(std::optional<Value>& into) const {
        if (is_null()) return into.reset();
        read(into.emplace());
    }
    void read(std::vector<bytes>& into) const {
        for_each([&](const json_place& each) { into.push_back(each.size()); });
    }

    template <class Struct, class Members>
    void read_members(Struct& into, const Members& listed) const {
        boost::hana::for_each(listed, [&](const auto& each) {
            if (each.written == member_is::always || has(each.name)) (*this)[each.name].read(into.*each.of);
        });
    }
    template <class Struct>
    [[nodiscard]] Struct as() const {
        Struct made;
        read_members(made, members<Struct>);
        return made;
    }
    // Where there is no such member, or it is null: nothing.
    template <class Struct>
    [[nodiscard]] std::optional<Struct> as_if_there(const char* name) const {
        return has(name) && !(*this)[name].is_null() ? std::optional{(*this)[name].template as<Struct>()}
                                                     : std::nullopt;
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
    figures.at_end = from.as_if_there<resident_state>("at_end");
    return figures;
}

inline site_report site_from_json(const json_place& from) {
    site_report site;
    site.function = from["function"].text();
    site.file = from["file"].text();
    from["line"].read(site.line);
    site.amounts = from.as<site_amounts>();
    from["stack"].for_each([&](const json_place& each) { site.stack.push_back(each.as<stack_frame>()); });
    return site;
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
            phase.sites.push_back({static_cast<std::size_t>(site), each.as<site_amounts>()});
        });
    phase.births = from.as_if_there<birth_report>("births");
    phase.work = from.as_if_there<work_figures>("work");
    return phase;
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
    if (!from["items"].is_null()) report.items = from["items"].as<item_count>();
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
    from["labels"].for_each([&](const json_place& each) { report.labels.push_back(each.as<label_report>()); });
    if (from.has("births")) {
        from["births"]["born_in"].for_each([&](const json_place& each) { report.births.push_back(each.text()); });
        report.measurement_births = from["births"].as_if_there<birth_report>("measurement");
    }
    from["profiler_bytes"].read(report.profiler_bytes);
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
