// SPDX-License-Identifier: MIT
// From an attribution made by hand to the parts of a report: two phases, three origins, one label.
#include <peakscope/profiler/running.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace attribute_tests {

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

memory_report made_report(attribution of = by_hand(), std::uint64_t entries_of_rendering = 1) {
    memory_report made;
    made.phases.resize(2);
    made.phases[0].path = "parsing";
    made.phases[1].path = "rendering";
    made.phases[0].entries = 1;
    made.phases[1].entries = entries_of_rendering;
    named_stacks named;
    named.stacks = {{{{.function = "parse", .file = "/src/parse.cpp", .line = 1}}, 0},
                    {{{.function = "render", .file = "/src/render.cpp", .line = 2}}, 0}};
    named.root = "/src/";
    const phase_info phases[] = {{"parsing", phase_info::root, 0}, {"rendering", phase_info::root, 0}};
    profiler_detail::write_births(made, of, phases, 2);
    profiler_detail::write_sites(made, of, named, phases, 2);
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
    // What nothing was allocated in has births too: the measurement, outside of its phases.
    const birth_report& outside = *made.measurement_births;
    CHECK(outside.allocated.count == 0);
    CHECK(outside.at_peak[2].count == 300);
    CHECK(outside.at_peak[3].count == 50);
    CHECK(outside.freed_in == std::vector<bytes>(4));
}

TEST_CASE("what no phase was open for has sites, and so has a phase that threads worked for alone") {
    attribution of = by_hand();
    // Allocated outside of phases: 4,000 B in parse's line, 1,000 of them freed again; 2,000 B for rendering, by work.
    of.origins.push_back({.stack = 0, .born = 1, .allocated_in = 1});
    of.origins.push_back({.stack = 1, .born = 3, .allocated_in = 1});
    const std::size_t outside = of.origins.size() - 2;
    of.windows[0].amounts.push_back({.origin = outside,
                                     .allocated_bytes = 4'000,
                                     .freed_bytes = 1'000,
                                     .allocations = 4,
                                     .deallocations = 1,
                                     .at_peak_bytes = 3'500,
                                     .at_peak_blocks = 4});
    of.windows[0].amounts.push_back({.origin = outside + 1,
                                     .allocated_bytes = 2'000,
                                     .allocations = 2,
                                     .at_peak_bytes = 2'000,
                                     .at_peak_blocks = 2});
    const auto amounts_of = [](const memory_report& made, const std::vector<phase_site_report>& sites,
                               std::string_view function) {
        for (const phase_site_report& each : sites)
            if (made.sites[each.site].function == function) return each.amounts;
        return site_amounts{.delta_bytes = {-1}};
    };
    const memory_report made = made_report(of);
    CHECK(made.outside_sites.size() == 2);
    CHECK(amounts_of(made, made.outside_sites, "parse").delta_bytes.count == 3'000);
    CHECK(amounts_of(made, made.outside_sites, "parse").at_peak_bytes.count == 3'500);
    CHECK(amounts_of(made, made.outside_sites, "parse").at_peak_born_inside.count == 3'500);
    CHECK(amounts_of(made, made.outside_sites, "render").allocated_bytes.count == 2'000);

    of.work[1] = {.entries = 1, .allocated = {2'000}, .allocations = 2};
    const memory_report never_entered = made_report(of, 0);
    const auto& sites = never_entered.phases[1].sites;
    // By work 2,000 B; and 50 B and 7 B, which the windows of phases say were born in rendering.
    CHECK(amounts_of(never_entered, sites, "render").allocated_bytes.count == 2'050);
    CHECK(amounts_of(never_entered, sites, "render").delta_bytes.count == 2'000);
    CHECK(amounts_of(never_entered, sites, "render").at_peak_bytes.count == 2'050);
    CHECK(amounts_of(never_entered, sites, "parse").allocated_bytes.count == 7);
    CHECK(made_report(by_hand(), 0).phases[1].sites != sites);
}

// As a source of a user's own may hand it over.
TEST_CASE("what is said of phases that the list does not have is left out, and missing windows are empty") {
    attribution of = by_hand();
    of.windows.resize(1);
    of.work.resize(5, {.entries = 1});
    of.windows[0].live_at_end = {{1}, {2}};
    of.origins[1].born = of.origins[1].allocated_in = 50;
    const memory_report made = made_report(of);
    const birth_report& outside = *made.measurement_births;
    CHECK(outside.at_peak == std::vector<bytes>{{0}, {0}, {300}, {0}});
    CHECK(outside.at_end == std::vector<bytes>{{1}, {2}, {0}, {0}});
    CHECK(made.phases[0].work == std::nullopt);
    CHECK(made.phases[1].births == std::nullopt);
    CHECK(made.sites.size() == 2);
}

TEST_CASE("one stack may come several times, and a label without its name is left out") {
    attribution of = by_hand();
    of.stacks.push_back(of.stacks[0]);
    of.origins[2].stack = 2;
    const memory_report same = made_report();
    CHECK(made_report(of).sites == same.sites);
    of.labels.clear();
    const memory_report without = made_report(of);
    CHECK(without.labels.empty());
    CHECK(without.sites == same.sites);
    CHECK(without.measurement_births == same.measurement_births);
}

// Two origins of one site in which blocks are sampled: what comes and goes again has no variance, what stays adds up.
TEST_CASE("the variance of a delta cancels out within an origin, and adds up over several") {
    attribution of = by_hand();
    of.of_sites = sampled(bytes{1'000});
    for (attributed_origin& each : of.origins)
        each.sampled = true;
    for (auto& window : of.windows)
        window.amounts.clear();
    of.windows[1].amounts = {{.origin = 0, .allocated_bytes = 100, .allocations = 1, .delta_variance = 25}};
    of.windows[2].amounts = {{.origin = 0, .freed_bytes = 100, .deallocations = 1, .delta_variance = -9},
                             {.origin = 2, .allocated_bytes = 50, .allocations = 1, .delta_variance = 9}};
    const memory_report made = made_report(of);
    REQUIRE(made.sites.size() == 1);
    CHECK(made.sites[0].amounts.delta_error == bytes{5}); // the root of 25 - 9 and 9
    CHECK(made.phases[0].sites.at(0).amounts.delta_error == bytes{5});
    CHECK(made.phases[1].sites.at(0).amounts.delta_error == bytes{4}); // of 9 and 9
}

} // namespace attribute_tests
