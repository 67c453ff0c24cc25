// SPDX-License-Identifier: MIT
// Random programs with phases, run for real and replayed from their event log by an oracle that knows nothing of the
// engine: it keeps one number, what is live, and looks at it after every event.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/phases/phase_list.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tests {

struct event {
    enum kind_of { allocated, freed, entered, left } kind;
    std::int64_t bytes = 0; // of the block
    std::size_t phase = 0;  // entered, left
    std::size_t block = 0;  // which one
    std::size_t site = 0;   // allocated
    std::size_t label = 0;  // allocated
    std::size_t call = 0;   // allocated: which of those that the site has
};

struct expected_window {
    std::uint64_t entries = 0;
    std::int64_t delta = 0;
    std::int64_t peak = 0; // above the measurement's start
    std::int64_t peak_delta = 0;
    std::int64_t allocated = 0;
    std::int64_t freed = 0;
    std::uint64_t allocations = 0;
    std::uint64_t deallocations = 0;

    friend bool operator==(const expected_window&, const expected_window&) = default;
};

/// Phase number to what its report must say; `peakscope::phase_info::root` stands for the measurement.
using expectation = std::map<std::size_t, expected_window>;

inline expectation replay(const std::vector<event>& log) {
    struct open_window {
        std::size_t phase;
        std::int64_t start;
        expected_window seen;
    };
    expectation all;
    std::int64_t live = 0;
    std::vector<open_window> open;
    const auto enter = [&](std::size_t phase) { open.push_back({phase, live, {1, 0, live, 0, 0, 0, 0, 0}}); };
    const auto leave = [&] {
        open_window closed = open.back();
        open.pop_back();
        closed.seen.delta = live - closed.start;
        closed.seen.peak_delta = closed.seen.peak - closed.start;
        expected_window& sum = all[closed.phase];
        sum.peak = sum.entries == 0 ? closed.seen.peak : std::max(sum.peak, closed.seen.peak);
        sum.entries += 1;
        sum.delta += closed.seen.delta;
        sum.peak_delta = std::max(sum.peak_delta, closed.seen.peak_delta);
        sum.allocated += closed.seen.allocated;
        sum.freed += closed.seen.freed;
        sum.allocations += closed.seen.allocations;
        sum.deallocations += closed.seen.deallocations;
    };
    enter(peakscope::phase_info::root);
    for (const event& each : log) {
        switch (each.kind) {
        case event::entered:
            enter(each.phase);
            break;
        case event::left:
            leave();
            break;
        case event::allocated:
        case event::freed:
            live += each.kind == event::allocated ? each.bytes : -each.bytes;
            for (open_window& window : open) {
                window.seen.peak = std::max(window.seen.peak, live);
                (each.kind == event::allocated ? window.seen.allocated : window.seen.freed) += each.bytes;
                (each.kind == event::allocated ? window.seen.allocations : window.seen.deallocations) += 1;
            }
            break;
        }
    }
    leave();
    return all;
}

inline expected_window reported(const peakscope::heap_figures& heap, std::uint64_t entries, peakscope::bytes start) {
    return {
        entries,           heap.delta->count, (*heap.peak - start).count, heap.peak_delta->count, heap.allocated->count,
        heap.freed->count, *heap.allocations, *heap.deallocations};
}

/// What a report says, in the oracle's form.
inline expectation reported(const peakscope::memory_report& report) {
    expectation all;
    all[peakscope::phase_info::root] = reported(report.heap, 1, *report.heap.start);
    for (std::size_t i = 0; i < report.phases.size(); ++i)
        if (report.phases[i].entries > 0)
            all[i] = reported(report.phases[i].heap, report.phases[i].entries, *report.heap.start);
    return all;
}

using Phases =
    peakscope::phases<"a", peakscope::phase<"b", "c", peakscope::phase<"d", "e">>, peakscope::phase<"f", "g">>;

/// Calls `use` with a function that opens the phase of that number: the phases are types, and the programs are random.
template <class Memory, class Use>
void with_phase(std::size_t number, Use use) {
    switch (number) {
    case 0:
        return use([] { return Memory::template phase<"a">(); });
    case 1:
        return use([] { return Memory::template phase<"b">(); });
    case 2:
        return use([] { return Memory::template phase<"b/c">(); });
    case 3:
        return use([] { return Memory::template phase<"b/d">(); });
    case 4:
        return use([] { return Memory::template phase<"b/d/e">(); });
    case 5:
        return use([] { return Memory::template phase<"f">(); });
    default:
        return use([] { return Memory::template phase<"f/g">(); });
    }
}

/// The children of each phase; those of the root come first, so that the index is the phase's number + 1.
inline std::vector<std::vector<std::size_t>> children_by_phase() {
    std::vector<std::vector<std::size_t>> children(Phases::count + 1);
    for (std::size_t i = 0; i < Phases::count; ++i)
        children[Phases::info(i).parent + 1].push_back(i);
    return children;
}

/// Figures by name, in which a difference can be told.
using named_figures = std::map<std::string, std::int64_t>;

inline std::string window_name(std::size_t phase) {
    return phase == peakscope::phase_info::root ? "measurement" : "phase " + std::string(Phases::info(phase).path);
}

inline named_figures named(const expectation& all) {
    named_figures figures;
    for (const auto& [phase, window] : all) {
        const std::string in = window_name(phase) + ", ";
        figures[in + "entries"] = static_cast<std::int64_t>(window.entries);
        figures[in + "delta"] = window.delta;
        figures[in + "peak"] = window.peak;
        figures[in + "peak_delta"] = window.peak_delta;
        figures[in + "allocated"] = window.allocated;
        figures[in + "freed"] = window.freed;
        figures[in + "allocations"] = static_cast<std::int64_t>(window.allocations);
        figures[in + "deallocations"] = static_cast<std::int64_t>(window.deallocations);
    }
    return figures;
}

/// "phase b/c, peak: expected 120, found 96"; a figure that one of the two lacks is 0.
inline std::string first_difference(const named_figures& expected, const named_figures& found) {
    named_figures either = expected;
    either.insert(found.begin(), found.end());
    for (const auto& each : either) {
        const auto of = [&name = each.first](const named_figures& all) {
            const auto at = all.find(name);
            return at == all.end() ? 0 : at->second;
        };
        if (of(expected) != of(found))
            return each.first + ": expected " + std::to_string(of(expected)) + ", found " + std::to_string(of(found));
    }
    return "no figure";
}

template <class Expectation>
std::string first_difference(const Expectation& expected, const Expectation& found) {
    return first_difference(named(expected), named(found));
}

} // namespace tests
