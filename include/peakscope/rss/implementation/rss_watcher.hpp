// SPDX-License-Identifier: MIT
// The thread of rss::procfs_watched, and the profiler's share of what it has read.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/implementation/watcher.hpp>
#include <peakscope/core/timeline.hpp>
#include <peakscope/memory/bounded_series.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

namespace peakscope::rss::detail {

class rss_watcher : public peakscope::detail::watcher {
  public:
    template <class Look>
    rss_watcher(Look look, std::chrono::nanoseconds interval) : watcher{std::move(look), interval} {
        static_cast<void>(readings_.begin(now())); // without memory for it, there are none
    }

    // At each boundary, on the measuring thread: what has been read since the one before is kept, and the profiler's
    // share is taken out of it. What was read before the first boundary is not kept. The share is known at the
    // boundaries; between two of them it is taken to have changed as the live bytes of the heap have, or evenly where
    // these are not known. But no reading is kept as more than the peak that was found in between, and the highest is
    // that peak.
    void end_interval(bytes highest, bytes share_at_highest, bytes share, number_beside live_bytes) {
        const boundary now{watcher::now(), share.count, live_bytes != nullptr ? live_bytes() : 0};
        note_beside(live_bytes);
        const std::int64_t peak = (highest - share_at_highest).count;
        take_readings([&](const memory::series_point_beside& each) {
            if (last_.nanoseconds == 0) return;
            const std::int64_t rest = each.value - share_between(last_, now, each);
            readings_.add({each.nanoseconds, each.value == highest.count ? peak : std::min(rest, peak)});
        });
        last_ = now;
    }

    // By the steady clock.
    [[nodiscard]] std::vector<timeline_point> readings() const {
        std::vector<timeline_point> points;
        readings_.for_each([&](const memory::series_point& each) {
            points.push_back({std::chrono::nanoseconds{each.nanoseconds}, {}, bytes{each.value}});
        });
        return points;
    }

  private:
    struct boundary {
        std::int64_t nanoseconds; // 0: there was none
        std::int64_t share;
        std::int64_t live_bytes;
    };

    [[nodiscard]] static std::int64_t share_between(const boundary& before, const boundary& after,
                                                    const memory::series_point_beside& at) noexcept {
        const bool by_heap = before.live_bytes != after.live_bytes;
        const std::int64_t whole =
            by_heap ? after.live_bytes - before.live_bytes : after.nanoseconds - before.nanoseconds;
        const std::int64_t so_far = by_heap ? at.beside - before.live_bytes : at.nanoseconds - before.nanoseconds;
        if (whole == 0) return after.share;
        const double part = std::clamp(static_cast<double>(so_far) / static_cast<double>(whole), 0.0, 1.0);
        return before.share + static_cast<std::int64_t>(part * static_cast<double>(after.share - before.share));
    }

    memory::bounded_series readings_{};
    boundary last_{0, 0, 0};
};

} // namespace peakscope::rss::detail
