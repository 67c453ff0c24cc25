// SPDX-License-Identifier: MIT
// How long it takes to name 10,000 call sites of a large program, and that this is not charged to it. The program is
// large by its debug information: 1,000 instances of a template, each with a container of its own type.
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
#include <memory>
#include <utility>
#include <vector>

namespace {

using Memory = peakscope::profiler<peakscope::phases<>, peakscope::heap::counting<peakscope::sites::unwind<4>>>;

const volatile void* volatile sink;

template <std::size_t Size>
[[gnu::noinline]] void ten_sites() {
    using value = std::array<char, Size>;
    std::vector<value> values;
    values.push_back({});
    values.push_back({});
    sink = values.data();
    const auto keep = [](const std::unique_ptr<value>& made) { sink = made.get(); };
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
    keep(std::make_unique<value>());
}

template <std::size_t... Sizes>
void all_sites(std::index_sequence<Sizes...>) {
    (ten_sites<Sizes + 1>(), ...);
}

} // namespace

int main() {
    using clock = std::chrono::steady_clock;
    Memory memory{"names"};
    all_sites(std::make_index_sequence<1'000>{});
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
