// SPDX-License-Identifier: MIT
#include "made_up.hpp"

#include <peakscope/core/concepts.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/text_table.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace console_tests {

using namespace peakscope;
using namespace peakscope::literals;

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
  RSS    Δ ~+156 MiB   peak ~+171 MiB   (procfs, within 768 KiB)
  Per page  Δ +492 KiB heap, ~+1.56 MiB RSS   peak +942 KiB heap, ~+1.71 MiB RSS   (100)
  Time  1.25 s   Baseline  heap 1.00 MiB, RSS ~10.0 MiB, in none of these figures
  Profiler  64.0 KiB of its own, not in the heap; ~48.0 KiB resident with blocks' rests, not in RSS
  Process  largest RSS since it began ~200 MiB, the profiler's own in it

Memory by phase       Δ heap   peak heap        Δ RSS    peak RSS   entered      time
  discovery        +12.0 MiB    13.0 MiB   ~+15.0 MiB   ~20.0 MiB         1   10.0 ms
  rendering        +30.0 MiB    92.0 MiB    ~+130 MiB    ~171 MiB         1    900 ms
    markdown       +10.0 MiB    59.0 MiB   ~+30.0 MiB   ~80.0 MiB       100    500 ms
    template       +20.0 MiB    92.0 MiB    ~+100 MiB    ~171 MiB         1    400 ms
      <- the high-water mark
  outside phases   +6.00 MiB
  never entered: postprocess
  ~ not exact, within 768 KiB or less
)");
}

