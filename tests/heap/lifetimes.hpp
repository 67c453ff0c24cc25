// SPDX-License-Identifier: MIT
// The oracle for sizes and lifetimes: it looks at each event of a log and at the one before it.
#pragma once

#include "origins.hpp"
#include "programs.hpp"

#include <peakscope/core/report.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace tests {

/// Site and figures of each call; a site may have several calls, which the report tells apart and does not number.
using lifetime_expectation = std::multiset<std::pair<std::size_t, peakscope::lifetime_figures>>;

inline lifetime_expectation replay_lifetimes(const std::vector<event>& log) {
    struct call {
        peakscope::lifetime_figures figures{};
        peakscope::bytes live{};
    };
    struct block {
        call* of;
        std::size_t entry; // 0 outside of phases
    };
    std::map<std::pair<std::size_t, std::size_t>, call> calls;
    std::map<std::size_t, block> blocks;
    std::vector<std::size_t> open;
    std::size_t entries = 0;
    const event* last = nullptr; // not of phases
    for (const event& each : log) {
        switch (each.kind) {
        case event::entered:
            open.push_back(++entries);
            continue;
        case event::left:
            open.pop_back();
            continue;
        case event::allocated: {
            call& of = calls[{each.site, each.call}];
            blocks[each.block] = {&of, open.empty() ? 0 : open.back()};
            const auto size_class = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(each.bytes)));
            of.figures.sizes.resize(std::max(of.figures.sizes.size(), size_class + 1));
            ++of.figures.sizes[size_class];
            of.live += peakscope::bytes{each.bytes};
            of.figures.peak_bytes = std::max(of.figures.peak_bytes, of.live);
            break;
        }
        case event::freed:
            if (const auto found = blocks.find(each.block); found != blocks.end()) {
                const auto [of, entry] = found->second;
                of->live -= peakscope::bytes{each.bytes};
                of->figures.temporary += last->kind == event::allocated && last->block == each.block;
                if (std::ranges::count(open, entry) > 0) {
                    ++of->figures.short_lived;
                    of->figures.short_lived_bytes += peakscope::bytes{each.bytes};
                }
            }
            break;
        }
        last = &each;
    }
    lifetime_expectation all;
    for (const auto& [of, each] : calls)
        all.emplace(of.first, each.figures);
    return all;
}

inline lifetime_expectation reported_lifetimes(const peakscope::memory_report& report) {
    lifetime_expectation all;
    for (const peakscope::site_report& site : report.sites)
        if (site.lifetimes && site.amounts.allocations > 0)
            all.emplace(site_of(site.stack[0].address), *site.lifetimes);
    return all;
}

} // namespace tests
