// SPDX-License-Identifier: MIT
// How long it takes to name 10,000 call sites of a large program, and that this is not charged to it. The program is
// large by its debug information: 1,000 instances of a template, each with a container of its own type.
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>

namespace {

using Memory = peakscope::profiler<peakscope::phases<>, peakscope::heap::counting<peakscope::sites::unwind<4>>>;

} // namespace

// names_sites.cpp
template <int Part>
void sites_of_part();

int main() {
    using clock = std::chrono::steady_clock;
    Memory memory{"names"};
    sites_of_part<0>();
    sites_of_part<1>();
    sites_of_part<2>();
    sites_of_part<3>();
    const auto before = clock::now();
    const peakscope::memory_report report = memory.finish();
    const auto seconds = std::chrono::duration<double>(clock::now() - before).count();
    std::size_t named = 0;
    std::size_t frames = 0;
    for (const peakscope::site_report& site : report.sites) {
        named += site.line > 0;
        frames += site.stack.size();
    }
    std::printf("%zu sites, %zu of them with a line, %zu frames with the inlined ones, program of %ju MB: %.2f s\n",
                report.sites.size(), named, frames,
                static_cast<std::uintmax_t>(std::filesystem::file_size("/proc/self/exe")) / 1'000'000, seconds);
    if (const auto& children = report.naming->children_peak_rss)
        std::printf("the children that read the debug information had %lld MiB\n",
                    static_cast<long long>(children->count >> 20));
    std::printf("heap delta of the program with that: %lld bytes\n", static_cast<long long>(report.heap.delta->count));
}
