// SPDX-License-Identifier: MIT
#include "made_up.hpp"

#include <peakscope/report/console.hpp>
#include <peakscope/report/text_table.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>
#include <string>

using namespace peakscope;

namespace {

std::string line_with(const std::string& text, const std::string& wanted) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
        if (line.find(wanted) != std::string::npos) return line;
    return "no line with " + wanted;
}

} // namespace

TEST_CASE("the whole report, as it is printed") {
    CHECK(report::console::text(tests::made_up_report()) ==
          R"(100-page build
  Heap   Δ +48.0 MiB   peak +92.0 MiB   (counting, requested bytes, exact)
  RSS     Δ +156 MiB    peak +171 MiB   (procfs, within 768 KiB)
  Per page  Δ +492 KiB heap, ~+1.56 MiB RSS   peak +942 KiB heap, ~+1.71 MiB RSS   (100)
  Baseline  heap 1.00 MiB, RSS ~10.0 MiB; in none of these figures
  Time  1.25 s
  Profiler  64.0 KiB of its own, not in the heap

Memory by phase       Δ heap   peak heap        Δ RSS    peak RSS   entered      time
  discovery        +12.0 MiB    13.0 MiB   ~+15.0 MiB   ~20.0 MiB         1   10.0 ms
  rendering        +30.0 MiB    92.0 MiB    ~+130 MiB    ~171 MiB         1    900 ms
    markdown       +10.0 MiB    59.0 MiB   ~+30.0 MiB   ~80.0 MiB       100    500 ms
    template       +20.0 MiB    92.0 MiB    ~+100 MiB    ~171 MiB         1    400 ms   <- the high-water mark
  postprocess                                                         never
  outside phases   +6.00 MiB
  ~ not exact, within 768 KiB or less
)");
}

TEST_CASE("a bounded peak is not shown as exact") {
    memory_report report = tests::made_up_report();
    report.heap.peak_precision = bounded({96 * 1'024});
    report.phases[1].heap.peak_precision = bounded({96 * 1'024});
    const std::string text = report::console::text(report);
    CHECK(line_with(text, "Heap  ").ends_with("(counting, requested bytes, exact, peak within 96.0 KiB)"));
    CHECK(line_with(text, "  rendering").find("~92.0 MiB") != std::string::npos);
    CHECK(line_with(text, "  discovery").find("  13.0 MiB") != std::string::npos);
}

TEST_CASE("what is not known is n/a, never 0") {
    memory_report report = tests::made_up_report();
    report.rss.peak.reset();
    report.rss.peak_delta.reset();
    report.rss.peak_precision = unavailable;
    report.heap = {};
    report.notes = {"RSS peaks are unavailable: /proc/self/clear_refs: Permission denied"};
    for (auto& phase : report.phases)
        phase.heap = {};
    const std::string text = report::console::text(report);
    CHECK(line_with(text, "Heap  ").find("Δ n/a") != std::string::npos);
    CHECK(line_with(text, "Heap  ").ends_with("requested bytes, n/a)"));
    CHECK(line_with(text, "RSS  ").ends_with("peak n/a   (procfs, within 768 KiB, peak n/a)"));
    CHECK(line_with(text, "Per page").find("n/a heap, ~+1.56 MiB RSS   peak n/a heap, n/a RSS") != std::string::npos);
    CHECK(line_with(text, "  discovery").find("n/a         n/a") != std::string::npos);
    CHECK(text.ends_with("\nNote: RSS peaks are unavailable: /proc/self/clear_refs: Permission denied\n"));
    CHECK(text.find("high-water mark") == std::string::npos);
}

TEST_CASE("a peak outside of all phases is shown there") {
    memory_report report = tests::made_up_report();
    report.heap.peak = *report.heap.peak + bytes{1};
    report.heap.peak_delta = *report.heap.peak_delta + bytes{1};
    const std::string text = report::console::text(report);
    CHECK(line_with(text, "high-water").starts_with("  outside phases"));
}

TEST_CASE("columns align by what a terminal shows, not by bytes") {
    memory_report report = tests::made_up_report();
    report.phases[0].path = "découverte"; // 10 columns in 11 bytes
    report.phases[1].path = "構築";       // 4 columns in 6 bytes
    report.phases[2].path = "構築/e\u0301criture";
    report.phases[3].path = "構築/🚀";
    std::istringstream lines{report::console::text(report)};
    std::size_t column = 0;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t at = line.find(" MiB");
        if (!line.starts_with("    ") && !line.starts_with("  d") && !line.starts_with("  構")) continue;
        const std::size_t shown = report::display_width(line.substr(0, at));
        if (column == 0) column = shown;
        CHECK(shown == column);
    }
    CHECK(column > 0);
    CHECK(report::display_width("e\u0301") == 1);
    CHECK(report::display_width("構築") == 4);
    CHECK(report::display_width("\xff\xfe") == 2); // not UTF-8: a character a byte
    CHECK(report::display_width("\xe6\xa7") == 2); // cut off
}

TEST_CASE("colour only where it is asked for") {
    const memory_report report = tests::made_up_report();
    CHECK(report::console::text(report).find('\x1b') == std::string::npos);
    CHECK(report::console::text(report, true).find("\x1b[1m100-page build\x1b[0m") != std::string::npos);
    std::ostringstream stream;
    report::console{stream}(report);
    CHECK(stream.str() == report::console::text(report));
}

TEST_CASE("NO_COLOR and a dumb terminal keep standard output plain") {
    const report::destination standard_output;
    ::setenv("TERM", "xterm", 1);
    ::setenv("NO_COLOR", "1", 1);
    CHECK_FALSE(standard_output.wants_colour());
    ::unsetenv("NO_COLOR");
    ::setenv("TERM", "dumb", 1);
    CHECK_FALSE(standard_output.wants_colour());
    std::ostringstream stream;
    CHECK_FALSE(report::destination{stream}.wants_colour());
}

TEST_CASE("a report of a profiler without sources has a title and a time") {
    memory_report report;
    report.title = "nothing measured";
    report.heap_source = report.rss_source = "none";
    CHECK(report::console::text(report) == "nothing measured\n  Time  0 ns\n");
}
