// SPDX-License-Identifier: MIT
// The console report's two tables of phases against phases: born in and alive in, allocated in and freed in.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/console_page.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

// For a report that has births, and phases.
class birth_tables {
  public:
    birth_tables(const memory_report& report, console_page& page) : report_(report), page_(page) {}

    // A row for each window, a column for each phase of birth; columns in which nothing stands are left out.
    void births() {
        std::vector<bool> used(report_.births.size());
        const auto look = [&](const std::optional<birth_report>& of) {
            if (!of) return;
            for (std::size_t i = 0; i < used.size() && i < of->at_peak.size(); ++i)
                if (of->at_peak[i] != bytes{}) used[i] = true;
        };
        look(report_.measurement_births);
        for (const phase_report& phase : report_.phases)
            look(phase.births);
        if (std::ranges::count(used, true) < 2) return; // all of it was born in one place
        text_table table;
        text_table::row head{{"Alive at the peak of, born in"}};
        for (std::size_t i = 0; i < used.size(); ++i)
            if (used[i])
                head.cells.emplace_back(i == 0 ? "(before)" : i == 1 ? "(outside)" : last_name(report_.births[i]));
        table.add(std::move(head));
        const auto add_row = [&](const std::string& name, const birth_report& of, const precision& of_peak) {
            text_table::row row{{"  " + name}};
            for (std::size_t i = 0; i < used.size(); ++i)
                if (used[i])
                    row.cells.push_back(of.at_peak[i] == bytes{} ? ""
                                                                 : page_.marked(format_bytes(of.at_peak[i]), of_peak));
            table.add(std::move(row));
        };
        add_row("the whole", *report_.measurement_births, report_.heap.peak_precision);
        for (const phase_report& phase : report_.phases)
            if (phase.births) add_row(phase.path, *phase.births, phase.heap.peak_precision);
        page_.table_with_head(table);
    }

    // Where what a phase allocated was freed.
    void fates() {
        text_table fate;
        text_table::row fate_head{{"Allocated in, freed in", "allocated", "alive at the end"}};
        std::vector<bool> frees(report_.births.size());
        const auto for_each_phase = [&](auto use) {
            use(std::string{"(outside)"}, *report_.measurement_births);
            for (const phase_report& phase : report_.phases)
                if (phase.births) use(phase.path, *phase.births);
        };
        for_each_phase([&](const std::string&, const birth_report& of) {
            for (std::size_t i = 0; i < frees.size(); ++i)
                if (of.freed_in[i] != bytes{}) frees[i] = true;
        });
        for (std::size_t i = 0; i < frees.size(); ++i)
            if (frees[i]) fate_head.cells.emplace_back(i == 1 ? "(outside)" : last_name(report_.births[i]));
        fate.add(std::move(fate_head));
        for_each_phase([&](const std::string& name, const birth_report& of) {
            if (of.allocated == bytes{}) return;
            bytes rest = of.allocated;
            for (const bytes each : of.freed_in)
                rest = rest - each;
            text_table::row row{{"  " + name, format_bytes(of.allocated), rest == bytes{} ? "" : format_bytes(rest)}};
            for (std::size_t i = 0; i < frees.size(); ++i)
                if (frees[i]) row.cells.push_back(of.freed_in[i] == bytes{} ? "" : format_bytes(of.freed_in[i]));
            fate.add(std::move(row));
        });
        page_.table_with_head(fate);
    }

  private:
    const memory_report& report_;
    console_page& page_;
};

} // namespace peakscope::report::detail
