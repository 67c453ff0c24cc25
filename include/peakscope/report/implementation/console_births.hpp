// SPDX-License-Identifier: MIT
// The console report's two tables of phases against phases: born in and alive in, allocated in and freed in.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/implementation/console_page.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

// For a report that has births, and phases. `whole` is the measurement's.
class birth_tables {
  public:
    birth_tables(const memory_report& report, const birth_report& whole, console_page& page)
        : report_(report), whole_(whole), page_(page) {}

    // A row for each window, a column for each phase of birth; columns in which nothing stands are left out.
    void births() {
        std::vector<bool> used(report_.births.size());
        for_each_window("",
                        [&](const std::string&, const birth_report& of, const precision&) { mark(used, of.at_peak); });
        if (std::ranges::count(used, true) < 2) return; // all of it was born in one place
        text_table table;
        text_table::row head{{"Alive at the peak of, born in"}};
        for (std::size_t i = 0; i < used.size(); ++i)
            if (used[i]) head.cells.push_back(name(i));
        table.add(std::move(head));
        for_each_window("the whole", [&](const std::string& window, const birth_report& of, const precision& of_peak) {
            if (of.at_peak.empty()) return; // worked for, but never entered
            text_table::row row{{"  " + window}};
            for (std::size_t i = 0; i < used.size(); ++i)
                if (used[i])
                    row.cells.push_back(of.at_peak[i] == bytes{} ? ""
                                                                 : page_.marked(format_bytes(of.at_peak[i]), of_peak));
            table.add(std::move(row));
        });
        page_.table_with_head(table);
    }

    // Where what a phase allocated was freed.
    void fates() {
        std::vector<bool> frees(report_.births.size());
        for_each_window("(outside)", [&](const std::string&, const birth_report& of, const precision&) {
            mark(frees, of.freed_in);
        });
        text_table table;
        text_table::row head{{"Allocated in, freed in", "allocated", "alive at the end"}};
        for (std::size_t i = 0; i < frees.size(); ++i)
            if (frees[i]) head.cells.push_back(name(i));
        table.add(std::move(head));
        for_each_window("(outside)", [&](const std::string& window, const birth_report& of, const precision&) {
            if (of.allocated == bytes{}) return;
            bytes rest = of.allocated;
            for (const bytes each : of.freed_in)
                rest = rest - each;
            text_table::row row{{"  " + window, format_bytes(of.allocated), rest == bytes{} ? "" : format_bytes(rest)}};
            for (std::size_t i = 0; i < frees.size(); ++i)
                if (frees[i]) row.cells.push_back(of.freed_in[i] == bytes{} ? "" : format_bytes(of.freed_in[i]));
            table.add(std::move(row));
        });
        page_.table_with_head(table);
    }

  private:
    const memory_report& report_;
    const birth_report& whole_;
    console_page& page_;
    // Calls use(name, births, precision of the peak) for the measurement, named `whole`, and each phase that was
    // entered.
    void for_each_window(const std::string& whole, auto use) const {
        use(whole, whole_, report_.heap.peak_precision);
        for (const phase_report& phase : report_.phases)
            if (phase.births) use(phase.path, *phase.births, phase.heap.peak_precision);
    }

    // The column's head; the first two births are "before the measurement" and "outside all phases".
    std::string name(std::size_t birth) const {
        return birth == 0 ? "(before)" : birth == 1 ? "(outside)" : std::string{last_name(report_.births[birth])};
    }

    static void mark(std::vector<bool>& used, const std::vector<bytes>& amounts) {
        for (std::size_t i = 0; i < used.size() && i < amounts.size(); ++i)
            if (amounts[i] != bytes{}) used[i] = true;
    }
};

} // namespace peakscope::report::detail
