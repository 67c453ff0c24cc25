// SPDX-License-Identifier: MIT
// The thread of rss::procfs_watched, and the profiler's share of what it has read.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/implementation/watcher.hpp>
#include <peakscope/core/timeline.hpp>
#include <peakscope/memory/bounded_series.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace peakscope::rss::detail {

class rss_watcher : public peakscope::detail::watcher {
  public:
    template <class Look>
    rss_watcher(Look look, std::chrono::nanoseconds interval) : watcher{std::move(look), interval} {
        static_cast<void>(shares_.begin(now())); // without memory for it, readings are what they were
    }

    // At a boundary, on the measuring thread.
    void add_share(bytes share) noexcept { shares_.add(now(), share.count); }

    // Each with the profiler's share taken out, which is known at boundaries alone: between two of them it is taken to
    // have changed evenly. By the steady clock.
    [[nodiscard]] std::vector<timeline_point> readings() {
        std::vector<point> shares;
        shares_.for_each([&](const point& each) { shares.push_back(each); });
        std::vector<timeline_point> points;
        std::size_t next = 0;
        for_each_reading([&](const point& each) {
            while (next < shares.size() && shares[next].nanoseconds <= each.nanoseconds)
                ++next;
            std::int64_t share = 0;
            if (!shares.empty())
                share = share_between(shares[std::max<std::size_t>(next, 1) - 1],
                                      shares[std::min(next, shares.size() - 1)], each.nanoseconds);
            points.push_back({std::chrono::nanoseconds{each.nanoseconds}, {}, bytes{each.value - share}});
        });
        return points;
    }

  private:
    using point = memory::bounded_series::point;

    [[nodiscard]] static std::int64_t share_between(const point& before, const point& after,
                                                    std::int64_t nanoseconds) noexcept {
        if (after.nanoseconds <= before.nanoseconds) return before.value;
        const double part = static_cast<double>(nanoseconds - before.nanoseconds) /
                            static_cast<double>(after.nanoseconds - before.nanoseconds);
        return before.value + static_cast<std::int64_t>(part * static_cast<double>(after.value - before.value));
    }

    memory::bounded_series shares_{};
};

} // namespace peakscope::rss::detail
