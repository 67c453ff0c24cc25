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
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>
#include <peakscope/rss/high_water_mark.hpp>
#include <peakscope/rss/proc_file.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace peakscope::rss {

namespace detail {

inline constinit std::atomic<bool> cgroup_measured{false};

/// Where the files of a process's memory group lie, and what they are called.
struct memory_group {
    std::string folder{}; // empty: none was found
    bool version_2 = false;

    [[nodiscard]] std::string current() const {
        return folder + (version_2 ? "/memory.current" : "/memory.usage_in_bytes");
    }
    [[nodiscard]] std::string peak() const {
        return folder + (version_2 ? "/memory.peak" : "/memory.max_usage_in_bytes");
    }
    [[nodiscard]] std::string limit() const { return folder + (version_2 ? "/memory.max" : "/memory.limit_in_bytes"); }
};

[[nodiscard]] inline bool lists(std::string_view all, std::string_view wanted) noexcept {
    for (std::size_t at = 0; at <= all.size();) {
        const std::size_t end = std::min(all.find(',', at), all.size());
        if (all.substr(at, end - at) == wanted) return true;
        at = end + 1;
    }
    return false;
}

// The path of the process's group in the hierarchy, from lines like "4:memory:/path" and, of version 2, "0::/path".
[[nodiscard]] inline std::optional<std::string> group_path(const std::string& process, bool version_2) {
    std::ifstream file{process + "/cgroup"};
    for (std::string line; std::getline(file, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string_view controllers = std::string_view{line}.substr(first + 1, second - first - 1);
        if (version_2 ? controllers.empty() : lists(controllers, "memory")) return line.substr(second + 1);
    }
    return std::nullopt;
}

// From lines like "35 31 0:32 /root /mount/point rw,relatime - cgroup source rw,memory"; before the dash there may be
// more fields.
[[nodiscard]] inline memory_group find_memory_group(const std::string& process) {
    memory_group found;
    std::ifstream file{process + "/mountinfo"};
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields{line};
        std::string skipped;
        std::string root;
        std::string mount_point;
        std::string type;
        std::string source;
        std::string options;
        fields >> skipped >> skipped >> skipped >> root >> mount_point;
        while (fields >> skipped && skipped != "-") {
        }
        fields >> type >> source >> options;
        const bool version_2 = type == "cgroup2";
        if (!version_2 && !(type == "cgroup" && lists(options, "memory"))) continue;
        std::string path = group_path(process, version_2).value_or("/");
        // What is mounted may be a part of the hierarchy; the group may lie outside of what a container sees.
        if (root != "/" && path.starts_with(root)) path.erase(0, root.size());
        for (const std::string& folder : {mount_point + (path == "/" ? "" : path), mount_point}) {
            const memory_group candidate{folder, version_2};
            if (!std::ifstream{candidate.current()}) continue; // version 2 without a memory controller
            found = candidate;
            break;
        }
        if (!found.folder.empty()) break;
    }
    return found;
}

[[nodiscard]] inline std::int64_t cgroup_bound_bytes() noexcept {
#if defined(__linux__)
    return std::int64_t{2} * 64 * std::max(1L, ::sysconf(_SC_NPROCESSORS_CONF)) * ::sysconf(_SC_PAGESIZE);
#else
    return 0;
#endif
}

// A file with the group's maximum, kept open: version 2 sets it back for whoever holds it open.
class peak_file {
  public:
    peak_file() = default;
    peak_file(const peak_file&) = delete;
    peak_file& operator=(const peak_file&) = delete;
    ~peak_file() { close(); }

    void open(const std::string& path) noexcept;
    void close() noexcept;
    [[nodiscard]] bool reset() const noexcept;
    [[nodiscard]] std::optional<bytes> read() const noexcept;

  private:
    int descriptor_ = -1;
};

#if defined(__linux__)
inline void peak_file::open(const std::string& path) noexcept {
    close();
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor_ < 0) descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
}
inline void peak_file::close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}
inline bool peak_file::reset() const noexcept { return descriptor_ >= 0 && ::pwrite(descriptor_, "0\n", 2, 0) == 2; }
inline std::optional<bytes> peak_file::read() const noexcept {
    std::array<char, 64> buffer{};
    const ::ssize_t length = descriptor_ < 0 ? -1 : ::pread(descriptor_, buffer.data(), buffer.size(), 0);
    if (length <= 0) return std::nullopt;
    const auto number = number_after({buffer.data(), static_cast<std::size_t>(length)}, "");
    return number ? std::optional{bytes{*number}} : std::nullopt;
}
#else
inline void peak_file::open(const std::string&) noexcept {}
inline void peak_file::close() noexcept {}
inline bool peak_file::reset() const noexcept { return false; }
inline std::optional<bytes> peak_file::read() const noexcept { return std::nullopt; }
#endif

} // namespace detail

