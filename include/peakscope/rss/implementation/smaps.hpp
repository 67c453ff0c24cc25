// SPDX-License-Identifier: MIT
// The bodies of rss/smaps.hpp.
#pragma once

#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/rss/implementation/proc_file.hpp>
#include <peakscope/rss/smaps.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace peakscope::rss::detail {

struct smaps_files::reading {
    std::optional<bytes> rss;
    resident_state state;
};

smaps_files::reading smaps_files::read() noexcept {
    std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    const std::string_view text = rollup_.read_start(buffer);
    const auto sum = [&](std::string_view first, std::string_view second) -> std::optional<bytes> {
        const auto one = kib_after(text, first);
        const auto other = kib_after(text, second);
        return one && other ? std::optional{*one + *other} : std::nullopt;
    };
    return {.rss = kib_after(text, "Rss:"),
            .state = {.anonymous = kib_after(text, "Anonymous:"),
                      .pss = kib_after(text, "Pss:"),
                      .uss = sum("Private_Clean:", "Private_Dirty:"),
                      .shared = sum("Shared_Clean:", "Shared_Dirty:"),
                      .swap = kib_after(text, "Swap:")}};
}

void smaps_files::open() {
    peaks_.open();
    const int reason = rollup_.open(rollup_path_, proc_file::access::read);
    remark_ = reason == 0 ? "" : unavailable_because("PSS, USS and the like are", rollup_path_, reason);
}

void smaps_files::close() noexcept {
    rollup_.close();
    peaks_.close();
}

void smaps_files::enter(window& inner, window* outer) noexcept {
    peaks_.enter(inner.peaks_, outer != nullptr ? &outer->peaks_ : nullptr);
    inner.start_ = read().rss;
    inner.share_at_start_ = peaks_.own().at_reading();
}

rss_figures smaps_files::leave(window& inner, window* outer) noexcept {
    const reading now = read();
    rss_figures figures = peaks_.leave(inner.peaks_, outer != nullptr ? &outer->peaks_ : nullptr);
    if (!inner.start_ || !now.rss) return figures;
    const own_share::estimate& at_start = inner.share_at_start_;
    const own_share::estimate& share = peaks_.own().at_reading();
    const bytes start = *inner.start_ - at_start.share();
    const bytes end = *now.rss - share.share();
    const bytes delta_bound = own_share::bound_between(at_start, share, *now.rss - *inner.start_);
    set_totals(figures, start, end, bounded(std::max({share.bound, at_start.bound, delta_bound})));
    figures.delta_bound.reset();
    if (delta_bound < figures.totals_precision.bound) figures.delta_bound = delta_bound;
    // The mark is less precise than what is known of both ends.
    if (figures.peak) set_peak(figures, std::max({*figures.peak, start, end}), start, figures.peak_precision);
    const std::optional<resident_state> by_kind = figures.at_end;
    figures.at_end = now.state;
    for (auto* const part : {&figures.at_end->anonymous, &figures.at_end->pss, &figures.at_end->uss})
        if (*part) **part -= share.share();
    if (by_kind) {
        figures.at_end->file = by_kind->file;
        figures.at_end->shmem = by_kind->shmem;
    }
    return figures;
}

std::string smaps_files::remark() const {
    const std::string of_peaks = peaks_.remark();
    return of_peaks.empty() || remark_.empty() ? of_peaks + remark_ : of_peaks + ". " + remark_;
}

} // namespace peakscope::rss::detail
