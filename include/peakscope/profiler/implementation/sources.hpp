// SPDX-License-Identifier: MIT
// The bodies of profiler/sources.hpp.
#pragma once

#include <peakscope/profiler/sources.hpp>

#include <string>
#include <string_view>

namespace peakscope::profiler_detail {

void write_names(memory_report& report, const source_names& names) {
    report.heap_source = names.heap;
    report.heap_unit = names.heap_unit;
    report.allocator = names.allocator;
    report.rss_source = names.rss;
}

void add_note(memory_report& report, const std::string& text) {
    if (!text.empty()) report.notes.push_back(text);
}

void note_unknown_backend(memory_report& report, std::string_view asked, const std::string& there_are) {
    report.notes.push_back("PEAKSCOPE asks for '" + std::string{asked} +
                           "', which is no report backend of this program; it has " + there_are);
}

} // namespace peakscope::profiler_detail
