// SPDX-License-Identifier: MIT
// Writing a JSON document in one pass. Needs nlohmann-json.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace peakscope::report::detail {

using ordered_json = nlohmann::ordered_json;

// Adds a document to a text member by member, with the rows of a table a line each, so that no second copy of the
// report is held in memory, and two documents can be compared by line.
class json_document {
  public:
    explicit json_document(std::string& into) : into_(into) { into_ += '{'; }

    void member(const char* name, const ordered_json& value) {
        begin(name);
        add(value);
    }
    // `to_row` makes a value of each of `rows`.
    template <class Rows, class ToRow>
    void table(const char* name, const Rows& rows, ToRow to_row) {
        this->rows(name, [&](auto row) {
            for (const auto& each : rows)
                row(to_row(each));
        });
    }
    // `make(row)` calls row(value) for each.
    template <class Make>
    void rows(const char* name, Make make) {
        begin(name);
        into_ += '[';
        bool empty = true;
        make([&](const ordered_json& value) {
            into_ += std::exchange(empty, false) ? "\n" : ",\n";
            add(value);
        });
        into_ += empty ? "]" : "\n]";
    }
    void end() { into_ += "\n}\n"; }

  private:
    void begin(const char* name) {
        into_ += std::exchange(first_, false) ? "\n  \"" : ",\n  \"";
        into_ += name;
        into_ += "\": ";
    }
    void add(const ordered_json& value) { into_ += value.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

    std::string& into_;
    bool first_ = true;
};

} // namespace peakscope::report::detail
