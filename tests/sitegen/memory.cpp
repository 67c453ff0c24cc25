// SPDX-License-Identifier: MIT
// sitegen's own memory tests: what a project that uses peakscope would write. Sites of 100, 500 and 1,000 pages within
// their budgets, no leak, linear growth, figures that repeat on a busy machine, and the old way beside it.
#include "../invariants.hpp"

#include <build.hpp>
#include <memory.hpp>
#include <new_site.hpp>
#include <parsing.hpp>

#include <peakscope/peakscope.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/testing/budget.hpp>
#include <peakscope/testing/compare.hpp>
#include <peakscope/testing/faults.hpp>
#include <peakscope/testing/leaks.hpp>
#include <peakscope/testing/repeat.hpp>
#include <peakscope/testing/scaling.hpp>

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace peakscope;
using namespace peakscope::literals;
namespace figures = peakscope::testing::figures;
using sitegen::Memory;

namespace {

namespace fs = std::filesystem;

// With the lines that allocate, for what wants them; sitegen's phases belong to `Memory`, which has none.
using Heap = heap::malloc_counting<sites::frames<8>>;

struct working_folder {
    fs::path path = fs::temp_directory_path() / ("sitegen-memory-" + std::to_string(::getpid()));
    working_folder() { fs::create_directories(path); }
    ~working_folder() { fs::remove_all(path); }
    working_folder(const working_folder&) = delete;
    working_folder& operator=(const working_folder&) = delete;
};
const fs::path& root() {
    static const working_folder folder;
    return folder.path;
}

// Made once, before anything is measured.
sitegen::build_options site_of(std::uint64_t pages) {
    sitegen::build_options options;
    options.folder = root() / std::to_string(pages);
    if (!fs::exists(options.folder)) sitegen::make_new_site(options.folder, pages, 4);
    options.output = root() / "out";
    options.theme = SITEGEN_THEME;
    return options;
}

memory_report measured(const sitegen::build_options& options) {
    Memory memory{"build", [] { rss::map_code(); }};
    const sitegen::site built = sitegen::build_site(options);
    return memory.finish({"page", std::max<std::size_t>(built.pages.size(), 1)});
}

// Something else to do for the machine.
class busy_machine {
  public:
    busy_machine()
        : thread_([this] {
              while (!over_.load(std::memory_order_relaxed)) {
              }
          }) {}
    ~busy_machine() {
        over_ = true;
        thread_.join();
    }
    busy_machine(const busy_machine&) = delete;
    busy_machine& operator=(const busy_machine&) = delete;

  private:
    std::atomic<bool> over_{false};
    std::thread thread_;
};

const testing::budget page_budget{.whole = {.heap_peak = 4_MiB, .rss_peak = 12_MiB},
                                  .phases = {{"parsing", {.heap_peak = 1_MiB}}, {"markdown", {.heap_delta = 3_MiB}}},
                                  .per_item = {.heap_delta = 32_KiB, .heap_peak = 40_KiB}};

} // namespace

