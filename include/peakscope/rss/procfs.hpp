// SPDX-License-Identifier: MIT
// rss::procfs: the resident set size and its peak per window, from Linux's /proc (proc(5)).
//
// The kernel keeps the largest RSS so far as VmHWM in /proc/self/status, and sets it back to the present RSS when "5"
// is written to /proc/self/clear_refs (since 4.0). So at each boundary, the mark is noted for the windows it is in, and
// reset. The side effect: whoever reads that mark later, as VmHWM or as ru_maxrss of getrusage and wait4
// (GNU time does), sees the largest RSS since the last reset. The report has the true one, and says so where they
// differ. A rise of another thread's making in the microsecond between the reading and the reset is lost.
// `procfs_watched<...>` leaves the mark alone.
//
// `procfs_shared<...>` is for phases that are entered very often.
//
// What a boundary costs: /proc/self/status takes 5 us and more, because the kernel writes down much else in it. Where
// the process has had no page fault since the boundary before, the RSS cannot have risen, and if /proc/self/statm has
// the same number of pages, nothing has come and gone: the last reading holds, and so does the mark. That takes 2 to 3
// us.
//
// What the profiler itself keeps resident is in no figure (own_share.hpp).
//
// Precision. The kernel counts resident pages per CPU (since 6.2; per thread before) and folds them into the sum in
// batches. Newer kernels read all counters for VmRSS, which is exact then; older ones read the folded sum; which it is,
// is tried out at `open`. VmHWM is taken from the folded sum by all. A folded reading can be off by
//     3 counters (file, anonymous, shared) x the pages that can be outstanding x the page size:
//     max(32, 2 x CPUs) pages per CPU, or 64 pages per thread, whichever is more.
// A figure is `bounded` by that for each such reading in it, and by what is not known of the profiler's share. Of a
// phase that is entered again and again, the bounds of all entries add up; a sum that could be off by as much as the
// largest RSS there was says nothing, and is `unavailable`.
//
// Where /proc is not there, every figure is `unavailable`; where only the reset is refused, the peaks are. The report
// says which, and why.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/core/timeline.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/own_share.hpp>
#include <peakscope/rss/proc_file.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peakscope::rss {

namespace detail {

class rss_watcher;

class procfs_files {
  public:
    static constexpr const char* name = "procfs";

    class window {
        friend procfs_files;
        std::optional<bytes> start_{};
        own_share::estimate share_at_start_{};
        std::optional<bytes> peak_{}; // so far, from before the last reset; empty when a peak cannot be known
        bytes peak_bound_{};          // of the profiler's share
        bool shared_ = false;         // its start is an earlier boundary's reading
        std::int64_t threads_ = 1;
    };

    struct paths {
        const char* status;
        const char* statm;
        const char* clear_refs;
    };

    // The paths must outlive the object. At an interval above 0 the mark is left alone, and a thread looks. At a
    // spacing above 0, boundaries share readings.
    explicit procfs_files(const paths& of, std::chrono::nanoseconds interval = {},
                          std::chrono::nanoseconds spacing = {}) noexcept
        : paths_(of), interval_(interval), spacing_(spacing) {}
    PEAKSCOPE_BODY_ELSEWHERE ~procfs_files();
    procfs_files(const procfs_files&) = delete;
    procfs_files& operator=(const procfs_files&) = delete;

    /// Throws `usage_error` when another measurement uses the kernel's high-water mark. That /proc is missing is not an
    /// error: the figures are `unavailable`, and `remark()` says why.
    PEAKSCOPE_BODY_ELSEWHERE void open();
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;

    void leave_out(const own_residence& own) noexcept { own_.set(own); }
    PEAKSCOPE_BODY_ELSEWHERE void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE rss_figures leave(window& inner, window* outer) noexcept;

    [[nodiscard]] const own_share& own() const noexcept { return own_; }
    [[nodiscard]] std::optional<bytes> process_peak() const noexcept { return process_peak_; }
    // Of the thread; none at an interval of 0.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<timeline_point> readings() const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string remark() const;

