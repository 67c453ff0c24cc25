// SPDX-License-Identifier: MIT
// rss::smaps: resident memory by what it consists of, from Linux's /proc/self/smaps_rollup (4.14 and later, proc(5)).
//
//     using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::smaps>;
//
// The kernel walks all page tables for it: start, end and delta are exact, and the report tells what is anonymous,
// proportional (PSS), unique (USS), shared and swapped out at the end of each window. That costs some 0.1 ms for each
// 100 MiB that are mapped. Peaks are those of rss::procfs, and as precise.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/proc_file.hpp>
#include <peakscope/rss/procfs.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace peakscope::rss {

/// The RSS source over a directory laid out like /proc/self. Global to the process: one measurement at a time, and none
/// with rss::procfs beside it.
template <fixed_string Directory>
class smaps_at {
  public:
    static constexpr const char* name = "smaps";

    class window {
        friend smaps_at;
        typename procfs_at<Directory>::window peaks_;
        std::optional<bytes> start_;
    };

    /// Throws what `procfs_at::open` throws. That the file is missing is not an error: the figures are those of
    /// rss::procfs then, and `remark()` says why.
    void open() {
        peaks_.open();
        const int reason = rollup_.open(rollup_path.c_str(), detail::proc_file::access::read);
        remark_ = reason == 0 ? ""
                              : std::string{"PSS, USS and the like are unavailable: "} + rollup_path.c_str() + ": " +
                                    std::generic_category().message(reason);
    }
    void close() noexcept {
        rollup_.close();
        peaks_.close();
    }

    void enter(window& inner, window* outer) noexcept {
        inner.start_ = read().rss;
        peaks_.enter(inner.peaks_, outer != nullptr ? &outer->peaks_ : nullptr);
    }

    rss_figures leave(window& inner, window* outer) noexcept {
        rss_figures figures = peaks_.leave(inner.peaks_, outer != nullptr ? &outer->peaks_ : nullptr);
        const reading now = read();
        if (!inner.start_ || !now.rss) return figures;
        figures.totals_precision = exact;
        figures.start = inner.start_;
        figures.end = now.rss;
        figures.delta = *now.rss - *inner.start_;
        // The mark is less precise than what is known of both ends.
        if (figures.peak) figures.peak = std::max({*figures.peak, *figures.start, *figures.end});
        if (figures.peak) figures.peak_delta = *figures.peak - *figures.start;
        const std::optional<resident_state> by_kind = figures.at_end;
        figures.at_end = now.state;
        if (by_kind) {
            figures.at_end->file = by_kind->file;
            figures.at_end->shmem = by_kind->shmem;
        }
        return figures;
    }

    [[nodiscard]] std::string remark() const {
        const std::string of_peaks = peaks_.remark();
        return of_peaks.empty() || remark_.empty() ? of_peaks + remark_ : of_peaks + ". " + remark_;
    }

  private:
    static constexpr auto rollup_path = Directory + fixed_string{"/smaps_rollup"};

    struct reading {
        std::optional<bytes> rss;
        resident_state state;
    };

    [[nodiscard]] reading read() noexcept {
        std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
        const std::string_view text = rollup_.read_start(buffer);
        const auto sum = [&](std::string_view first, std::string_view second) -> std::optional<bytes> {
            const auto one = detail::kib_after(text, first);
            const auto other = detail::kib_after(text, second);
            return one && other ? std::optional{*one + *other} : std::nullopt;
        };
        reading now;
        now.rss = detail::kib_after(text, "Rss:");
        now.state.anonymous = detail::kib_after(text, "Anonymous:");
        now.state.pss = detail::kib_after(text, "Pss:");
        now.state.uss = sum("Private_Clean:", "Private_Dirty:");
        now.state.shared = sum("Shared_Clean:", "Shared_Dirty:");
        now.state.swap = detail::kib_after(text, "Swap:");
        return now;
    }

    procfs_at<Directory> peaks_;
    detail::proc_file rollup_;
    std::string remark_;
};

} // namespace peakscope::rss
