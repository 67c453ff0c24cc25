// SPDX-License-Identifier: MIT
// The oracle for where blocks come from: it keeps every live block with its site, its label and the phase it was born
// in, and copies the whole table whenever a window reaches a new peak. It knows nothing of the engine.
#pragma once

#include "counted_heap.hpp"
#include "programs.hpp"

#include <peakscope/core/report.hpp>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace tests {

// ---- sites: functions that allocate, known by where their code lies -------------------------------------------------

inline constexpr std::size_t allocating_count = 6;
inline constexpr std::size_t resizing_count = 2;
inline constexpr std::size_t site_count = allocating_count + resizing_count; // in this order

template <std::size_t Number>
[[gnu::noinline]] void* allocate_at(std::size_t size_bytes, std::size_t alignment) {
    void* volatile block = allocate(size_bytes, alignment);
    const volatile std::size_t own_code = Number; // else the linker may fold the functions into one
    static_cast<void>(own_code);
    return block;
}

template <std::size_t Number>
[[gnu::noinline]] void* resize_at(void* block, std::size_t size_bytes) {
    void* volatile resized = std::realloc(block, size_bytes);
    const volatile std::size_t own_code = Number;
    static_cast<void>(own_code);
    return resized;
}

using resizing_function = void* (*)(void*, std::size_t);
inline constexpr std::array<resizing_function, resizing_count> resizing_sites{resize_at<0>, resize_at<1>};

using allocating_function = void* (*)(std::size_t, std::size_t);
inline constexpr std::array<allocating_function, allocating_count> allocating_sites{
    allocate_at<0>, allocate_at<1>, allocate_at<2>, allocate_at<3>, allocate_at<4>, allocate_at<5>};

/// The site whose code holds the address: the one that begins last before it.
inline std::size_t site_of(std::uint64_t address) {
    std::size_t found = site_count;
    std::uint64_t start = 0;
    for (std::size_t i = 0; i < site_count; ++i) {
        const auto begins = i < allocating_count
                                ? reinterpret_cast<std::uint64_t>(allocating_sites[i])
                                : reinterpret_cast<std::uint64_t>(resizing_sites[i - allocating_count]);
        if (begins <= address && begins > start) {
            found = i;
            start = begins;
        }
    }
    return found;
}

inline const std::array<std::string, 4> label_names{"", "plugin:a", "plugin:b", "template with a longer name"};

// ---- what a report must say -----------------------------------------------------------------------------------------

inline constexpr std::size_t before_measurement = site_count; // instead of a site

struct held {
    std::int64_t bytes = 0;
    std::int64_t blocks = 0;

    friend auto operator<=>(const held&, const held&) = default;
};

struct site_row {
    held delta;
    held at_peak;
    held allocated;

    friend auto operator<=>(const site_row&, const site_row&) = default;
};

struct label_row {
    held allocated;
    std::int64_t delta_bytes = 0;
    std::int64_t at_peak_bytes = 0;
    std::int64_t peak_bytes = 0;

    friend auto operator<=>(const label_row&, const label_row&) = default;
};

struct origin_table {
    std::map<std::size_t, site_row> sites;            // by site
    std::map<std::size_t, std::int64_t> born_at_peak; // by phase of birth, as `memory_report::births` numbers them
    std::map<std::size_t, std::int64_t> born_at_end;
    std::map<std::size_t, std::int64_t> freed_in;
    std::int64_t allocated = 0; // by the phase itself

    friend bool operator==(const origin_table&, const origin_table&) = default;
};

struct origin_expectation {
    std::map<std::size_t, origin_table> windows; // by phase; `phase_info::root` is the measurement
    std::map<std::string, label_row> labels;

    friend bool operator==(const origin_expectation&, const origin_expectation&) = default;
};

template <class Map>
void drop_zeros(Map& map) {
    std::erase_if(map, [](const auto& each) { return each.second == typename Map::mapped_type{}; });
}

inline void drop_zeros(origin_expectation& all) {
    for (auto& [phase, table] : all.windows) {
        drop_zeros(table.sites);
        drop_zeros(table.born_at_peak);
        drop_zeros(table.born_at_end);
        drop_zeros(table.freed_in);
    }
    drop_zeros(all.labels);
}

// ---- the oracle -----------------------------------------------------------------------------------------------------

