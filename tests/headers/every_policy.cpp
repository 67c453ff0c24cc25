// SPDX-License-Identifier: MIT
// Every policy in a profiler, and every backend: what templates make of them is compiled with a user's warnings.
#include <peakscope/heap/malloc_counting_functions.hpp>
#include <peakscope/peakscope.hpp>
#include <peakscope/sites/addr2line.hpp>
#include <peakscope/sites/caller.hpp>
#include <peakscope/sites/callers_of.hpp>
#include <peakscope/testing/budget.hpp>
#include <peakscope/testing/faults.hpp>

#if __has_include(<libunwind.h>)
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/unwind.hpp>
#endif

#include <vector>

namespace every_policy {

using namespace peakscope;
using namespace peakscope::literals;
using Phases = phases<"one", phase<"two", "three">>;

template <class Heap, class Rss, class Backend>
void measure() {
    using Memory = profiler<Phases, Heap, Rss, Backend>;
    Memory memory{"every policy"};
    {
        auto one = Memory::template phase<"one">();
        auto label = Memory::label("a label");
        auto work = Memory::template work<"three">();
    }
    static_cast<void>(memory.finish({"item", 2}));
}

template <class... Heaps>
void with_each_heap() {
    (measure<Heaps, rss::none, report::none>(), ...);
}
template <class... Sources>
void with_each_rss() {
    (measure<heap::none, Sources, report::none>(), ...);
}
template <class... Backends>
void with_each_backend() {
    (measure<heap::none, rss::none, Backends>(), ...);
}

void all() {
    with_each_heap<heap::none, heap::counting<>, heap::malloc_counting<>, heap::counting<heap::batch<4_KiB>>,
                   heap::counting<sites::caller<sites::addresses>>, heap::counting<sites::caller<sites::addr2line<>>>,
                   heap::counting<sites::caller<sites::callers_of<sites::addresses, "xmalloc">>>,
                   heap::counting<sites::caller<sites::addresses>, heap::lifetimes>,
                   heap::sampling<64_KiB, sites::caller<sites::addresses>>, heap::counting<heap::jemalloc<>>,
                   heap::jemalloc<>, heap::jemalloc<heap::this_thread>, heap::jemalloc<heap::watched<1000>>,
                   heap::glibc<>, heap::mimalloc<>, heap::tcmalloc<>>();
#if __has_include(<libunwind.h>)
    with_each_heap<heap::malloc_counting<sites::frames<8, sites::addresses>>,
                   heap::malloc_counting<sites::unwind<8, sites::addresses>>>();
#endif
    with_each_rss<rss::procfs, rss::procfs_shared<100>, rss::procfs_watched<500>, rss::smaps, rss::working_set,
                  rss::cgroup, rss::rusage, rss::process_counters>();
    with_each_backend<report::console, report::folded, report::markdown, report::tee<report::console, report::folded>,
                      report::to_file<report::console, "name">>();
    using Instance = profiler<Phases, heap::resource>;
    Instance memory{"an instance"};
    heap::instance_counter counts;
    std::vector<int, heap::counted_allocator<int>> numbers{heap::counted_allocator<int>{counts}};
    numbers.push_back(1);
    static_cast<void>(memory.finish());
    report::by_name<report::console, report::folded>{"console"}(memory_report{});
    heap::checked_resource<> checked;
    checked.deallocate(checked.allocate(8), 8);
    testing::require(memory_report{}, testing::budget{});
}

} // namespace every_policy
