// SPDX-License-Identifier: MIT
// What a profile says, read field by field. That pprof itself reads it is shown in tests/formats.
#include "made_up.hpp"
#include "made_up_sites.hpp"

#include <peakscope/report/pprof.hpp>

#include <doctest/doctest.h>
#include <protozero/pbf_reader.hpp>
#include <zlib.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pprof_tests {

using namespace peakscope;

namespace {

std::string unzipped(std::string text) {
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = reinterpret_cast<unsigned char*>(text.data());
    stream.avail_in = static_cast<uInt>(text.size());
    std::string made;
    std::array<char, 1'000> part{};
    int state = Z_OK;
    while (state == Z_OK) {
        stream.next_out = reinterpret_cast<unsigned char*>(part.data());
        stream.avail_out = part.size();
        state = inflate(&stream, Z_NO_FLUSH);
        made.append(part.data(), part.size() - stream.avail_out);
    }
    CHECK(state == Z_STREAM_END);
    CHECK(stream.avail_in == 0);
    inflateEnd(&stream);
    return made;
}

struct location {
    std::uint64_t address = 0;
    std::vector<std::string> lines{}; // "function file:line"
};

struct sample {
    std::vector<std::uint64_t> stack{};
    std::vector<std::int64_t> values{};
    std::string labels{};
};

struct profile {
    std::vector<std::string> texts{}, types{}, comments{};
    std::vector<std::string> functions{};
    std::vector<location> locations{};
    std::vector<sample> samples{};
    std::int64_t duration = 0;
    std::string default_type{};

    // The tables first, whatever order they come in.
    explicit profile(const std::string& data) {
        each(data, 6, [&](auto& of) { texts.push_back(of.get_string()); });
        each(data, 1, [&](auto& of) {
            const auto [type, unit] = two(of.get_message());
            types.push_back(texts.at(type) + "/" + texts.at(unit));
        });
        each(data, 5, [&](auto& of) {
            std::array<std::uint64_t, 6> fields{};
            for (protozero::pbf_reader reader = of.get_message(); reader.next();)
                fields.at(reader.tag()) = reader.get_uint64();
            CHECK(fields[1] == functions.size() + 1);
            CHECK(fields[2] == fields[3]);
            functions.push_back(texts.at(fields[2]) + " " + texts.at(fields[4]));
        });
        each(data, 4, [&](auto& of) {
            location& made = locations.emplace_back();
            for (protozero::pbf_reader reader = of.get_message(); reader.next();)
                if (reader.tag() == 1)
                    CHECK(reader.get_uint64() == locations.size());
                else if (reader.tag() == 3)
                    made.address = reader.get_uint64();
                else {
                    REQUIRE(reader.tag() == 4);
                    const auto [function, line] = two(reader.get_message());
                    made.lines.push_back(functions.at(function - 1) + ":" + std::to_string(line));
                }
        });
        each(data, 2, [&](auto& of) {
            sample& made = samples.emplace_back();
            for (protozero::pbf_reader reader = of.get_message(); reader.next();)
                if (reader.tag() == 1)
                    for (const auto id : reader.get_packed_uint64())
                        made.stack.push_back(id);
                else if (reader.tag() == 2)
                    for (const auto value : reader.get_packed_int64())
                        made.values.push_back(value);
                else {
                    const auto [key, text] = two(reader.get_message());
                    made.labels += texts.at(key) + "=" + texts.at(text);
                }
        });
        each(data, 10, [&](auto& of) { duration = of.get_int64(); });
        each(data, 13, [&](auto& of) { comments.push_back(texts.at(of.get_uint64())); });
        each(data, 14, [&](auto& of) { default_type = texts.at(of.get_uint64()); });
    }

    template <class Take>
    static void each(const std::string& data, protozero::pbf_tag_type tag, Take take) {
        protozero::pbf_reader reader{data};
        while (reader.next(tag))
            take(reader);
    }
    static std::array<std::uint64_t, 2> two(protozero::pbf_reader reader) {
        std::array<std::uint64_t, 2> fields{};
        while (reader.next())
            fields.at(reader.tag() - 1) = reader.get_uint64();
        return fields;
    }
};

using values = std::vector<std::int64_t>;

} // namespace

TEST_CASE("what was allocated is split among the phases, and each phase has its own peak beside the measurement's") {
    const profile read{unzipped(report::pprof::text(tests::report_with_call_stacks()))};
    CHECK(read.texts[0].empty());
    CHECK(read.types == std::vector<std::string>{"at_peak_bytes/bytes", "at_peak_blocks/count", "live_bytes/bytes",
                                                 "live_blocks/count", "allocated_bytes/bytes", "allocations/count",
                                                 "phase_peak_bytes/bytes", "phase_peak_blocks/count"});
    CHECK(read.default_type == "at_peak_bytes");
    CHECK(read.duration == 4'000'000);
    REQUIRE(read.samples.size() == 6);
    // build: what build/render allocated is taken from it, its peak is its own.
    CHECK(read.samples[0].labels == "phase=build");
    CHECK(read.samples[0].values == values{0, 0, 0, 0, 200, 2, 600, 3});
    CHECK(read.samples[1].labels == "phase=build");
    CHECK(read.samples[1].values == values{0, 0, 0, 0, 200, 2, 300, 1});
    CHECK(read.samples[2].labels == "phase=build/render");
    CHECK(read.samples[2].values == values{0, 0, 0, 0, 700, 7, 550, 2});
    // Outside of all phases.
    CHECK(read.samples[3].labels.empty());
    CHECK(read.samples[3].values == values{600, 3, 100, 1, 100, 1, 0, 0});
    CHECK(read.samples[4].values == values{400, 2, -50, -1, 100, 1, 0, 0});
    CHECK(read.samples[5].values == values{24, 1, -10, -1, 0, 0, 0, 0});
    CHECK(read.samples[0].stack == read.samples[3].stack);
}

