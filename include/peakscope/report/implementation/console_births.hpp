// SPDX-License-Identifier: MIT
// The console report's two tables of phases against phases: born in and alive in, allocated in and freed in.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/implementation/rank.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/implementation/console_page.hpp>
#include <peakscope/report/text_table.hpp>

#include <range/v3/algorithm/any_of.hpp>
#include <range/v3/algorithm/find_if.hpp>
#include <range/v3/numeric/accumulate.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
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

    // Of the measurement's peak, the largest parts.
    void of_the_peak() {
        constexpr std::size_t most = 3;
        const std::vector<bytes>& at_peak = windows_.front().births->at_peak;
        std::vector<std::size_t> parts = columns_of(&birth_report::at_peak, std::span{windows_}.first(1));
        if (parts.size() < 2) return; // all of it was born in one place
        sort_by_rank(parts, [&](std::size_t birth) { return rank{(-amount(at_peak, birth)).count}; });
        std::string text = "  Born in  at the peak:";
        bytes rest{};
        for (std::size_t i = 0; i < parts.size(); ++i)
            if (i < most)
                text += (i == 0 ? " " : ", ") + name_of(parts[i]) + " " + at_peak_of(windows_.front(), parts[i]);
            else
                rest += amount(at_peak, parts[i]);
        if (parts.size() > most) text += ", others " + page_.marked(format_bytes(rest), windows_.front().of_peak);
        page_.line(text);
    }

    // A row for each window, a column for each phase of birth. Windows with the same peak share a row.
    void births(std::size_t most) {
        const std::vector<std::size_t> columns = columns_of(&birth_report::at_peak, windows_);
        if (columns.size() < 2) return;
        windows_.front().name = "the whole";
        std::vector<std::pair<std::string, const window*>> rows;
        for (const window& each : windows_) {
            if (each.births->at_peak.empty()) continue; // worked for, but never entered
            const auto same = ranges::find_if(
                rows, [&](const auto& row) { return row.second->births->at_peak == each.births->at_peak; });
            if (same == rows.end())
                rows.emplace_back(each.name, &each);
            else
                same->first += " = " + each.name;
        }
        text_table table = headed({{"Alive at the peak of, born in"}}, columns, &birth_report::at_peak);
        const std::size_t count = std::min(rows.size(), most);
        for (const auto& [name, of] : std::span{rows}.first(count)) {
            text_table::row row{{"  " + name}};
            for (const std::size_t birth : columns)
                row.cells.push_back(at_peak_of(*of, birth));
            table.add(std::move(row));
        }
        page_.table_with_head(table);
        page_.left_out(rows.size() - count, "row of births", "rows of births");
    }

    // Where what a phase allocated was freed.
    void fates(std::size_t most) {
        const std::vector<std::size_t> columns = columns_of(&birth_report::freed_in, windows_);
        text_table table =
            headed({{"Allocated in, freed in", "allocated", "alive at the end"}}, columns, &birth_report::freed_in);
        windows_.front().name = "(outside)";
        std::size_t rows = 0;
        for (const window& each : windows_) {
            const birth_report& of = *each.births;
            if (of.allocated == bytes{} || ++rows > most) continue;
            const bytes freed = ranges::accumulate(of.freed_in, bytes{});
            text_table::row row{{"  " + each.name, format_bytes(of.allocated), or_nothing(of.allocated - freed)}};
            for (const std::size_t birth : columns)
                row.cells.push_back(or_nothing(amount(of.freed_in, birth)));
            table.add(std::move(row));
        }
        page_.table_with_head(table);
        page_.left_out(rows - std::min(rows, most), "row of where blocks were freed",
                       "rows of where blocks were freed");
    }

  private:
    // The measurement, and each phase that was entered.
    struct window {
        std::string name;
        const birth_report* births;
        precision of_peak;
    };

    // A report that was not made by a measurement may have fewer numbers than births.
    [[nodiscard]] static bytes amount(const std::vector<bytes>& of, std::size_t birth) {
        return birth < of.size() ? of[birth] : bytes{};
    }

    // The births for which something stands in one of the windows at least: the other columns are left out.
    [[nodiscard]] std::vector<std::size_t> columns_of(std::vector<bytes> birth_report::* amounts,
                                                      std::span<const window> windows) const {
        std::vector<std::size_t> columns;
        for (std::size_t birth = 0; birth < report_.births.size(); ++birth)
            if (ranges::any_of(windows,
                               [&](const window& each) { return amount(each.births->*amounts, birth) != bytes{}; }))
                columns.push_back(birth);
        return columns;
    }

    // A table with its head, in which the births with the least in all windows go first where it is too wide.
    [[nodiscard]] text_table headed(text_table::row head, std::vector<std::size_t> columns,
                                    std::vector<bytes> birth_report::* amounts) const {
        const std::size_t before = head.cells.size();
        text_table table;
        for (const std::size_t birth : columns)
            head.cells.push_back(name_of(birth));
        table.add(std::move(head));
        const auto by_sum = [&](std::size_t birth) {
            return rank{ranges::accumulate(windows_, bytes{}, [&](bytes all, const window& each) {
                            return all + amount(each.births->*amounts, birth);
                        }).count};
        };
        for (const std::size_t column : sort_by_rank(columns, by_sum))
            table.may_go(before + column);
        return table;
    }

    // The first two births are "before the measurement" and "outside all phases".
    [[nodiscard]] std::string name_of(std::size_t birth) const {
        return birth == 0 ? "(before)" : birth == 1 ? "(outside)" : std::string{last_name(report_.births[birth])};
    }
    [[nodiscard]] std::string at_peak_of(const window& of, std::size_t birth) {
        return page_.marked(or_nothing(amount(of.births->at_peak, birth)), of.of_peak);
    }

    [[nodiscard]] static std::string or_nothing(bytes amount) { return amount == bytes{} ? "" : format_bytes(amount); }

    const memory_report& report_;
    console_page& page_;
    std::vector<window> windows_;
};

} // namespace peakscope::report::detail
