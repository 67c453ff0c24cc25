// SPDX-License-Identifier: MIT
// The bodies of rss/cgroup.hpp.
#pragma once

#include <peakscope/core/exclusive_claim.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/rss/cgroup.hpp>
#include <peakscope/rss/implementation/proc_file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace peakscope::rss::detail {

inline constinit exclusive_claim group_measured;

// Where the files of a process's memory group lie, and what they are called.
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

// "max" of version 2 is no limit, and neither is a number near the largest there is, which version 1 has then.
[[nodiscard]] inline std::optional<bytes> limit_of(const memory_group& group) {
    std::ifstream file{group.limit()};
    std::int64_t limit = 0;
    constexpr std::int64_t none = INT64_MAX / 2;
    return file >> limit && limit < none ? std::optional{bytes{limit}} : std::nullopt;
}

#if defined(__linux__)
void peak_file::open(const std::string& path) noexcept {
    close();
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor_ < 0) descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
}
void peak_file::close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}
bool peak_file::reset() const noexcept { return descriptor_ >= 0 && ::pwrite(descriptor_, "0\n", 2, 0) == 2; }
std::optional<bytes> peak_file::read() const noexcept {
    std::array<char, 64> buffer{};
    const ::ssize_t length = descriptor_ < 0 ? -1 : ::pread(descriptor_, buffer.data(), buffer.size(), 0);
    if (length <= 0) return std::nullopt;
    const auto number = number_after({buffer.data(), static_cast<std::size_t>(length)}, "");
    return number ? std::optional{bytes{*number}} : std::nullopt;
}
#else
void peak_file::open(const std::string&) noexcept {}
void peak_file::close() noexcept {}
bool peak_file::reset() const noexcept { return false; }
std::optional<bytes> peak_file::read() const noexcept { return std::nullopt; }
#endif

void cgroup_files::open() {
    group_measured.take("rss::cgroup");
    remark_.clear();
    limit_.reset();
    resets_ = false;
    own_ = {};
    current_path_.clear();
    const memory_group group = find_memory_group(process_);
    if (group.folder.empty()) {
        remark_ =
            std::string{"RSS is unavailable: no memory control group is mounted, says "} + process_ + "/mountinfo";
        return;
    }
    current_path_ = group.current();
    if (const int reason = current_.open(current_path_.c_str(), proc_file::access::read); reason != 0) {
        remark_ = unavailable_because("RSS is", current_path_.c_str(), reason);
        return;
    }
    limit_ = limit_of(group);
    peak_.open(group.peak());
    // An old kernel takes the write and does nothing: what was set back is what is charged now.
    const std::optional<bytes> before = peak_.read();
    if (before && peak_.reset()) {
        const std::optional<bytes> after = peak_.read();
        const std::optional<bytes> now = current();
        resets_ = after && now && (*after < *before || *after <= *now + bytes{cgroup_bound_bytes()});
    }
    if (!before)
        remark_ = "RSS peaks are unavailable: " + group.peak() + " cannot be read";
    else if (!resets_)
        remark_ = "RSS: " + group.peak() + " cannot be set back; a peak is known where the group's maximum rose";
}
void cgroup_files::close() noexcept {
    current_.close();
    peak_.close();
    group_measured.give_back();
}

void cgroup_files::enter(window& inner, window* outer) noexcept {
    inner.start_ = current();
    const std::optional<bytes> mark = peak_.read();
    inner.mark_.begin(mark);
    if (!resets_) return;
    if (outer != nullptr) note(*outer, mark);
    inner.peak_ = peak_.reset() ? inner.start_ : std::nullopt;
}

rss_figures cgroup_files::leave(window& inner, window* outer) noexcept {
    const std::optional<bytes> end = current();
    const std::optional<bytes> mark = peak_.read();
    rss_figures figures;
    const precision bound = bounded({cgroup_bound_bytes()});
    figures.at_end.emplace();
    figures.at_end->limit = limit_;
    if (inner.start_ && end) set_totals(figures, *inner.start_, *end, bound);
    if (resets_) {
        note(inner, mark);
        note(inner, end);
        if (outer != nullptr) note(*outer, inner.peak_);
        figures.peak = inner.peak_;
    } else {
        figures.peak = inner.mark_.peak(mark);
    }
    if (figures.peak && inner.start_)
        set_peak(figures, std::max({*figures.peak, *inner.start_, end.value_or(bytes{})}), *inner.start_, bound);
    return figures;
}

std::string cgroup_files::remark() const {
    if (own_ == bytes{} || current_path_.empty()) return remark_;
    return (remark_.empty() ? "" : remark_ + ". ") + "RSS: the group's charge has the profiler's own memory in it, " +
           format_bytes(own_) + " at the end";
}

std::optional<bytes> cgroup_files::current() noexcept {
    std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    const auto number = number_after(current_.read_start(buffer), "");
    return number ? std::optional{bytes{*number}} : std::nullopt;
}

void cgroup_files::note(window& window, const std::optional<bytes>& seen) noexcept {
    if (window.peak_ && seen) window.peak_ = std::max(*window.peak_, *seen);
}

} // namespace peakscope::rss::detail