TEST_CASE("the old way: the fixture in the measurement, and the peak of the process") {
    // What many projects do: the resident set before and after, and ru_maxrss for a peak. The first of the file,
    // because in a process whose heap has room for all of it nothing moves at all.
    std::vector<double> deltas;
    std::vector<double> peaks;
    for (int i = 0; i < 10; ++i) {
        const auto resident = [] {
            std::ifstream statm{"/proc/self/statm"};
            double size = 0;
            double pages = 0;
            statm >> size >> pages;
            return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
        };
        const double before = resident();
        fs::remove_all(root() / "old");
        sitegen::make_new_site(root() / "old", 100, 4);
        auto options = site_of(100);
        options.folder = root() / "old";
        const sitegen::site built = sitegen::build_site(options);
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        deltas.push_back(resident() - before);
        peaks.push_back(static_cast<double>(usage.ru_maxrss) * 1'024);
    }
    const testing::summary delta = testing::summarise(deltas);
    MESSAGE("RSS delta from " << delta.minimum << " to " << delta.maximum
                              << " B in ten runs of one build; the peak of every "
                              << "run is the process's, " << peaks.back() << " B");
    CHECK(delta.spread > 0.5);
    CHECK(std::ranges::is_sorted(peaks)); // it can only grow
}

TEST_CASE("100, 500 and 1,000 pages: within the budget per page, and the same per page") {
    std::map<std::uint64_t, double> per_page;
    for (const std::uint64_t pages : {100U, 500U, 1'000U}) {
        const auto options = site_of(pages);
        const memory_report report = testing::isolated([&] { return measured(options); });
        CHECK(report.items->count == pages);
        CHECK_NOTHROW(testing::require(report, {.per_item = page_budget.per_item}));
        per_page[pages] = *figures::heap_peak(report) / static_cast<double>(pages);
    }
    for (const auto& [pages, size] : per_page)
        CHECK(size == doctest::Approx(per_page[100]).epsilon(0.1));
    MESSAGE("heap peak per page: " << per_page[100] << " B with 100, " << per_page[500] << " B with 500, "
                                   << per_page[1'000] << " B with 1,000");
}

TEST_CASE("100 times in a row on a busy machine: the budget holds, the heap is the same, the RSS within 5 %") {
    const auto options = site_of(100);
    const busy_machine other_core;
    const testing::repetitions runs = testing::repeat(100, [&] { return measured(options); });
    CHECK(runs.failures.empty());
    REQUIRE(runs.reports.size() == 100);
    for (const memory_report& report : runs.reports)
        REQUIRE_NOTHROW(testing::require(report, page_budget));
    CHECK(runs.of(figures::heap_delta).spread == 0);
    CHECK(runs.of(figures::heap_peak).spread == 0);
    CHECK(runs.of(figures::rss_delta).spread <= 0.05);
    CHECK(runs.of(figures::rss_peak).spread <= 0.05);
    MESSAGE("isolated, " << runs.text());

    // The same in one process: what a build has left in the allocator changes the next one's resident pages.
    const testing::repetitions here = testing::repeat_in_process(20, [&] { return measured(options); });
    CHECK(here.of(figures::heap_peak).spread < 0.01); // what is set up once is in the first
    MESSAGE("in one process, " << here.text());
}

TEST_CASE("ten builds leak nothing, and a leak of 24 bytes a build is found with its line") {
    const auto options = site_of(25);
    // Ten runs are few: one in a hundred verdicts may be a false alarm.
    const testing::leak_options ten{.false_alarms = 0.01, .warm_up = 2};
    const testing::leak_report none =
        testing::leaks<Heap>(10, [&] { static_cast<void>(sitegen::build_site(options)); }, ten);
    CHECK_MESSAGE(!none.leaks(), none.text());
    std::vector<std::unique_ptr<char[]>> forgotten;
    forgotten.reserve(10);
    const testing::leak_report one = testing::leaks<Heap>(
        10,
        [&] {
            static_cast<void>(sitegen::build_site(options));
            forgotten.push_back(std::make_unique<char[]>(24));
        },
        ten);
    REQUIRE(one.leaks());
    REQUIRE_FALSE(one.sites.empty());
    CHECK(one.sites[0].bytes_per_run.per_step == 24);
    CHECK(one.sites[0].what.find("memory.cpp:") != std::string::npos);
    MESSAGE(one.text());
}

TEST_CASE("memory grows no faster than the pages, and the projection comes true") {
    const std::vector<std::uint64_t> sizes{25, 50, 100, 200, 400, 800, 1'600};
    for (const std::uint64_t pages : sizes)
        static_cast<void>(site_of(pages));
    const testing::scaling_report grows = testing::scaling(sizes, [&](std::uint64_t pages) {
        const auto options = site_of(pages);
        return testing::isolated([&] { return measured(options); });
    });
    CHECK_MESSAGE(grows.at_most_linear(), grows.text());
    const auto options = site_of(3'000);
    const double truth = *figures::heap_peak(testing::isolated([&] { return measured(options); }));
    CHECK(truth == doctest::Approx(grows.predict(3'000).value).epsilon(0.05));
    MESSAGE(grows.text() << "\n  " << *grows.items_within(2.0 * (1U << 30U)) << " pages fit in 2 GiB");
}

TEST_CASE("the phases of a build, and each of its budgets") {
    const auto options = site_of(100);
    const memory_report report = testing::isolated([&] { return measured(options); });
    bytes sum{};
    for (const char* const path : {"discovery", "parsing", "rendering", "postprocess"}) {
        CHECK(report.phase(path).entries == 1);
        sum += *report.phase(path).heap.delta;
        CHECK(*report.phase(path).heap.peak <= *report.heap.peak);
    }
    CHECK(std::abs((*report.heap.delta - sum).count) < 32'000); // the builder's own, outside of phases
    CHECK(*report.phase("rendering").heap.peak ==
          std::max(*report.phase("rendering/markdown").heap.peak, *report.phase("rendering/template").heap.peak));
    const auto broken =
        testing::check(report, {.phases = {{"template", {.heap_delta = 0_B, .heap_peak_delta = 64_KiB}}}});
    CHECK(broken.size() == 1); // 145 KiB of rendered text
}

TEST_CASE("an empty site, and the configuration alone") {
    sitegen::build_options options = site_of(100);
    options.folder = root() / "empty";
    fs::create_directories(options.folder / "content");
    const memory_report empty = testing::isolated([&] { return measured(options); });
    CHECK_NOTHROW(testing::require(empty, {.whole = {.heap_delta = 32_KiB, .heap_peak = 256_KiB}}));
    const auto folder = site_of(100).folder;
    const memory_report config = testing::isolated([&] {
        Memory memory{"configuration"};
        static_cast<void>(sitegen::load_config(folder));
        return memory.finish();
    });
    CHECK_NOTHROW(testing::require(config, {.whole = {.heap_delta = 4_KiB, .heap_peak = 64_KiB}}));
}

TEST_CASE("a plugin that paints covers is found by a comparison, line and all") {
    using Sited = profiler<phases<>, Heap>;
    const auto build = [](const sitegen::build_options& options) {
        return testing::isolated([&] {
            Sited memory{"build"};
            const sitegen::site built = sitegen::build_site(options);
            return memory.finish({"page", built.pages.size()});
        });
    };
    sitegen::build_options options = site_of(25);
    const memory_report before = build(options);
    CHECK_FALSE(testing::compare(before, build(options)).worse());
    options.plugins = {"gallery"};
    const testing::comparison changes = testing::compare(before, build(options));
    REQUIRE(changes.worse());
    REQUIRE_FALSE(changes.sites.empty());
    CHECK(changes.sites[0].place.find("gallery.cpp:38") != std::string::npos);
}

TEST_CASE("the configuration is read, or it is not: whichever allocation fails, nothing is left behind") {
    const auto folder = site_of(100).folder;
    const testing::fault_report report = testing::fail_each_allocation<heap::malloc_counting<sites::frames<8>>>(
        [&] { static_cast<void>(sitegen::load_config(folder)); }, {.isolated = true});
    CHECK(report.attempts > 100);
    CHECK_MESSAGE(report.ok(), report.text().substr(0, 2'000));
}
