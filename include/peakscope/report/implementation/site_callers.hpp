// SPDX-License-Identifier: MIT
// Who called a line of the program that allocates: of a wrapper, its callers say more than its name.
#pragma once

#include <peakscope/core/implementation/rank.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/implementation/site_lines.hpp>

#include <range/v3/algorithm/find_if.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::report::detail {

// The user's frame that called the one by which a site is named: the next one in the same tree of files. Empty where
// the stack ends before that.
[[nodiscard]] inline std::string caller_of(const site_report& site) {
    std::string_view within_tree = site.file;
    while (within_tree.starts_with("../"))
        within_tree.remove_prefix(3);
    const auto named = ranges::find_if(site.stack, [&](const stack_frame& frame) {
        return frame.line == site.line && frame.function == site.function && frame.file.ends_with(within_tree);
    });
    if (within_tree.empty() || named == site.stack.end()) return {};
    const std::string_view tree = named->file.view().substr(0, named->file.size() - within_tree.size());
    const auto caller = ranges::find_if(named + 1, site.stack.end(), [&](const stack_frame& frame) {
        return !frame.file.empty() && frame.file.starts_with(tree) && frame.function != site.function;
    });
    if (caller == site.stack.end()) return {};
    return place_of(caller->file.str().substr(tree.size()), caller->line, short_name(caller->function));
}

class line_callers {
  public:
    template <class Weight>
    line_callers(const memory_report& report, Weight weight) {
        const line_names names{report};
        for (std::size_t i = 0; i < report.sites.size(); ++i)
            if (const std::int64_t amount = weight(report.sites[i].amounts); amount > 0)
                by_line_[names[i]][caller_of(report.sites[i])] += bytes{amount};
    }

    // The one through which most came first.
    [[nodiscard]] std::vector<std::string> of(const std::string& place) const {
        const auto found = by_line_.find(place);
        if (found == by_line_.end()) return {};
        std::vector<std::string> all;
        for (const auto& [caller, amount] : found->second)
            if (!caller.empty()) all.push_back(caller);
        sort_by_rank(
            all, [&](const std::string& each) { return rank{.first = -found->second.at(each).count, .name = each}; });
        return all;
    }

  private:
    std::map<std::string, std::map<std::string, bytes>> by_line_{};
};

} // namespace peakscope::report::detail