class origin_oracle {
  public:
    origin_expectation replay(const std::vector<event>& log) {
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
                blocks_[each.block] = {each.site, each.label, innermost(), each.bytes};
                change(blocks_[each.block], 1, each.bytes);
                break;
            case event::freed:
                const auto found = blocks_.find(each.block);
                // What was not seen to be allocated was there before.
                const block freed =
                    found != blocks_.end() ? found->second : block{before_measurement, 0, born_before, each.bytes};
                if (found != blocks_.end()) blocks_.erase(found);
                change(freed, -1, -each.bytes);
                break;
            }
        }
        leave();
        drop_zeros(all_);
        return all_;
    }

  private:
    static constexpr std::size_t born_before = 0;
    struct key {
        std::size_t site;
        std::size_t label;
        std::size_t born;
        friend auto operator<=>(const key&, const key&) = default;
    };
    using table = std::map<key, held>;
    struct block {
        std::size_t site = 0;
        std::size_t label = 0;
        std::size_t born = 0;
        std::int64_t bytes = 0;
    };
    struct window {
        std::size_t phase;
        std::int64_t peak;
        table at_peak;
        std::map<std::size_t, site_row> flows;
    };

    // As the report numbers births: before, outside of phases, then the phases.
    [[nodiscard]] std::size_t innermost() const {
        return open_.back().phase == peakscope::phase_info::root ? 1 : open_.back().phase + 2;
    }

    void enter(std::size_t phase) { open_.push_back({phase, live_bytes_, live_, {}}); }

    void change(const block& of, std::int64_t blocks, std::int64_t bytes) {
        held& now = live_[{of.site, of.label, of.born}];
        now.bytes += bytes;
        now.blocks += blocks;
        live_bytes_ += bytes;
        for (window& each : open_) {
            site_row& row = each.flows[of.site];
            row.delta.bytes += bytes;
            row.delta.blocks += blocks;
            if (blocks > 0) row.allocated = {row.allocated.bytes + bytes, row.allocated.blocks + 1};
            if (live_bytes_ > each.peak) {
                each.peak = live_bytes_;
                each.at_peak = live_;
            }
        }
        if (blocks > 0)
            window_of_birth(of.born).allocated += bytes;
        else if (of.born != born_before)
            window_of_birth(of.born).freed_in[innermost()] -= bytes;
        if (of.label != 0) {
            label_row& row = all_.labels[label_names[of.label]];
            row.delta_bytes += bytes;
            if (blocks > 0) row.allocated = {row.allocated.bytes + bytes, row.allocated.blocks + 1};
            std::int64_t held_bytes = 0;
            for (const auto& [from, amount] : live_)
                if (from.label == of.label) held_bytes += amount.bytes;
            row.peak_bytes = std::max(row.peak_bytes, held_bytes);
        }
    }

    origin_table& window_of_birth(std::size_t born) {
        return all_.windows[born == 1 ? peakscope::phase_info::root : born - 2];
    }

    void leave() {
        const window closed = open_.back();
        open_.pop_back();
        origin_table& sum = all_.windows[closed.phase];
        for (const auto& [site, row] : closed.flows) {
            site_row& into = sum.sites[site];
            into.delta = {into.delta.bytes + row.delta.bytes, into.delta.blocks + row.delta.blocks};
            into.allocated = {into.allocated.bytes + row.allocated.bytes, into.allocated.blocks + row.allocated.blocks};
        }
        sum.born_at_end.clear();
        for (const auto& [from, amount] : live_)
            sum.born_at_end[from.born] += amount.bytes;
        // Of several entries, the first one with the largest peak.
        if (const auto best = best_.find(closed.phase); best != best_.end() && closed.peak <= best->second) return;
        best_[closed.phase] = closed.peak;
        for (auto& [site, row] : sum.sites)
            row.at_peak = {};
        sum.born_at_peak.clear();
        for (const auto& [from, amount] : closed.at_peak) {
            held& into = sum.sites[from.site].at_peak;
            into = {into.bytes + amount.bytes, into.blocks + amount.blocks};
            sum.born_at_peak[from.born] += amount.bytes;
            if (closed.phase == peakscope::phase_info::root && from.label != 0)
                all_.labels[label_names[from.label]].at_peak_bytes += amount.bytes;
        }
    }

    origin_expectation all_;
    std::map<std::size_t, std::int64_t> best_;
    std::map<std::size_t, block> blocks_;
    table live_; // above what lived when the measurement began
    std::int64_t live_bytes_ = 0;
    std::vector<window> open_;
};

