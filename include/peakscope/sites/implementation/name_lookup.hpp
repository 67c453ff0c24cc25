// SPDX-License-Identifier: MIT
// The bodies of sites/name_lookup.hpp.
#pragma once

#include <peakscope/sites/implementation/modules.hpp>
#include <peakscope/sites/implementation/name_cache.hpp>
#include <peakscope/sites/implementation/name_table.hpp>
#include <peakscope/sites/implementation/naming_child.hpp>
#include <peakscope/sites/name_lookup.hpp>
#include <peakscope/sites/objects.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace peakscope::sites::detail {

// What the process has asked for, as long as the same libraries are loaded.
struct known_names {
    name_table table{};
    std::uint64_t loads = 0;
    bool few = true;            // a program asks again and again for a few names, and once for many: these are not kept
    bool children_fail = false; // one did: what it took is not tried again

    [[nodiscard]] static known_names& of_process() {
        static known_names* const known = new known_names; // to the end: a report may be made at exit
        return *known;
    }
};

name_lookup::~name_lookup() {
    if (known_names& known = known_names::of_process(); !known.few) known.table.clear();
}

bool name_lookup::append(address return_address, std::vector<stack_frame>& frames) {
    known_names& known = known_names::of_process();
    const auto found = known.table.find(return_address);
    if (found == known.table.end()) return false;
    std::vector<stack_frame>& names = found->second;
    if (names.empty()) names.emplace_back();
    if (known.few)
        frames.insert(frames.end(), names.begin(), names.end());
    else
        std::ranges::move(names, std::back_inserter(frames));
    return true;
}

void name_lookup::prepare(const std::vector<address>& all, append_names look_up) {
    constexpr std::chrono::seconds time{30}; // a hundred times what a large program takes
    known_names& known = known_names::of_process();
    if (const std::uint64_t loads = loads_and_unloads(); loads != known.loads) {
        known.table.clear();
        known.loads = loads;
    }
    figures_ = {};
    known.few = all.size() <= 1'024;
    const name_cache cache;
    remark_ = cache.remark();
    module_list modules;
    std::vector<name_table> kept; // of each module, by its own addresses
    std::vector<std::pair<address, std::uint32_t>> missing;
    for (const address each : all) {
        const std::optional<std::uint32_t> number = modules.number_of(each);
        if (!number) continue;
        ++figures_.addresses;
        const module_report& of = modules.all()[*number];
        if (cache.is_on() && kept.size() < modules.all().size()) kept.push_back(cache.read(of));
        bool is_known = known.table.contains(each);
        if (!is_known && cache.is_on())
            if (const auto found = kept[*number].find(each - of.load_bias); found != kept[*number].end())
                is_known = known.table.emplace(each, found->second).second;
        if (is_known)
            ++figures_.cached;
        else
            missing.emplace_back(each, *number);
    }
    if (missing.empty() || known.children_fail) return;
    std::vector<address> asked;
    asked.reserve(missing.size());
    for (const auto& [each, number] : missing)
        asked.push_back(each);
    names_of_children children = name_in_children(asked, look_up, time);
    figures_.children_peak_rss = children.peak_rss;
    known.children_fail = !children.names;
    if (!children.names) return;
    std::vector<bool> grew(kept.size());
    for (const auto& [each, number] : missing) {
        if (!cache.is_on()) break;
        kept[number][each - modules.all()[number].load_bias] = (*children.names)[each];
        grew[number] = true;
    }
    for (std::size_t i = 0; i < kept.size(); ++i)
        if (grew[i]) cache.keep(modules.all()[i], kept[i]);
    known.table.merge(*children.names);
}

} // namespace peakscope::sites::detail