  private:
    struct reading {
        std::optional<bytes> rss{};
        std::optional<bytes> high_water{};
        std::optional<resident_state> parts{};
        std::int64_t threads = 1;
        bool shared = false; // made at an earlier boundary
    };

    [[nodiscard]] reading read() noexcept;
    [[nodiscard]] bool shares_reading() noexcept;
    [[nodiscard]] bool nothing_new() noexcept;
    [[nodiscard]] reading read_boundary() noexcept;
    [[nodiscard]] bool reads_exactly() noexcept;
    [[nodiscard]] bool starts_mark() noexcept;
    static void note_peak(window& window, const std::optional<bytes>& seen, const own_share::estimate& share) noexcept;

    paths paths_;
    std::chrono::nanoseconds interval_;
    std::chrono::nanoseconds spacing_;
    std::chrono::nanoseconds next_reading_{}; // by the steady clock; in the past by those that are saved up
    std::uint64_t boundaries_ = 0;
    std::uint64_t shared_ = 0; // of these
    proc_file status_{};
    proc_file statm_{};
    proc_file clear_refs_{};
    rss_watcher* watcher_ = nullptr;
    bool peaks_ = false;
    bool exact_ = false;           // what VmRSS says
    reading last_{};               // at a boundary
    std::int64_t last_faults_ = 0; // of the process, before it
    bool mark_is_rss_ = false;     // the kernel's mark is what was resident then
    own_share own_{};
    std::optional<bytes> process_peak_{};
    std::string remark_{};
};

} // namespace detail

/// The RSS source over a directory laid out like /proc/self. Global to the process: one measurement at a time.
template <fixed_string Directory>
class procfs_at : public detail::procfs_files {
  public:
    procfs_at() noexcept : procfs_files({status_path.c_str(), statm_path.c_str(), clear_refs_path.c_str()}) {}

  private:
    static constexpr auto status_path = Directory + fixed_string{"/status"};
    static constexpr auto statm_path = Directory + fixed_string{"/statm"};
    static constexpr auto clear_refs_path = Directory + fixed_string{"/clear_refs"};
};

/// The same, and the kernel's high-water mark is left as it is: for programs whose own is looked at by others. Peaks
/// are `sampled`, the largest that a thread has seen which looks every so many microseconds; what it has seen is in the
/// report's timeline. Any number of measurements.
template <std::uint32_t Microseconds>
class procfs_watched : public detail::procfs_files {
    static_assert(Microseconds > 0, "peakscope: procfs_watched<...> needs an interval of at least 1 microsecond");

  public:
    static constexpr const char* name = "procfs_watched";

    procfs_watched() noexcept
        : procfs_files({"/proc/self/status", "/proc/self/statm", "/proc/self/clear_refs"},
                       std::chrono::microseconds{Microseconds}) {}
};

/// rss::procfs for phases that are entered very often: one reading in so many microseconds, and 64 that are saved up
/// while boundaries are rare. A boundary that comes faster than that takes over the last reading, which is at most that
/// old, and costs a look at the clock. Phases that are entered rarely are as exact as with rss::procfs.
///
/// What has come and gone since the reading is not known, and nothing bounds it: figures with such a reading at either
/// end are `sampled` by that time. What they miss, the next boundary and the phases around have; these and their peaks
/// are as exact as their own ends.
template <std::uint32_t Microseconds>
class procfs_shared : public detail::procfs_files {
    static_assert(Microseconds > 0, "peakscope: procfs_shared<...> needs a time of at least 1 microsecond");

  public:
    static constexpr const char* name = "procfs_shared";

    procfs_shared() noexcept
        : procfs_files({"/proc/self/status", "/proc/self/statm", "/proc/self/clear_refs"}, {},
                       std::chrono::microseconds{Microseconds}) {}
};

} // namespace peakscope::rss
