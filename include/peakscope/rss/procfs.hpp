// SPDX-License-Identifier: MIT
// rss::procfs: the resident set size and its peak per window, from Linux's /proc (proc(5)).
//
// The kernel keeps the largest RSS so far as VmHWM in /proc/self/status, and sets it back to the present RSS when "5"
// is written to /proc/self/clear_refs (since 4.0). So each window starts by noting the mark for the window around it
// and resetting it. The side effect is documented: other readers of the process's VmHWM see the reset too, and a rise
// of another thread's making in the microsecond between the reading and the reset is lost.
//
// Precision. The kernel counts resident pages per CPU (since 6.2; per thread before) and folds them into the sum in
// batches, and VmHWM is taken from the folded sum. A reading can be off by
//     3 counters (file, anonymous, shared) x the pages that can be outstanding x the page size:
//     max(32, 2 x CPUs) pages per CPU, or 64 pages per thread, whichever is more.
// Every figure is `bounded` by twice that, because a delta is the difference of two readings.
//
// Where /proc is not there, every figure is `unavailable`; where only the reset is refused, the peaks are. The report
// says which, and why.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/proc_file.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#if defined(__linux__)
#include <unistd.h>
#endif

namespace peakscope::rss {

namespace detail {

inline constinit std::atomic<bool> procfs_measured{false};

// Of the difference of two readings.
[[nodiscard]] inline std::int64_t rss_bound_bytes(std::int64_t threads) noexcept {
#if defined(__linux__)
    const std::int64_t cpus = std::max(1L, ::sysconf(_SC_NPROCESSORS_CONF));
    const std::int64_t page_bytes = ::sysconf(_SC_PAGESIZE);
    constexpr std::int64_t counters = 3;
    return 2 * counters * page_bytes * std::max(cpus * std::max<std::int64_t>(32, 2 * cpus), 64 * threads);
#else
    return threads * 0;
#endif
}

} // namespace detail

/// The RSS source over a directory laid out like /proc/self. Global to the process: one measurement at a time.
template <fixed_string Directory>
class procfs_at {
  public:
    static constexpr const char* name = "procfs";

    class window {
        friend procfs_at;
        std::optional<bytes> start_;
        std::optional<bytes> peak_; // so far, from before the last reset; empty when a peak cannot be known
        std::int64_t threads_ = 1;
    };

    /// Throws `usage_error` when another measurement uses the kernel's high-water mark. That /proc is missing is not an
    /// error: the figures are `unavailable`, and `remark()` says why.
    void open() {
        if (detail::procfs_measured.exchange(true, std::memory_order_acq_rel))
            throw usage_error(
                "rss::procfs serves one measurement at a time, and one is running: finish() it before the "
                "next one starts");
        remark_.clear();
        if (const int reason = status_.open(status_path.c_str(), detail::proc_file::access::read); reason != 0) {
            remark_ = unavailable_because("RSS is", status_path.c_str(), reason);
        } else if (!read().rss) {
            remark_ = std::string{"RSS is unavailable: "} + status_path.c_str() + " has no line VmRSS";
        } else {
            int peak_reason = clear_refs_.open(clear_refs_path.c_str(), detail::proc_file::access::write);
            if (peak_reason == 0) peak_reason = clear_refs_.write_start("5");
            peaks_ = peak_reason == 0 && read().high_water.has_value();
            if (!peaks_) remark_ = unavailable_because("RSS peaks are", clear_refs_path.c_str(), peak_reason);
        }
    }

    void close() noexcept {
        status_.close();
        clear_refs_.close();
        detail::procfs_measured.store(false, std::memory_order_release);
    }

    void enter(window& inner, window* outer) noexcept {
        const reading before = read();
        if (outer != nullptr) note_peak(*outer, before.high_water);
        const bool reset = peaks_ && clear_refs_.write_start("5") == 0;
        inner.start_ = before.rss;
        inner.peak_ = reset ? before.rss : std::nullopt;
        inner.threads_ = before.threads;
    }

    rss_figures leave(window& inner, window* outer) noexcept {
        const reading now = read();
        note_peak(inner, now.high_water);
        note_peak(inner, now.rss);
        if (outer != nullptr) note_peak(*outer, inner.peak_);
        rss_figures figures;
        figures.at_end = now.parts;
        const precision bound = bounded({detail::rss_bound_bytes(std::max(inner.threads_, now.threads))});
        if (inner.start_ && now.rss) {
            figures.totals_precision = bound;
            figures.start = inner.start_;
            figures.end = now.rss;
            figures.delta = *now.rss - *inner.start_;
        }
        if (inner.start_ && inner.peak_) {
            figures.peak_precision = bound;
            figures.peak = inner.peak_;
            figures.peak_delta = *inner.peak_ - *inner.start_;
        }
        return figures;
    }

    [[nodiscard]] std::string remark() const { return remark_; }

  private:
    static constexpr auto status_path = Directory + fixed_string{"/status"};
    static constexpr auto clear_refs_path = Directory + fixed_string{"/clear_refs"};

    struct reading {
        std::optional<bytes> rss;
        std::optional<bytes> high_water;
        std::optional<resident_state> parts;
        std::int64_t threads = 1;
    };

    [[nodiscard]] reading read() noexcept {
        std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
        const std::string_view text = status_.read_start(buffer);
        reading now;
        now.rss = detail::kib_after(text, "VmRSS:");
        now.high_water = detail::kib_after(text, "VmHWM:");
        if (const auto anonymous = detail::kib_after(text, "RssAnon:")) {
            now.parts.emplace();
            now.parts->anonymous = anonymous;
            now.parts->file = detail::kib_after(text, "RssFile:");
            now.parts->shmem = detail::kib_after(text, "RssShmem:");
        }
        now.threads = detail::number_after(text, "Threads:").value_or(1);
        return now;
    }

    // A window's peak stays unknown once it is: where the mark could not be reset, it belongs to an earlier time.
    static void note_peak(window& window, const std::optional<bytes>& seen) noexcept {
        if (window.peak_ && seen) window.peak_ = std::max(*window.peak_, *seen);
    }

    static std::string unavailable_because(const char* what, const char* path, int reason) {
        return std::string{what} + " unavailable: " + path + ": " +
               std::error_code{reason, std::generic_category()}.message();
    }

    detail::proc_file status_;
    detail::proc_file clear_refs_;
    bool peaks_ = false;
    std::string remark_;
};

} // namespace peakscope::rss
