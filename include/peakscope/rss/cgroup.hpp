// SPDX-License-Identifier: MIT
// rss::cgroup: what the process's control group is charged with, versions 1 and 2 (cgroups(7)): the figure that a
// container's limit is about.
//
//     using Memory = peakscope::profiler<Phases, Heap, peakscope::rss::cgroup>;
//
// It is the group's: of all processes in it, with the page cache and the kernel's own memory for them. Peaks: version 2
// sets its mark back for the reader alone (Linux 6.12 and later), version 1 for all readers, where the process may
// write to the file. Where neither is so, a window's peak is known if the group's maximum rose inside the window. The
// kernel charges in batches of 64 pages per CPU, and every figure is `bounded` by twice that.
//
// The profiler's own memory is charged too, and left in: what a limit is about has it as well, and with other processes
// and the page cache around, nobody can say how much of the maximum it was. The report tells how large it is.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/own_residence.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/high_water_mark.hpp>
#include <peakscope/rss/proc_file.hpp>

#include <optional>
#include <string>

namespace peakscope::rss {

namespace detail {

// A file with the group's maximum, kept open: version 2 sets it back for whoever holds it open.
class peak_file {
  public:
    peak_file() = default;
    peak_file(const peak_file&) = delete;
    peak_file& operator=(const peak_file&) = delete;
    ~peak_file() { close(); }

    void open(const std::string& path) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;
    [[nodiscard]] bool reset() const noexcept;
    [[nodiscard]] std::optional<bytes> read() const noexcept;

  private:
    int descriptor_ = -1;
};

class cgroup_files {
  public:
    static constexpr const char* name = "cgroup";

    class window {
        friend cgroup_files;
        std::optional<bytes> start_{};
        std::optional<bytes> peak_{}; // so far, from before the last reset
        mark_in_window mark_{};
    };

    // The process's directory in /proc; the text must outlive the object.
    explicit cgroup_files(const char* process) noexcept : process_(process) {}
    cgroup_files(const cgroup_files&) = delete;
    cgroup_files& operator=(const cgroup_files&) = delete;

    /// Throws `usage_error` when another measurement uses it. That there is no group is not an error: the figures are
    /// `unavailable`, and `remark()` says why.
    PEAKSCOPE_BODY_ELSEWHERE void open();
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;

    void leave_out(const own_residence& own) noexcept { own_ = own.tables + own.headers; }
    PEAKSCOPE_BODY_ELSEWHERE void enter(window& inner, window* outer) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE rss_figures leave(window& inner, window* outer) noexcept;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string remark() const;

  private:
    [[nodiscard]] std::optional<bytes> current() noexcept;
    static void note(window& window, const std::optional<bytes>& seen) noexcept;

    const char* process_;
    std::string current_path_{};
    proc_file current_{};
    peak_file peak_{};
    std::optional<bytes> limit_{};
    bool resets_ = false;
    bytes own_{}; // at the last boundary
    std::string remark_{};
};

} // namespace detail

/// The RSS source over the control group of the process whose directory in /proc is given. Global to the process: one
/// measurement at a time.
template <fixed_string Process>
class cgroup_at : public detail::cgroup_files {
  public:
    cgroup_at() noexcept : cgroup_files(Process.c_str()) {}
};

} // namespace peakscope::rss
