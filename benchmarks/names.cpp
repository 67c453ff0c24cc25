// SPDX-License-Identifier: MIT
// How long it takes to name 10,000 call sites of a large program, and that this is not charged to it. The program is
// large by its debug information: 2,500 instances of a template, each with containers of its own type.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace {

using Memory = peakscope::profiler<peakscope::phases<>, peakscope::heap::counting<peakscope::sites::unwind<4>>>;

const volatile void* volatile sink;

template <std::size_t Size>
[[gnu::noinline]] void four_sites() {
    using value = std::array<char, Size>;
    std::vector<value> values;
    values.push_back({});
    sink = values.data();
    std::map<int, value> nodes;
    nodes[1] = {};
    sink = &nodes;
    const auto shared = std::make_shared<value>();
    sink = shared.get();
    const auto unique = std::make_unique<value>();
    sink = unique.get();
}

template <std::size_t... Sizes>
void all_sites(std::index_sequence<Sizes...>) {
    (four_sites<Sizes + 1>(), ...);
}

} // namespace

int main() {
    using clock = std::chrono::steady_clock;
    Memory memory{"names"};
    all_sites(std::make_index_sequence<2'500>{});
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
    std::printf("heap delta of the program with that: %lld bytes\n", static_cast<long long>(report.heap.delta->count));
}
