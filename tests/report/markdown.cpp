// SPDX-License-Identifier: MIT
#include "made_up.hpp"
#include "made_up_sites.hpp"

#include <peakscope/report/markdown.hpp>

#include <doctest/doctest.h>

#include <string>

namespace markdown_tests {

using namespace peakscope;
using report::markdown;

TEST_CASE("the whole page of a small report") {
    CHECK(markdown::text(tests::report_with_call_stacks()) ==
          R"(### a build

**Heap** peak **+990 B**, +40 B at the end · 4.00 ms

| phase | Δ heap | peak heap | Δ RSS | peak RSS | entered | time |
| :-- | --: | --: | --: | --: | --: | --: |
| `build` | +40 B | +866 B | n/a | n/a | 1 | 3.00 ms |
| `build/render` | +40 B | +516 B | n/a | n/a | 2 | 1.00 ms |
| `idle` |  |  |  |  | never |  |

<details><summary>Top 3 allocators</summary>

| site | at peak | Δ | allocated |
| :-- | --: | --: | --: |
| page.cpp:12  render | +600 B | +100 B | +1,000 B |
| parse.cpp:7  parse | +400 B | -50 B | +300 B |
| (allocated before the measurement) | +24 B | -10 B | 0 B |

</details>

> a note
)");
}

TEST_CASE("the phase of the high-water mark is in the first sentence, and what is not exact has its mark") {
    const std::string page = markdown::text(tests::made_up_report());
    CHECK(page.find("**Heap** peak **+92.0 MiB** in `rendering/template`, +48.0 MiB at the end · **RSS** peak "
                    "**\\~+171 MiB**, \\~+156 MiB at the end · 1.25 s · 100 × page\n") != std::string::npos);
    CHECK(page.find("| `rendering/template` | +20.0 MiB | **+92.0 MiB** | \\~+100 MiB | \\~+171 MiB | 1 | 400 ms |") !=
          std::string::npos);
    CHECK(page.ends_with("\n\\~ not exact: RSS within 768 KiB\n"));
    CHECK(page.find("<details>") == std::string::npos);
}

TEST_CASE("text that Markdown or HTML would read is escaped, and cannot end a row") {
    memory_report report = tests::report_with_call_stacks();
    report.title = "<b>a|b\nc*";
    report.sites[0].function = "operator<<";
    const std::string page = markdown::text(report, 1);
    CHECK(page.starts_with("### \\<b\\>a\\|b c\\*\n"));
    CHECK(page.find("| page.cpp:12  operator\\<\\< |") != std::string::npos);
    CHECK(page.find("parse.cpp") == std::string::npos); // one site is shown
}

TEST_CASE("the figure at the lower end of its range is the largest change") {
    memory_report report = tests::report_with_call_stacks();
    report.sites[1].amounts.delta_bytes = bytes{INT64_MIN};
    const std::string page = markdown::text(report, 1);
    CHECK(page.find("-8.00 EiB") != std::string::npos);
}

TEST_CASE("a phase's name is code, whatever is in it") {
    memory_report report = tests::report_with_call_stacks();
    report.phases[0].path = "a|b";
    report.phases[1].path = "`c``d";
    report.notes = {"bell \a"};
    const std::string page = markdown::text(report);
    CHECK(page.find("| `a\\|b` |") != std::string::npos);
    CHECK(page.find("| ``` `c``d ``` |") != std::string::npos);
    CHECK(page.find("> bell \\\\x07\n") != std::string::npos);
}

} // namespace markdown_tests