TEST_CASE("the mark says that a figure is sampled, where there is no bound") {
    memory_report report = tests::made_up_report();
    for (phase_report& each : report.phases)
        each.rss.peak_precision = sampled(std::chrono::microseconds{500});
    CHECK(report::console::text(report).find("\n  ~ not exact, within 768 KiB or less, or sampled\n") !=
          std::string::npos);
    for (phase_report& each : report.phases)
        each.rss.totals_precision = each.rss.peak_precision;
    report.rss.totals_precision = report.rss.peak_precision = sampled(std::chrono::microseconds{500});
    CHECK(report::console::text(report).find("\n  ~ not exact, but sampled\n") != std::string::npos);
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

TEST_CASE("figures per item: n/a of no items, 0 of more than there are bytes") {
    memory_report report = tests::made_up_report();
    report.labels = {{"plugin:gallery", {1'000}, 1, {1'000}, {1'000}, {1'000}}};
    report.items = {"page", 0};
    const std::string none = report::console::text(report);
    CHECK(line_with(none, "Per page") == "  Per page  Δ n/a heap, n/a RSS   peak n/a heap, n/a RSS   (0)");
    CHECK(line_with(none, "  plugin:gallery").ends_with(" n/a"));
    report.items = {"page", UINT64_MAX};
    const std::string many = report::console::text(report);
    CHECK(line_with(many, "Per page") ==
          "  Per page  Δ 0 B heap, ~0 B RSS   peak 0 B heap, ~0 B RSS   (18,446,744,073,709,551,615)");
    CHECK(line_with(many, "  plugin:gallery").ends_with(" 0 B"));
}

TEST_CASE("a phase that was in scope on threads alone is not called never entered, and the time outside has sites") {
    memory_report report = tests::made_up_report();
    report.phases[4].work = work_figures{.entries = 3, .allocated = {1'000}, .allocations = 1};
    report.sites_precision = exact;
    report.sites = {{"f()", "a.cpp", 1, {.delta_bytes = {3'000}}, {}}};
    report.outside_sites = {{0, {.delta_bytes = {20'000'000}, .delta_blocks = 2}}};
    report.phases[4].sites = {{0, {.delta_bytes = {10'000'000}, .delta_blocks = 1}}};
    report.phases[0].sites = {{0, {.delta_bytes = {900'000}, .delta_blocks = 1}}};
    const std::string text = report::console::text(report);
    CHECK(line_with(text, "  postprocess").ends_with("as work"));
    const std::string by_phase = text.substr(text.find("Top allocators by phase"));
    CHECK(by_phase.find("\n  postprocess: a.cpp:1  f ") != std::string::npos);
    CHECK(by_phase.find("\n  outside phases: a.cpp:1  f ") != std::string::npos);
    CHECK(by_phase.find("discovery: ") == std::string::npos); // less than a hundredth of the peak of 92 MiB
    CHECK(line_with(text, "Left out: ").find("1 call site in phases") != std::string::npos);
}

TEST_CASE("figures at the ends of their range keep their sign") {
    memory_report report = tests::made_up_report();
    report.heap.delta = bytes{INT64_MAX};
    for (phase_report& phase : report.phases)
        phase.heap.delta = phase.heap.peak = bytes{INT64_MIN};
    report.duration = std::chrono::nanoseconds::max();
    report.sites_precision = exact;
    report.sites = {{"f", "a.cpp", 1, {.delta_bytes = {INT64_MIN}, .delta_blocks = INT64_MIN}, {}},
                    {"f", "a.cpp", 1, {.delta_bytes = {INT64_MIN}, .delta_blocks = INT64_MIN}, {}}};
    const std::string text = report::console::text(report);
    CHECK(line_with(text, "Heap ").find("Δ +8.00 EiB") != std::string::npos);
    CHECK(line_with(text, "outside phases").find("+8.00 EiB") != std::string::npos); // and not all of them around
    CHECK(line_with(text, "a.cpp:1").find("-8.00 EiB") != std::string::npos);
    CHECK(line_with(text, "a.cpp:1").find("-9,223,372,036,854,775,808") != std::string::npos);
}

TEST_CASE("of parts none of which is known there is no line") {
    memory_report report = tests::made_up_report();
    const std::string without = report::console::text(report);
    report.rss.at_end.emplace();
    CHECK(report::console::text(report) == without);
    report.rss.at_end->limit = bytes{1 << 20};
    CHECK(line_with(report::console::text(report), "Resident") == "  Resident  at the end: limit 1.00 MiB");
}

TEST_CASE("what phases touched is told where it is known, and bounds are no figure") {
    memory_report report = tests::made_up_report();
    CHECK(report::console::text(report).find("ouched") == std::string::npos);
    report.rss.touched = touched_memory{40_MiB, 52_MiB, 355_MiB};
    report.phases[0].rss.touched = touched_memory{40_MiB, 40_MiB, 300_MiB};
    report.phases[1].rss.touched = touched_memory{12_MiB, 12_MiB + 1_B, 355_MiB};
    report.phases[3].rss.touched = touched_memory{1_MiB, 3_MiB, 355_MiB};
    const std::string text = report::console::text(report);
    CHECK(line_with(text, "  Touched") == "  Touched  40.0 MiB to 52.0 MiB; 355 MiB resident at the end");
    const std::string table = text.substr(text.find("\nTouched by phase") + 1);
    CHECK(table.starts_with(R"(Touched by phase (largest entry)                touched   resident at the end
  discovery                                    40.0 MiB               300 MiB
  rendering                                   ~12.0 MiB               355 MiB
    template                       1.00 MiB to 3.00 MiB               355 MiB
)"));
}

TEST_CASE("a window of no length, and a measurement of nothing, are shown as what they are") {
    memory_report report;
    report.phases.resize(2);
    report.phases[0].path = "never";
    report.phases[1].path = "empty";
    report.phases[1].entries = 1;
    report.items = {"page", 0};
    report.heap_source = "counting";
    report.rss_source = "procfs";
    report.sites_precision = exact;
    report.measurement_births = birth_report{};
    const std::string text = report::console::text(report);
    CHECK(line_with(text, "Time") == "  Time  0 ns");
    CHECK(line_with(text, "Heap").find("Δ n/a   peak n/a") != std::string::npos);
    CHECK(line_with(text, "  empty").find("n/a") != std::string::npos);
    CHECK(line_with(text, "  never").ends_with("never"));
}

TEST_CASE("a peak outside of all phases is shown there") {
    memory_report report = tests::made_up_report();
    report.heap.peak = *report.heap.peak + bytes{1};
    report.heap.peak_delta = *report.heap.peak_delta + bytes{1};
    report::console_limits wide;
    wide.width = 110;
    CHECK(line_with(report::console::text(report, false, wide), "high-water").starts_with("  outside phases"));
    const std::string narrow = report::console::text(report); // there is no room beside the row
    CHECK(narrow.find("\n  outside phases   +6.00 MiB    92.0 MiB\n      <- the high-water mark\n") !=
          std::string::npos);
}

TEST_CASE("what a report says of births is shown, also where it has fewer numbers than births") {
    memory_report report = tests::made_up_report();
    report.births = {"before the measurement", "outside phases", "discovery"};
    report.measurement_births = birth_report{{{1}, {2}}, {}, {7}, {}};
    report.phases[0].births = birth_report{{{1}, {0}, {3}}, {}, {7}, {{4}}};
    CHECK(report::console::text(report).find("births by phase") != std::string::npos);
    const std::string text = report::console::text(report, false, report::console_limits::all());
    CHECK(text.find("\nAlive at the peak of, born in   (before)   (outside)   discovery\n"
                    "  the whole                          1 B         2 B\n"
                    "  discovery                          1 B                     3 B\n") != std::string::npos);
    CHECK(text.find("\nAllocated in, freed in   allocated   alive at the end   (before)\n"
                    "  (outside)                    7 B                7 B\n"
                    "  discovery                    7 B                3 B        4 B\n") != std::string::npos);
}

TEST_CASE("windows with the same peak share a row, and births that are not there have no column") {
    memory_report report = tests::made_up_report();
    report.births = {"before the measurement", "outside phases", "discovery", "rendering"};
    report.measurement_births = birth_report{{{8}, {0}, {4}, {2}}, {}, {0}, {}};
    report.phases[0].births = birth_report{{{8}, {0}, {1}, {0}}, {}, {5}, {{0}, {0}, {5}}};
    report.phases[1].births = birth_report{{{8}, {0}, {4}, {2}}, {}, {2}, {}};
    const std::string text = report::console::text(report, false, report::console_limits::all());
    CHECK(text.find("\nAlive at the peak of, born in   (before)   discovery   rendering\n"
                    "  the whole = rendering              8 B         4 B         2 B\n"
                    "  discovery                          8 B         1 B\n") != std::string::npos);
    CHECK(text.find("\nAllocated in, freed in   allocated   alive at the end   discovery\n"
                    "  discovery                    5 B                            5 B\n"
                    "  rendering                    2 B                2 B\n") != std::string::npos);
    CHECK(line_with(report::console::text(report), "Born in") ==
          "  Born in  at the peak: (before) 8 B, discovery 4 B, rendering 2 B");
}

TEST_CASE("limits are part of a policy, also where it has a destination") {
    using wide = report::console_with<report::console_limits{.sites = 20, .width = 140}>;
    const memory_report report = tests::made_up_report();
    report::console_limits limits;
    limits.sites = 20;
    limits.width = 140;
    std::ostringstream stream;
    wide{stream}(report);
    CHECK(stream.str() == report::console::text(report, false, limits));
    CHECK(stream.str() != report::console::text(report));
    static_assert(report_backend<wide>);
    static_assert(report_backend<report::to_file<wide, "report.txt">>);
}

TEST_CASE("no line is wider than asked for, and what went for it is named") {
    memory_report report = tests::made_up_report();
    report.notes = {"a note that is much longer than any terminal of eighty columns is wide, as some of them are"};
    report.sites_precision = exact;
    report.sites = {{"a_function_with_quite_a_long_name_of_fifty_columns(int)",
                     "a/folder/in/a/folder/in/a/folder/and/a_file.cpp",
                     1'234,
                     {.delta_bytes = {3'000}},
                     {}}};
    for (const std::size_t width : {60U, 80U, 100U}) {
        report::console_limits limits;
        limits.width = width;
        std::istringstream lines{report::console::text(report, false, limits)};
        for (std::string line; std::getline(lines, line);)
            CHECK_MESSAGE(report::display_width(line) <= width, line);
    }
    report::console_limits limits;
    limits.width = 80;
    const std::string text = report::console::text(report, false, limits);
    // Its line and both ends of its name stay.
    CHECK(line_with(text, ".cpp:1234").find("  a/") == 0);
    CHECK(line_with(text, ".cpp:1234").find("a_func") != std::string::npos);
    CHECK(line_with(text, ".cpp:1234").find("columns") != std::string::npos);
    CHECK(line_with(text, "Left out: ").find("1 name's middle;") != std::string::npos);
    CHECK(text.find("~+15.0 MiB") != std::string::npos); // figures stay whole
    limits.width = 60;
    std::string narrow = report::console::text(report, false, limits);
    for (std::size_t at = 0; (at = narrow.find("\n      ", at)) != std::string::npos;) // where a line goes on
        narrow.replace(at, 7, " ");
    CHECK(line_with(narrow, "Left out: ").find("'Δ RSS'") != std::string::npos);
}

TEST_CASE("labels keep their names where there is little room, or the items' name is long") {
    memory_report report = tests::made_up_report();
    report.labels = {{"plugin:gallery", {5'000}, 1, {1'000}, {3'000}, {2'000}},
                     {"plugin:feed", {5'000}, 1, {1}, {300}, {200}}};
    report.items = item_count{"page", 3};
    std::string text = report::console::text(report, false, {.width = 60});
    CHECK(text.find("\n  plugin:gallery ") != std::string::npos);
    text = report::console::text(report, false, {.width = 40});
    CHECK(text.find("\n  plugin:gallery ") != std::string::npos);
    CHECK(report::display_width(line_with(text, "  plugin:gallery")) <= 40);
    report.items->name = "customer order of the second half of the year, with all of its positions and returns";
    text = report::console::text(report);
    CHECK(text.find("\n  plugin:gallery ") != std::string::npos);
    CHECK(report::display_width(line_with(text, "  plugin:gallery")) <= 100);
}

TEST_CASE("a terminal obeys nothing that a report says") {
    CHECK(report::printable("page \u00e9 \u20ac \ufffd") == "page \u00e9 \u20ac \ufffd");
    CHECK(report::printable("\x1b[2J\r\n\x7f") == "\\x1b[2J\\x0d\\x0a\\x7f");
    CHECK(report::printable("\xc2\x9b") == "\\xc2\\x9b");                   // a control character of two bytes
    CHECK(report::printable("a\xffz\xe2\x82") == "a\\xffz\\xe2\\x82");      // no UTF-8
    CHECK(report::printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");          // a surrogate
    CHECK(report::printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80"); // beyond Unicode
    CHECK(report::printable("\xc0\xaf") == "\\xc0\\xaf");                   // longer than need be
    memory_report report = tests::made_up_report();
    report.title = "\x1b]0;title\a";
    report.phases[0].path = "\x1b[2J";
    report.notes = {"\x1b[31mred"};
    for (const bool colour : {false, true}) {
        const std::string text = report::console::text(report, colour);
        CHECK(text.find("\\x1b]0;title\\x07") != std::string::npos);
        CHECK(text.find("\x1b[2J") == std::string::npos);
        CHECK(text.find("\x1b[31m") == std::string::npos);
        CHECK(text.find('\a') == std::string::npos);
    }
}

TEST_CASE("a text is cut in the middle by what a terminal shows") {
    CHECK(report::cut_in_the_middle("abcdefgh", 8) == "abcdefgh");
    CHECK(report::cut_in_the_middle("abcdefgh", 7) == "abc…fgh");
    CHECK(report::cut_in_the_middle("abcdefgh", 2) == "…h");
    CHECK(report::cut_in_the_middle("abcdefgh", 0).empty());
    CHECK(report::cut_in_the_middle("構築構築構築", 7) == "構…築"); // two columns each: 5, as half of one is none
}

TEST_CASE("what allocated most is shown beside what was held, and no more than the limits say") {
    memory_report report = tests::made_up_report();
    report.sites_precision = exact;
    report.sites = {{"hold()", "a.cpp", 1, {.delta_bytes = {9'000}, .allocated_bytes = {9'000}}, {}},
                    {"hold_too()", "a.cpp", 2, {.delta_bytes = {8'000}, .allocated_bytes = {8'000}}, {}},
                    {"read_files()", "b.cpp", 3, {.delta_bytes = {1}, .allocated_bytes = {26'000'000}}, {}}};
    report::console_limits limits;
    limits.sites = 2;
    const std::string text = report::console::text(report, false, limits);
    const std::string most = text.substr(text.find("\nTop by bytes allocated"));
    CHECK(line_with(most, "b.cpp:3  read_files").ends_with("24.8 MiB"));
    CHECK(most.find("a.cpp:1") == std::string::npos); // shown above
    CHECK(line_with(text, "Left out: ").find("1 call site;") != std::string::npos);
    // All of them are shown above: there is no second table.
    CHECK(report::console::text(report).find("Top by bytes") == std::string::npos);
}

TEST_CASE("short-lived blocks are shown where they were watched, and those of a line together") {
    memory_report report = tests::made_up_report();
    report.sites_precision = exact;
    const auto site = [](const char* function, std::uint64_t allocations, std::uint64_t temporary,
                         std::uint64_t short_lived) {
        return site_report{
            function, "a.cpp", 1, {.allocations = allocations}, {}, lifetime_figures{{}, temporary, short_lived}};
    };
    report.sites = {site("few()", 9, 1, 2), site("many()", 2'000, 1'500, 10), site("many()", 1'000, 500, 5),
                    site("none()", 7, 0, 0)};
    report::console_limits limits;
    limits.sites = 1;
    const std::string text = report::console::text(report, false, limits);
    const std::string table = text.substr(text.find("\nShort-lived blocks"));
    const auto cells = [&](const std::string& name) {
        std::istringstream words{line_with(table, "  " + name + "  ").substr(name.size() + 2)};
        std::vector<std::string> all;
        for (std::string word; words >> word;)
            all.push_back(word);
        return all;
    };
    CHECK(cells("all") == std::vector<std::string>{"3,016", "17", "2,001"});
    CHECK(cells("a.cpp:1  many") == std::vector<std::string>{"3,000", "15", "2,000"});
    CHECK(table.find("a.cpp:1  few") == std::string::npos);
    CHECK(table.find("1 line with short-lived blocks") != std::string::npos);
    CHECK(table.find("a.cpp:1  none") == std::string::npos);
    CHECK(report::console::text(tests::made_up_report()).find("Short-lived") == std::string::npos);
}

TEST_CASE("under a line that several functions called stand its callers, the largest first") {
    const auto frame = [](const char* function, const char* file, std::uint32_t line) {
        return stack_frame{function, std::string{"/home/me/tree/"} + file, line};
    };
    const stack_frame wrapper = frame("xmalloc(unsigned long)", "x.cpp", 5);
    const stack_frame library{"std::sort()", "/usr/include/c++/12/algorithm", 7};
    memory_report report = tests::made_up_report();
    report.sites_precision = exact;
    report.sites = {
        {"xmalloc(unsigned long)", "x.cpp", 5, {.delta_bytes = {100}}, {wrapper, frame("small()", "s.cpp", 1)}},
        {"xmalloc(unsigned long)", "x.cpp", 5, {.delta_bytes = {500}}, {wrapper, library, frame("big()", "b.cpp", 2)}},
        {"xmalloc(unsigned long)", "x.cpp", 5, {.delta_bytes = {1}}, {wrapper, frame("least()", "l.cpp", 3)}},
        {"once()", "o.cpp", 9, {.delta_bytes = {300}}, {frame("once()", "o.cpp", 9), frame("main", "m.cpp", 4)}}};
    const std::string text = report::console::text(report);
    CHECK(text.find("x.cpp:5  xmalloc   +601 B") != std::string::npos);
    CHECK(text.find("\n      called by b.cpp:2  big, s.cpp:1  small and 1 more\n") != std::string::npos);
    CHECK(text.find("m.cpp:4") == std::string::npos); // one caller: the line says enough
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
        if (at == std::string::npos ||
            (!line.starts_with("    ") && !line.starts_with("  d") && !line.starts_with("  構")))
            continue;
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
    const report::destination standard_output = report::destination::standard_output();
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

} // namespace console_tests
