// SPDX-License-Identifier: MIT
// Measures work whose figures are known to the byte, and prints them.
#include "memory.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_operators.hpp>
#include <peakscope/profiler/measurement.hpp>
#include RSS_HEADER
#include <peakscope/report/none.hpp>

#include <cstdio>
#include <new>
#include <thread>

int main() {
    Memory memory{"known"};
    void* kept = read();
    void* page = render();
    void* of_thread = nullptr;
    std::thread{[&of_thread] { of_thread = ::operator new(50'000); }}.join();
    const peakscope::memory_report report = memory.finish();
    ::operator delete(of_thread);
    ::operator delete(page, std::align_val_t{64});
    ::operator delete(kept);
    for (const char* name : {"reading", "rendering"}) {
        const auto& heap = report.phase(name).heap;
        std::printf("%s: %lld left, %lld at peak, %lld allocated in %llu\n", name,
                    static_cast<long long>(heap.delta->count), static_cast<long long>(heap.peak_delta->count),
                    static_cast<long long>(heap.allocated->count), static_cast<unsigned long long>(*heap.allocations));
    }
    // A thread's own blocks are the C++ library's: how many and how large is its business, and they are gone at the
    // end.
    std::printf("left: %s\n",
                report.heap.delta->count >= 1'050'065 && report.heap.delta->count < 1'051'000 ? "all" : "not what is");
    std::printf("RSS: %s\n", report.rss.end ? report.rss.end->count > 100'000 ? "read" : "too small" : "none");
}