TEST_CASE("an inlined function is a line of the location of the function it is inlined into") {
    const profile read{unzipped(report::pprof::text(tests::report_with_call_stacks()))};
    REQUIRE(read.samples.size() == 6);
    CHECK(read.samples[3].stack == std::vector<std::uint64_t>{1, 2});
    CHECK(read.samples[4].stack == std::vector<std::uint64_t>{3, 2});
    CHECK(read.samples[5].stack == std::vector<std::uint64_t>{4});
    REQUIRE(read.locations.size() == 4);
    CHECK(read.locations[0].address == 0x1000);
    CHECK(read.locations[0].lines == std::vector<std::string>{"make_page /src/page.hpp:3", "render /src/page.cpp:12"});
    CHECK(read.locations[1].address == 0x2000);
    CHECK(read.locations[1].lines == std::vector<std::string>{"main /src/main.cpp:5"});
    CHECK(read.locations[2].lines == std::vector<std::string>{"0x3000 :0"}); // without a name
    CHECK(read.locations[3].lines == std::vector<std::string>{"(allocated before the measurement) :0"});
}

TEST_CASE("a function that calls itself from one place is two locations of the stack") {
    memory_report report = tests::report_with_call_stacks();
    const stack_frame again{"walk", "walk.cpp", 2, false, 0x4000};
    report.sites[0].stack = {again, again};
    const profile read{unzipped(report::pprof::text(report))};
    CHECK(read.samples.at(3).stack == std::vector<std::uint64_t>{1, 1});
    CHECK(read.locations.at(0).lines.size() == 1);
}

TEST_CASE("a source that tells no sites apart still has its totals") {
    memory_report report = tests::made_up_report();
    report.heap.peak.reset();
    const profile read{unzipped(report::pprof::text(report))};
    REQUIRE(read.samples.size() == 5); // of postprocess, which was never entered, nothing
    CHECK(read.locations.at(0).lines == std::vector<std::string>{"(not told apart by call stack) :0"});
    constexpr std::int64_t mib = 1 << 20;
    // rendering: 30 MiB + 1,000 bytes, of which its children have 10 MiB + 1,000 and 20 MiB + 1,000.
    CHECK(read.samples[1].labels == "phase=rendering");
    CHECK(read.samples[1].values == values{0, 0, 0, 0, -1'000, -12, 93 * mib, 0});
    // The measurement: 48 MiB + 1,000, less 12 MiB + 1,000 and 30 MiB + 1,000 of the phases at the root.
    CHECK(read.samples[4].values == values{0, 0, 48 * mib, 7, 6 * mib - 1'000, -12, 0, 0});
    CHECK(read.comments.at(1) ==
          "heap: counting, requested bytes; peak n/a (exact), live 48.0 MiB, allocated 48.0 MiB (exact)");
}

TEST_CASE("a sum stops at the end of its range") {
    memory_report report = tests::made_up_report();
    for (phase_report& each : report.phases)
        each.heap.allocated = bytes{INT64_MIN};
    report.sites = {{"f", "a.cpp", 1, {.allocated_bytes = {INT64_MIN}, .allocations = UINT64_MAX}, {}}};
    report.phases[0].sites = report.phases[1].sites = {{0, report.sites[0].amounts}};
    const profile read{unzipped(report::pprof::text(report))};
    std::vector<std::int64_t> allocated; // the first phase, the second, and what the measurement has beside them
    for (const auto& each : read.samples)
        allocated.push_back(each.values.at(4));
    CHECK(std::count(allocated.begin(), allocated.end(), INT64_MIN) == 2);
}

TEST_CASE("notes and precisions are comments") {
    const profile read{unzipped(report::pprof::text(tests::report_with_call_stacks()))};
    CHECK(read.comments == std::vector<std::string>{
                               "a build",
                               "heap: counting, requested bytes; peak 1.00 KiB (exact), live 40 B, allocated 1.27 KiB "
                               "(exact)",
                               "sites: exact", "a note"});
}

TEST_CASE("a report of nothing is a profile without samples") {
    const profile read{unzipped(report::pprof::text({}))};
    CHECK(read.samples.empty());
    CHECK(read.types.size() == 8);
}

TEST_CASE("one report makes the same bytes each time") {
    const memory_report report = tests::report_with_call_stacks();
    CHECK(report::pprof::text(report) == report::pprof::text(report));
}

} // namespace pprof_tests
