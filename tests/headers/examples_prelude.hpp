// SPDX-License-Identifier: MIT
// The reader's own program, as the examples in the headers' comments assume it.
#pragma once

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory_resource>
#include <string>
#include <vector>

namespace heap = peakscope::heap;
namespace sites = peakscope::sites;
using namespace peakscope::literals;

using Phases = peakscope::phases<"parsing", "rendering">;
using BuildPhases =
    peakscope::phases<"discovery", "parsing", peakscope::phase<"rendering", "markdown", "template">, "postprocess">;
using Heap = peakscope::heap::counting<>;
using Rss = peakscope::rss::none;
using Memory = peakscope::profiler<BuildPhases, Heap, Rss>;

struct Site {};
struct site {};
Site load_fixture();
struct settings {
    bool profile_memory;
};
extern settings options;
struct named_page {
    std::string title;
};
extern named_page page;
extern std::ostream& logger;
extern std::string text;
extern std::string chosen;
extern struct named_cache {
    void clear();
} cache;
extern peakscope::memory_report baseline;
extern peakscope::memory_report current;
extern peakscope::work_figures figures;
extern Memory& memory;
extern const peakscope::memory_report& report;

void build(const Site& of);
void build(const site& of);
void build(const settings& of);
site made_up_site(std::uint64_t pages);
void parse(const std::string& of);
void work();
void check(const peakscope::heap_figures& process, const peakscope::heap_figures& thread);
peakscope::bytes my_live_bytes();
template <class Value>
void show(const char* name, const Value& value);
template <class Value>
struct my_container {
    explicit my_container(std::pmr::memory_resource* from);
};
struct my_source {};