// ---- what a report says, in the oracle's form -----------------------------------------------------------------------

inline void read_births(origin_table& into, const peakscope::birth_report& births, std::int64_t start_bytes) {
    for (std::size_t i = 0; i < births.at_peak.size(); ++i) {
        // What was there before is in the report as it is, and in the oracle as a difference.
        into.born_at_peak[i] = births.at_peak[i].count - (i == 0 ? start_bytes : 0);
        into.born_at_end[i] = births.at_end[i].count - (i == 0 ? start_bytes : 0);
        into.freed_in[i] = births.freed_in[i].count;
    }
    into.allocated = births.allocated.count;
}

inline void add_site(origin_table& into, const peakscope::site_report& site, const peakscope::site_amounts& amounts,
                     const peakscope::heap_figures& whole) {
    const bool before = site.stack.empty() && site.function == "(allocated before the measurement)";
    const std::size_t number = before ? before_measurement : site.stack.empty() ? 99 : site_of(site.stack[0].address);
    site_row& row = into.sites[number];
    row.delta = {row.delta.bytes + amounts.delta_bytes.count, row.delta.blocks + amounts.delta_blocks};
    row.at_peak = {row.at_peak.bytes + amounts.at_peak_bytes.count - (before ? whole.start->count : 0),
                   row.at_peak.blocks + amounts.at_peak_blocks -
                       (before ? static_cast<std::int64_t>(*whole.blocks_start) : 0)};
    row.allocated = {row.allocated.bytes + amounts.allocated_bytes.count,
                     row.allocated.blocks + static_cast<std::int64_t>(amounts.allocations)};
}

inline origin_expectation reported_origins(const peakscope::memory_report& report) {
    origin_expectation all;
    origin_table& whole = all.windows[peakscope::phase_info::root];
    for (const peakscope::site_report& site : report.sites)
        add_site(whole, site, site.amounts, report.heap);
    read_births(whole, *report.measurement_births, report.heap.start->count);
    for (std::size_t i = 0; i < report.phases.size(); ++i) {
        if (report.phases[i].entries == 0) continue;
        origin_table& table = all.windows[i];
        for (const peakscope::phase_site_report& each : report.phases[i].sites)
            add_site(table, report.sites[each.site], each.amounts, report.heap);
        read_births(table, *report.phases[i].births, report.heap.start->count);
    }
    for (const peakscope::label_report& each : report.labels)
        all.labels[each.name] = {{each.allocated_bytes.count, static_cast<std::int64_t>(each.allocations)},
                                 each.delta_bytes.count,
                                 each.at_peak_bytes.count,
                                 each.peak_bytes.count};
    drop_zeros(all);
    return all;
}

inline void name(named_figures& figures, const std::string& of, const held& amount) {
    figures[of + ", bytes"] = amount.bytes;
    figures[of + ", blocks"] = amount.blocks;
}

inline named_figures named(const origin_expectation& all) {
    named_figures figures;
    for (const auto& [phase, table] : all.windows) {
        const std::string in = window_name(phase) + ", ";
        figures[in + "allocated by itself"] = table.allocated;
        for (const auto& [site, row] : table.sites) {
            const std::string at = in + "site " + std::to_string(site);
            name(figures, at + ", delta", row.delta);
            name(figures, at + ", at peak", row.at_peak);
            name(figures, at + ", allocated", row.allocated);
        }
        for (const auto& [what, births] : {std::pair{"at peak, born in ", &table.born_at_peak},
                                           {"at end, born in ", &table.born_at_end},
                                           {"freed in ", &table.freed_in}})
            for (const auto& [window, bytes] : *births)
                figures[in + what + std::to_string(window)] = bytes;
    }
    for (const auto& [label, row] : all.labels) {
        const std::string of = "label " + label;
        name(figures, of + ", allocated", row.allocated);
        figures[of + ", delta"] = row.delta_bytes;
        figures[of + ", at peak"] = row.at_peak_bytes;
        figures[of + ", peak"] = row.peak_bytes;
    }
    return figures;
}

} // namespace tests
