// SPDX-License-Identifier: MIT
// What a document must keep to before anything is read from it. Needs nlohmann-json.
#pragma once

#include <peakscope/core/error.hpp>

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace peakscope::report {

/// A report could not be read. `what()` holds where it came from, the place in it, and the reason.
class read_error : public error {
  public:
    using error::error;
};

namespace detail {

// Watches the parser.
class document_rules {
  public:
    bool operator()(int depth, nlohmann::json::parse_event_t event, const nlohmann::json& parsed) {
        using kind = nlohmann::json::parse_event_t;
        constexpr int deepest = 16; // deeper than any report is: what nests deeper is not read, whatever it is
        if (depth > deepest) throw read_error("the document nests deeper than a report does");
        if (event == kind::object_start) open_.emplace_back();
        if (event == kind::object_end) open_.pop_back();
        if (event == kind::key && !open_.back().insert(parsed.get<std::string>()).second)
            throw read_error("the document has '" + parsed.get<std::string>() + "' twice in one object");
        return true;
    }

  private:
    std::vector<std::set<std::string>> open_{}; // the keys so far of each object around
};

} // namespace detail

} // namespace peakscope::report
