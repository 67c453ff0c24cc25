// SPDX-License-Identifier: MIT
// Work whose figures are known, by the program itself, by glibc and by threads, for a program that is linked statically
// and dynamically. With -DOPERATORS it measures operator new alone.
#include <peakscope/heap/counting.hpp>
#include <peakscope/heap/counting_switch.hpp>
#include <peakscope/heap/malloc_counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/none.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/libbacktrace.hpp>

#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <thread>

namespace {

using Sites = peakscope::sites::frames<8>;
#ifdef OPERATORS
using Heap = peakscope::heap::counting<Sites>;
#else
using Heap = peakscope::heap::malloc_counting<Sites>;
#endif
using Memory = peakscope::profiler<peakscope::phases<"own", "glibc", "threads">, Heap>;

// Volatile, so that no compiler knows what the functions do.
template <class Function>
Function* opaque(Function* function) {
    Function* volatile hidden = function;
    return hidden;
}
const auto c_malloc = opaque(&::malloc);
const auto c_calloc = opaque(&::calloc);
const auto c_realloc = opaque(&::realloc);
const auto c_aligned_alloc = opaque(&::aligned_alloc);
const auto c_free = opaque(&::free);
const auto c_usable_size = opaque(&::malloc_usable_size);

[[gnu::noinline]] void* keep(std::size_t size_bytes) {
    void* volatile kept = ::operator new(size_bytes); // volatile, so that this is no tail call
    return kept;
}

[[gnu::noinline]] void throw_if(bool wrong) {
    if (wrong) throw std::runtime_error("thrown");
}

void* own() {
    auto phase = Memory::phase<"own">();
    void* const kept = keep(1'000);
    c_free(c_realloc(c_malloc(2'000), 5'000));
    c_free(c_calloc(10, 77));
    c_free(c_aligned_alloc(256, 512));
    return kept;
}

void of_glibc() {
    auto phase = Memory::phase<"glibc">();
    c_free(::strdup("hello"));
    c_free(::realpath("/", nullptr));
    char* line = nullptr;
    std::size_t capacity = 0;
    if (std::FILE* const file = std::fopen("/proc/self/status", "r")) {
        static_cast<void>(::getline(&line, &capacity, file));
        static_cast<void>(std::fclose(file));
    }
    c_free(line);
}

// One after the other: glibc and the C++ library keep what they need for one thread at a time.
void in_threads(void* (&made)[4]) {
    for (void*& each : made)
        std::thread{[&each] { each = keep(50'000); }}.join();
}

void print(const peakscope::memory_report& report, const char* name) {
    const peakscope::heap_figures& heap = report.phase(name).heap;
    std::printf("%s: %lld left, %lld at peak, %lld allocated in %llu\n", name,
                static_cast<long long>(heap.delta->count), static_cast<long long>(heap.peak_delta->count),
                static_cast<long long>(heap.allocated->count), static_cast<unsigned long long>(*heap.allocations));
}

} // namespace

int main() {
    void* made[4] = {};
    in_threads(made);
    for (void* each : made)
        ::operator delete(each);

    Memory memory{"known"};
    void* const kept = own();
    of_glibc();
    {
        auto phase = Memory::phase<"threads">();
        in_threads(made);
    }
    try {
        throw_if(kept != nullptr);
    } catch (const std::exception& error) {
        std::printf("%s and caught\n", error.what());
    }
    const peakscope::memory_report report = memory.finish();

    print(report, "own");
    print(report, "glibc");
    std::printf("threads: %lld left\n", static_cast<long long>(report.phase("threads").heap.delta->count));
    for (const peakscope::site_report& site : report.sites)
        if (site.amounts.delta_bytes.count == 1'000 && site.stack.size() > 1)
            std::printf("%s, called by %s\n", site.function.c_str(), site.stack[1].function.c_str());
    for (void* each : made)
        ::operator delete(each);
    ::operator delete(kept);

    void* const counted = c_malloc(1'000);
    peakscope::heap::switch_counting_off();
    void* const uncounted = c_malloc(1'000);
    std::printf("usable: %s\n", c_usable_size(counted) >= 1'000 && c_usable_size(uncounted) >= 1'000 ? "all" : "less");
    c_free(uncounted);
    c_free(counted);
}
