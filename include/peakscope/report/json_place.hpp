// SPDX-License-Identifier: MIT
// A value of a JSON document and where it stands in it, for the reader of reports.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/members.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/core/shared_text.hpp>
#include <peakscope/report/json_rules.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

// A value of the document, and where it stands in it.
class json_place {
  public:
    using json = nlohmann::json;

    json_place(const json& value, std::string path) : value_(&value), path_(std::move(path)) {}
    json_place(const json_place&) = default;
    json_place& operator=(const json_place&) = default;

    [[noreturn]] void fail(const std::string& reason) const {
        throw read_error((path_.empty() ? "the document" : path_) + " " + reason);
    }

    [[nodiscard]] bool is_null() const { return value_->is_null(); }
    [[nodiscard]] bool is_array() const { return value_->is_array(); }
    [[nodiscard]] bool has(const char* name) const { return value_->is_object() && value_->contains(name); }

    [[nodiscard]] json_place operator[](const char* name) const {
        if (!value_->is_object()) fail("is not an object");
        const auto found = value_->find(name);
        if (found == value_->end()) fail("has no member '" + std::string{name} + "'");
        return {*found, path_ + "/" + name};
    }

    [[nodiscard]] json_place element(std::size_t number) const {
        if (!value_->is_array()) fail("is not an array");
        if (number >= value_->size()) fail("has no element " + std::to_string(number));
        return {(*value_)[number], path_ + "/" + std::to_string(number)};
    }

    // Calls use(place) for each element.
    template <class Use>
    void for_each(Use use) const {
        if (!value_->is_array()) fail("is not an array");
        for (std::size_t i = 0; i < value_->size(); ++i)
            use(element(i));
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
    // Below `end`; `what` says of what it is.
    [[nodiscard]] std::size_t index(std::size_t end, const char* what) const {
        const std::uint64_t number = count();
        if (number >= end) fail("is not " + std::string{what});
        return static_cast<std::size_t>(number);
    }
    [[nodiscard]] bytes size() const { return {integer()}; }
    // What is never negative.
    [[nodiscard]] std::int64_t extent() const {
        const std::int64_t value = integer();
        if (value < 0) fail("is below 0");
        return value;
    }

    // The value as a member of a report's struct has it.
    void read(std::string& into) const { into = text(); }
    void read(shared_text& into) const { into = text(); }
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
    void read(std::vector<std::uint64_t>& into) const {
        for_each([&](const json_place& each) { into.push_back(each.count()); });
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
    // Members that are not there are as a new `Struct` has them.
    template <class Struct>
    [[nodiscard]] Struct as_far_as_there() const {
        Struct made;
        boost::hana::for_each(members<Struct>, [&](const auto& each) {
            if (has(each.name)) (*this)[each.name].read(made.*each.of);
        });
        return made;
    }
    // The members in the order of their list, from one element of an array on. Those behind its end are as a new
    // `Struct` has them.
    template <class Struct>
    [[nodiscard]] Struct as_row(std::size_t first) const {
        Struct made;
        boost::hana::for_each(members<Struct>, [&](const auto& each) {
            if (first < value_->size()) element(first++).read(made.*each.of);
        });
        if (first < value_->size()) element(first).fail("is one more than a row has");
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
        if (kind == "bounded") return bounded({(*this)["bound_bytes"].extent()});
        if (kind != "sampled") (*this)["kind"].fail("is '" + kind + "', which is no precision");
        if (has("interval_ns")) return sampled(std::chrono::nanoseconds{(*this)["interval_ns"].extent()});
        return sampled(bytes{(*this)["rate_bytes"].extent()});
    }

  private:
    const json* value_;
    std::string path_;
};

} // namespace detail

} // namespace peakscope::report
