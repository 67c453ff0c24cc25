// SPDX-License-Identifier: MIT
// What `finish` takes, in processor time and memory, without names: by call stacks, phases and labels, of which every
// combination is an origin of its own.
#include "made_up_stacks.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <new>
#include <string>
#include <vector>

namespace {

using namespace peakscope;
using benchmarks::made_up_stacks;
using benchmarks::site;

double milliseconds_now() { return 1'000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Measures what the names take.
struct heap_source : heap::counting<made_up_stacks> {
    static inline double names = 0;

    [[nodiscard]] named_stacks named(const attribution& of) const {
        const double start = milliseconds_now();
        named_stacks made = heap::counting<made_up_stacks>::named(of);
        names = milliseconds_now() - start;
        return made;
    }
};

using Memory = profiler<phases<"a", "b", "c", "d">, heap_source>;

void allocate_each(std::size_t sites, std::size_t labels) {
    for (std::size_t label = 0; label < labels; ++label) {
        const auto scope = Memory::label(labels == 1 ? std::string{} : "label " + std::to_string(label));
        for (site = 0; site < sites; ++site) {
            void* volatile block = ::operator new(16);
            if (site % 2 == 0) ::operator delete(block); // the others are alive at the peak
        }
    }
    site = 0;
}

template <fixed_string Name>
void in_phase(std::size_t sites, std::size_t labels) {
    const auto phase = Memory::phase<Name>();
    allocate_each(sites, labels);
}

// From the lines of /proc/self/status, in MiB.
double mib_of(const char* wanted) {
    std::ifstream status{"/proc/self/status"};
    std::string word;
    while (status >> word)
        if (double kib = 0; word == wanted && status >> kib) return kib / 1'024;
    return 0;
}

void row(std::size_t sites, std::size_t phases, std::size_t labels) {
    Memory memory{"finish"};
    if (phases == 0) allocate_each(sites, labels);
    if (phases > 0) in_phase<"a">(sites, labels);
    if (phases > 1) in_phase<"b">(sites, labels);
    if (phases > 2) in_phase<"c">(sites, labels);
    if (phases > 3) in_phase<"d">(sites, labels);
    std::ofstream{"/proc/self/clear_refs"} << 5; // the largest RSS is that of `finish`
    const double before = mib_of("VmRSS:");
    const double start = milliseconds_now();
    memory_report report = memory.finish();
    const double all = milliseconds_now() - start;
    const double in_it = mib_of("VmHWM:") - before;
    if (report.sites.size() < sites) std::abort();
    report = {};
    std::printf("| %zu | %zu | %zu | %zu | %.1f | %.1f | %.0f | %.0f |\n", sites, phases, labels,
                sites * std::max<std::size_t>(phases, 1) * labels, all - heap_source::names, heap_source::names, in_it,
                mib_of("VmRSS:") - before);
}

} // namespace

int main() {
    std::puts("| sites | phases | labels | origins | finish without names, ms | names, ms | RSS in it, MiB | after it, "
              "MiB |");
    std::puts("|--:|--:|--:|--:|--:|--:|--:|--:|");
    constexpr std::size_t rows[][3] = {
        {2'000, 0, 1}, {20'000, 0, 1}, {2'000, 0, 500}, {2'000, 4, 125}, {20'000, 4, 12}};
    for (const auto& [sites, phases, labels] : rows) {
        std::fflush(stdout);
        if (const pid_t child = ::fork(); child == 0) { // the tables of the process grow and stay
            row(sites, phases, labels);
            std::fflush(stdout);
            ::_exit(0);
        } else {
            ::waitpid(child, nullptr, 0);
        }
    }
}
