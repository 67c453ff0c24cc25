// SPDX-License-Identifier: MIT
// The body of rss/own_share.hpp.
#pragma once

#include <peakscope/memory/pages.hpp>
#include <peakscope/rss/own_share.hpp>

#include <algorithm>
#include <cstdint>

namespace peakscope::rss::detail {

[[nodiscard]] inline bytes size_of(bytes difference) noexcept { return std::max(difference, -difference); }

void own_share::read(bytes rss, bytes highest, bytes anonymous) noexcept {
    if (!known_) return;
    if (!read_) before_ = now_;
    read_ = true;
    const bytes kept_before = kept_;
    if (now_.headers >= kept_) {
        kept_ = now_.headers;
        kept_heap_ = now_.heap;
    }
    if (now_.most_headers >= kept_) {
        kept_ = now_.most_headers;
        kept_heap_ = now_.heap_then;
    }
    most_ = std::max(most_, kept_);
    // RSS is largest when the heap is, with the headers that came up to then.
    const bytes at_peak =
        now_.largest_heap > bytes{} ? std::max({kept_before, before_.headers, now_.headers_at_largest}) : kept_;
    // What has gone of that heap: what is larger than it went first.
    const bytes gone = std::max(highest - rss, bytes{});
    const bytes gone_of_it = std::max(gone - std::max(now_.largest_heap - kept_heap_, bytes{}), bytes{});
    const bytes freed = kept_heap_ - now_.heap;
    if (freed > bytes{}) {
        const double part = std::min(1.0, static_cast<double>(gone_of_it.count) / static_cast<double>(freed.count));
        const auto part_of = [part](bytes of) {
            return bytes{static_cast<std::int64_t>(part * static_cast<double>(of.count))};
        };
        kept_ -= part_of(kept_ - now_.headers);
        kept_heap_ -= part_of(freed);
    }

    const bytes others = anonymous - now_.tables - now_.headers * 2;
    const bytes most_now = std::min(most_, now_.headers + std::max(others, bytes{}) / 2);
    kept_ = std::max(now_.headers, std::min(kept_, most_now));
    at_reading_ = {now_.tables, kept_, std::max(kept_ - now_.headers, most_now - kept_)};
    // The largest RSS was with what there was before, or now, or in between; as with a difference, little is unsure
    // where little has gone since.
    const bytes range = most_ - std::min({at_peak, before_.headers, now_.headers});
    const bytes since = at_reading_.bound + gone / 2 + size_of(at_peak - kept_);
    at_highest_ = {now_.tables, gone > bytes{} ? at_peak : kept_,
                   std::min(range, since) + (gone > bytes{} ? size_of(now_.tables - before_.tables) : bytes{})};
    before_ = now_;
}

bytes own_share::bound_between(const estimate& start, const estimate& end, bytes rss_change) noexcept {
    const bytes change = end.headers - start.headers;
    const bytes bound =
        std::min(start.bound + end.bound, size_of(rss_change - (end.tables - start.tables)) / 2 + size_of(change));
    // Headers are known by the byte, and resident by the page.
    const bytes page{static_cast<std::int64_t>(memory::page_bytes())};
    return change == bytes{} ? bound : std::max(bound, page);
}

} // namespace peakscope::rss::detail
