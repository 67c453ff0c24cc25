// SPDX-License-Identifier: MIT
// The console report's two tables of phases against phases: born in and alive in, allocated in and freed in.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/implementation/console_page.hpp>
#include <peakscope/report/text_table.hpp>

#include <range/v3/algorithm/any_of.hpp>
#include <range/v3/numeric/accumulate.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/indices.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

// For a report that has births, and phases. `whole` is the measurement's.
class birth_tables {
  public:
    birth_tables(const memory_report& report, const birth_report& whole, console_page& page)
        : report_(report), page_(page), windows_{{"", &whole, report.heap.peak_precision}} {
        for (const phase_report& phase : report.phases)
            if (phase.births) windows_.push_back({phase.path, &*phase.births, phase.heap.peak_precision});
    }

    // A row for each window, a column for each phase of birth.
    void births() {
        const std::vector<std::size_t> columns = columns_of(&birth_report::at_peak);
        if (columns.size() < 2) return; // all of it was born in one place
        text_table table;
        table.add(with_names({{"Alive at the peak of, born in"}}, columns));
        windows_.front().name = "the whole";
        for (const window& each : windows_) {
            if (each.births->at_peak.empty()) continue; // worked for, but never entered
            text_table::row row{{"  " + each.name}};
            for (const std::size_t birth : columns)
                row.cells.push_back(page_.marked(or_nothing(each.births->at_peak[birth]), each.of_peak));
            table.add(std::move(row));
        }
        page_.table_with_head(table);
    }

    // Where what a phase allocated was freed.
    void fates() {
        const std::vector<std::size_t> columns = columns_of(&birth_report::freed_in);
        text_table table;
        table.add(with_names({{"Allocated in, freed in", "allocated", "alive at the end"}}, columns));
        windows_.front().name = "(outside)";
        for (const window& each : windows_) {
            const birth_report& of = *each.births;
            if (of.allocated == bytes{}) continue;
            const bytes freed = ranges::accumulate(of.freed_in, bytes{});
            text_table::row row{{"  " + each.name, format_bytes(of.allocated), or_nothing(of.allocated - freed)}};
            for (const std::size_t birth : columns)
                row.cells.push_back(or_nothing(of.freed_in[birth]));
            table.add(std::move(row));
        }
        page_.table_with_head(table);
    }

  private:
    // The measurement, and each phase that was entered.
    struct window {
        std::string name;
        const birth_report* births;
        precision of_peak;
    };

    // The births for which something stands in one window at least: the other columns are left out.
    [[nodiscard]] std::vector<std::size_t> columns_of(std::vector<bytes> birth_report::* amounts) const {
        const auto is_used = [&](std::size_t birth) {
            return ranges::any_of(windows_, [&](const window& each) {
                const std::vector<bytes>& of = each.births->*amounts;
                return birth < of.size() && of[birth] != bytes{};
            });
        };
        return ranges::views::indices(report_.births.size()) | ranges::views::filter(is_used) |
               ranges::to<std::vector>();
    }

    // The first two births are "before the measurement" and "outside all phases".
    [[nodiscard]] text_table::row with_names(text_table::row head, const std::vector<std::size_t>& columns) const {
        for (const std::size_t birth : columns)
            head.cells.push_back(birth == 0   ? "(before)"
                                 : birth == 1 ? "(outside)"
                                              : std::string{last_name(report_.births[birth])});
        return head;
    }

    [[nodiscard]] static std::string or_nothing(bytes amount) { return amount == bytes{} ? "" : format_bytes(amount); }

    const memory_report& report_;
    console_page& page_;
    std::vector<window> windows_;
};

} // namespace peakscope::report::detail