/// The RSS source over the control group of the process whose directory in /proc is given. Global to the process: one
/// measurement at a time.
template <fixed_string Process>
class cgroup_at {
  public:
    static constexpr const char* name = "cgroup";

    class window {
        friend cgroup_at;
        std::optional<bytes> start_;
        std::optional<bytes> peak_; // so far, from before the last reset
        detail::mark_in_window mark_;
    };

    /// Throws `usage_error` when another measurement uses it. That there is no group is not an error: the figures are
    /// `unavailable`, and `remark()` says why.
    void open() {
        if (detail::cgroup_measured.exchange(true, std::memory_order_acq_rel))
            throw usage_error("rss::cgroup serves one measurement at a time, and one is running: finish() it before "
                              "the next one starts");
        remark_.clear();
        limit_.reset();
        resets_ = false;
        const detail::memory_group group = detail::find_memory_group(Process.c_str());
        if (group.folder.empty()) {
            remark_ = std::string{"RSS is unavailable: no memory control group is mounted, says "} + Process.c_str() +
                      "/mountinfo";
            return;
        }
        current_path_ = group.current();
        if (const int reason = current_.open(current_path_.c_str(), detail::proc_file::access::read); reason != 0) {
            remark_ = "RSS is unavailable: " + current_path_ + ": " + std::generic_category().message(reason);
            return;
        }
        limit_ = limit_of(group);
        peak_.open(group.peak());
        // An old kernel takes the write and does nothing: what was set back is what is charged now.
        const std::optional<bytes> before = peak_.read();
        if (before && peak_.reset()) {
            const std::optional<bytes> after = peak_.read();
            const std::optional<bytes> now = current();
            resets_ = after && now && (*after < *before || *after <= *now + bytes{detail::cgroup_bound_bytes()});
        }
        if (!before)
            remark_ = "RSS peaks are unavailable: " + group.peak() + " cannot be read";
        else if (!resets_)
            remark_ = "RSS: " + group.peak() + " cannot be set back; a peak is known where the group's maximum rose";
    }
    void close() noexcept {
        current_.close();
        peak_.close();
        detail::cgroup_measured.store(false, std::memory_order_release);
    }

    void enter(window& inner, window* outer) noexcept {
        inner.start_ = current();
        const std::optional<bytes> mark = peak_.read();
        inner.mark_.begin(mark);
        if (!resets_) return;
        if (outer != nullptr) note(*outer, mark);
        inner.peak_ = peak_.reset() ? inner.start_ : std::nullopt;
    }

    rss_figures leave(window& inner, window* outer) noexcept {
        const std::optional<bytes> end = current();
        const std::optional<bytes> mark = peak_.read();
        rss_figures figures;
        const precision bound = bounded({detail::cgroup_bound_bytes()});
        figures.at_end.emplace();
        figures.at_end->limit = limit_;
        if (inner.start_ && end) {
            figures.totals_precision = bound;
            figures.start = inner.start_;
            figures.end = end;
            figures.delta = *end - *inner.start_;
        }
        if (resets_) {
            note(inner, mark);
            note(inner, end);
            if (outer != nullptr) note(*outer, inner.peak_);
            figures.peak = inner.peak_;
        } else {
            figures.peak = inner.mark_.peak(mark);
        }
        if (figures.peak && inner.start_) {
            figures.peak = std::max({*figures.peak, *inner.start_, end.value_or(bytes{})});
            figures.peak_precision = bound;
            figures.peak_delta = *figures.peak - *inner.start_;
        }
        return figures;
    }

    [[nodiscard]] std::string remark() const { return remark_; }

  private:
    // "max" of version 2 is no limit, and neither is a number near the largest there is, which version 1 has then.
    [[nodiscard]] static std::optional<bytes> limit_of(const detail::memory_group& group) {
        std::ifstream file{group.limit()};
        std::int64_t limit = 0;
        constexpr std::int64_t none = INT64_MAX / 2;
        return file >> limit && limit < none ? std::optional{bytes{limit}} : std::nullopt;
    }

    [[nodiscard]] std::optional<bytes> current() noexcept {
        std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
        const auto number = detail::number_after(current_.read_start(buffer), "");
        return number ? std::optional{bytes{*number}} : std::nullopt;
    }

    static void note(window& window, const std::optional<bytes>& seen) noexcept {
        if (window.peak_ && seen) window.peak_ = std::max(*window.peak_, *seen);
    }

    std::string current_path_;
    detail::proc_file current_;
    detail::peak_file peak_;
    std::optional<bytes> limit_;
    bool resets_ = false;
    std::string remark_;
};

} // namespace peakscope::rss
