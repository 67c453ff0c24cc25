// SPDX-License-Identifier: MIT
// From an attribution made by hand to the parts of a report: two phases, three origins, one label.
#include <peakscope/profiler/running.hpp>

#include <doctest/doctest.h>

using namespace peakscope;

namespace {

// parsing, and rendering after it; 300 bytes of parsing's live on into rendering, which frees 100 of them.
attribution by_hand() {
    attribution made;
    made.of_sites = exact;
    made.stacks = {{0x10}, {0x20}};
    made.origins = {
        {.stack = 0, .born = 2, .allocated_in = 2, .label = 0}, // parsing
        {.stack = 1, .born = 3, .allocated_in = 3, .label = 1}, // rendering, under a label
        {.stack = 0, .born = 3, .allocated_in = 3, .label = 0}, // rendering, from parsing's line
    };
    made.labels = {{"", {}}, {"plugin", {50}}};
    made.work.resize(2);
    made.windows.resize(3);
    for (auto& window : made.windows)
        window.live_at_end.resize(4);
    made.windows[0].amounts = {{.origin = 0, .at_peak_bytes = 300, .at_peak_blocks = 3},
                               {.origin = 1, .at_peak_bytes = 50, .at_peak_blocks = 1}};
    made.windows[1].amounts = {
        {.origin = 0, .allocated_bytes = 300, .allocations = 3, .at_peak_bytes = 300, .at_peak_blocks = 3}};
    made.windows[2].amounts = {
        {.origin = 0, .freed_bytes = 100, .deallocations = 1, .at_peak_bytes = 300, .at_peak_blocks = 3},
        {.origin = 1,
         .allocated_bytes = 50,
         .freed_bytes = 50,
         .allocations = 1,
         .deallocations = 1,
         .at_peak_bytes = 50,
         .at_peak_blocks = 1},
        {.origin = 2, .allocated_bytes = 7, .allocations = 1}};
    return made;
}

memory_report made_report() {
    memory_report made;
    made.phases.resize(2);
    made.phases[0].path = "parsing";
    made.phases[1].path = "rendering";
    made.phases[0].entries = made.phases[1].entries = 1;
    named_stacks named;
    named.stacks = {{{{.function = "parse", .file = "/src/parse.cpp", .line = 1}}, 0},
                    {{{.function = "render", .file = "/src/render.cpp", .line = 2}}, 0}};
    named.root = "/src/";
    const phase_info phases[] = {{"parsing", phase_info::root, 0}, {"rendering", phase_info::root, 0}};
    profiler_detail::write_attribution(made, by_hand(), named, phases, 2);
    return made;
}

} // namespace

TEST_CASE("sites: one for each stack, the largest delta first, files without the common folder") {
    const memory_report made = made_report();
    REQUIRE(made.sites.size() == 2);
    CHECK(made.sites[0].file == "parse.cpp");
    CHECK(made.sites[0].amounts.delta_bytes.count == 300 - 100 + 7);
    CHECK(made.sites[0].amounts.allocated_bytes.count == 307);
    CHECK(made.sites[0].amounts.allocations == 4);
    CHECK(made.sites[0].amounts.at_peak_bytes.count == 300);
    CHECK(made.sites[1].function == "render");
    CHECK(made.sites[1].amounts.delta_bytes.count == 0);
    CHECK(made.sites[1].amounts.at_peak_bytes.count == 50);
}

TEST_CASE("a phase has the sites of its own flows, and what of its peak was born inside it") {
    const memory_report made = made_report();
    const phase_report& rendering = made.phases[1];
    REQUIRE(rendering.sites.size() == 2);
    CHECK(rendering.sites[0].site == 1);
    CHECK(rendering.sites[0].amounts.at_peak_born_inside.count == 50);
    CHECK(rendering.sites[1].site == 0);
    CHECK(rendering.sites[1].amounts.delta_bytes.count == 7 - 100);
    CHECK(rendering.sites[1].amounts.at_peak_bytes.count == 300);
    CHECK(rendering.sites[1].amounts.at_peak_born_inside.count == 0);
}

TEST_CASE("labels and births") {
    const memory_report made = made_report();
    REQUIRE(made.labels.size() == 1);
    CHECK(made.labels[0].name == "plugin");
    CHECK(made.labels[0].peak_bytes.count == 50);
    CHECK(made.labels[0].allocated_bytes.count == 50);
    CHECK(made.labels[0].delta_bytes.count == 0);
    REQUIRE(made.births.size() == 4); // before, outside, and the two phases
    const birth_report& parsing = *made.phases[0].births;
    CHECK(parsing.allocated.count == 300);
    CHECK(parsing.freed_in[3].count == 100);
    const birth_report& rendering = *made.phases[1].births;
    CHECK(rendering.at_peak[2].count == 300);
    CHECK(rendering.at_peak[3].count == 50);
    CHECK(rendering.allocated.count == 57);
    CHECK(rendering.freed_in[3].count == 50);
}
