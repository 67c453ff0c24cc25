// SPDX-License-Identifier: MIT
// rss::smaps: resident memory by what it consists of, from Linux's /proc/self/smaps_rollup (4.14 and later, proc(5)).
//
//     using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::smaps>;
//
// The kernel walks all page tables for it: start, end and delta are exact, and the report tells what is anonymous,
// proportional (PSS), unique (USS), shared and swapped out at the end of each window. That costs some 0.1 ms for each
// 100 MiB that are mapped. Peaks are those of rss::procfs, and as precise.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/proc_file.hpp>
#include <peakscope/rss/procfs.hpp>

#include <optional>
#include <string>

namespace peakscope::rss {

namespace detail {

class smaps_files {
  public:
    static constexpr const char* name = "smaps";

    class window {
        friend smaps_files;
        procfs_files::window peaks_{};
        std::optional<bytes> start_{};
        own_share::estimate share_at_start_{};
    };

    // The paths must outlive the object.
    smaps_files(const procfs_files::paths& of_peaks, const char* rollup_path) noexcept
        : peaks_(of_peaks), rollup_path_(rollup_path) {}
    smaps_files(const smaps_files&) = delete;
    smaps_files& operator=(const smaps_files&) = delete;

    /// Throws what `procfs_at::open` throws. That the file is missing is not an error: the figures are those of
    /// rss::procfs then, and `remark()` says why.
    PEAKSCOPE_BODY_ELSEWHERE void open();
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;

    void leave_out(const own_residence& own) noexcept { peaks_.leave_out(own); }
    PEAKSCOPE_BODY_ELSEWHERE void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE rss_figures leave(window& inner, window* outer) noexcept;

    [[nodiscard]] std::optional<bytes> process_peak() const noexcept { return peaks_.process_peak(); }
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string remark() const;

  private:
    struct reading;

    [[nodiscard]] reading read() noexcept;

    procfs_files peaks_;
    const char* rollup_path_;
    proc_file rollup_{};
    std::string remark_{};
};

} // namespace detail

/// The RSS source over a directory laid out like /proc/self. Global to the process: one measurement at a time, and none
/// with rss::procfs beside it.
template <fixed_string Directory>
class smaps_at : public detail::smaps_files {
  public:
    smaps_at() noexcept
        : smaps_files({status_path.c_str(), statm_path.c_str(), clear_refs_path.c_str()}, rollup_path.c_str()) {}

  private:
    static constexpr auto status_path = Directory + fixed_string{"/status"};
    static constexpr auto statm_path = Directory + fixed_string{"/statm"};
    static constexpr auto clear_refs_path = Directory + fixed_string{"/clear_refs"};
    static constexpr auto rollup_path = Directory + fixed_string{"/smaps_rollup"};
};

} // namespace peakscope::rss
