// SPDX-License-Identifier: MIT
// rss::working_set: how much of the resident memory a phase touches, which is what it would need to run without
// swapping. Linux alone; RSS itself is that of rss::procfs.
//
//     using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::working_set>;
//
// The processor marks a page as referenced when it is read or written. At each boundary these marks are counted
// (/proc/self/smaps) and taken away (`1` to /proc/self/clear_refs, proc(5)), so they are those of the time in between.
// A processor does not mark anew a page whose translation it has at hand, which may be some thousand pages, those used
// most among them; so the translations are thrown away as well.
//
// What a phase touched is between two bounds:
// - Anonymous memory, heap and stacks, is known to the page, and is the least. The kernel marks pages of files for
//   other processes that read or map them too, code of shared libraries above all; so what of mapped files and shared
//   memory is marked is in the most alone.
// - Several parts of a window, its children among them, may have touched the same pages or others: at least what the
//   largest part did, at most the sum. Of a phase that is entered several times, the largest entry counts.
// - The profiler's tables are resident and may have been touched: the least is without them, the most not. Its headers,
//   which lie in the pages of the program's blocks, count as the program's, and so do its code and its pages of the
//   stack: some 100 KiB at a boundary, nearly all of it code.
//
// What it cannot see: what is unmapped before the part ends is resident no more. A huge page counts whole. What other
// threads touch while the marks are counted may be lost; and while the system is short of memory, the kernel takes
// marks away too.
//
// It costs some 4 ms at a boundary for 200 MiB that are resident, and 0.3 ms at least; none of it in the phase's time.
// Side effects: the kernel chooses what to swap out by the same marks, and takes for unused what has not been touched
// since the last boundary; and the program looks up its translations once more. As with rss::procfs, the high-water
// mark is reset.
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

class working_set_files {
  public:
    static constexpr const char* name = "working_set";

    class window {
        friend working_set_files;
        procfs_files::window resident_{};
        std::optional<touched_memory> touched_{}; // so far; empty when it cannot be known
    };

    // The paths must outlive the object.
    working_set_files(const procfs_files::paths& of_rss, const char* smaps_path) noexcept
        : rss_(of_rss), clear_refs_path_(of_rss.clear_refs), smaps_path_(smaps_path) {}
    working_set_files(const working_set_files&) = delete;
    working_set_files& operator=(const working_set_files&) = delete;

    /// Throws what `procfs_at::open` throws. That the kernel does not tell what is referenced is not an error: the
    /// figures are those of rss::procfs then, and `remark()` says why.
    PEAKSCOPE_BODY_ELSEWHERE void open();
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;

    void leave_out(const own_residence& own) noexcept {
        tables_ = own.tables;
        rss_.leave_out(own);
    }
    PEAKSCOPE_BODY_ELSEWHERE void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE rss_figures leave(window& inner, window* outer) noexcept;

    [[nodiscard]] std::optional<bytes> process_peak() const noexcept { return rss_.process_peak(); }
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string remark() const;

  private:
    [[nodiscard]] std::optional<touched_memory> read() noexcept;
    [[nodiscard]] std::optional<touched_memory> next_part() noexcept;

    procfs_files rss_;
    const char* clear_refs_path_;
    const char* smaps_path_;
    proc_file smaps_{};
    proc_file clear_refs_{};
    bytes tables_{};
    bool begun_ = false; // a part, with no mark left of the one before
    std::string remark_{};
};

} // namespace detail

/// The RSS source over a directory laid out like /proc/self. Global to the process: one measurement at a time, and none
/// with rss::procfs or rss::smaps beside it.
template <fixed_string Directory>
class working_set_at : public detail::working_set_files {
  public:
    working_set_at() noexcept
        : working_set_files({status_path.c_str(), statm_path.c_str(), clear_refs_path.c_str()}, smaps_path.c_str()) {}

  private:
    static constexpr auto status_path = Directory + fixed_string{"/status"};
    static constexpr auto statm_path = Directory + fixed_string{"/statm"};
    static constexpr auto clear_refs_path = Directory + fixed_string{"/clear_refs"};
    static constexpr auto smaps_path = Directory + fixed_string{"/smaps"};
};

} // namespace peakscope::rss
