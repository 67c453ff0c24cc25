// SPDX-License-Identifier: MIT
// The bodies of heap/statistics/allocator_statistics.hpp, and how an allocator is found in the process.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/core/implementation/watcher.hpp>
#include <peakscope/core/timeline.hpp>
#include <peakscope/heap/statistics/allocator_statistics.hpp>
#include <peakscope/memory/bounded_series.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#if defined(__linux__)
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>
#endif

namespace peakscope::heap::detail {

// A function of whoever is linked or preloaded; null when there is none of that name.
template <class Function>
[[nodiscard]] Function* function_of_process([[maybe_unused]] const char* name) noexcept {
#if defined(__linux__)
    return reinterpret_cast<Function*>(::dlsym(RTLD_DEFAULT, name));
#else
    return nullptr;
#endif
}

// Whether the function `name` of this process is that of the library which has the function `known`.
[[nodiscard]] inline bool is_of_library([[maybe_unused]] const char* name,
                                        [[maybe_unused]] const char* known) noexcept {
#if defined(__linux__)
    void* const own = ::dlsym(RTLD_DEFAULT, known);
    void* const found = ::dlsym(RTLD_DEFAULT, name);
    Dl_info here{};
    Dl_info there{};
    return own != nullptr && found != nullptr && ::dladdr(own, &here) != 0 && ::dladdr(found, &there) != 0 &&
           here.dli_fbase == there.dli_fbase;
#else
    return false;
#endif
}

// Whether malloc is that of the library which has the function `name`.
[[nodiscard]] inline bool serves_malloc(const char* name) noexcept { return is_of_library("malloc", name); }

// From /proc/self/stat (proc(5)). 0 where that cannot be read: then there may be any number.
[[nodiscard]] inline std::int64_t thread_count() noexcept {
#if defined(__linux__)
    const int file = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    std::array<char, 1'024> buffer{};
    const ::ssize_t length = ::read(file, buffer.data(), buffer.size());
    ::close(file);
    if (length <= 0) return 0;
    std::string_view text{buffer.data(), static_cast<std::size_t>(length)};
    // The second field is the program's name in brackets, which may hold anything. num_threads is the twentieth.
    const std::size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return 0;
    text.remove_prefix(name_end + 1);
    for (int field = 3; field <= 20; ++field) {
        const std::size_t blank = text.find(' ');
        if (blank == std::string_view::npos) return 0;
        text.remove_prefix(blank + 1);
    }
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
    return parsed.ec == std::errc{} ? count : 0;
#else
    return 0;
#endif
}

[[nodiscard]] inline bytes as_bytes(std::size_t value) noexcept { return bytes{static_cast<std::int64_t>(value)}; }

statistics_session::~statistics_session() { watcher_ = peakscope::detail::ended(watcher_); }

void statistics_session::open() {
    const std::string source = std::string{"heap::"} + allocator_.name;
    if (const char* const what_to_do = allocator_.missing())
        throw source_error(source + " cannot measure: " + what_to_do);
    allocator_.claim->take(source.c_str());
    if (interval_ == std::chrono::nanoseconds{}) return;
    try {
        watcher_ = new peakscope::detail::watcher{[read = allocator_.read] { return read().live; }, interval_};
    } catch (const std::system_error& reason) {
        allocator_.claim->give_back();
        throw source_error(source + " cannot be watched, because no thread can be started: " + reason.what());
    } catch (...) {
        allocator_.claim->give_back();
        throw;
    }
}

// Not in a child of fork, which has no such thread.
bool statistics_session::watches() const noexcept { return watcher_ != nullptr && watcher_->is_of_this_process(); }

void statistics_session::close() noexcept {
    watcher_ = peakscope::detail::ended(watcher_);
    allocator_.claim->give_back();
}

void statistics_session::enter(window& inner, window* outer) noexcept {
    inner.start_ = allocator_.read();
    inner.is_watched_ = watches();
    if (!inner.is_watched_) return;
    inner.peak_ = inner.start_.live.value_or(bytes{});
    const bytes seen = watcher_->take(inner.peak_);
    if (outer != nullptr) outer->peak_ = std::max(outer->peak_, seen);
}

heap_figures statistics_session::leave(window& inner, window* outer) noexcept {
    const allocator_reading& start = inner.start_;
    const allocator_reading end = allocator_.read();
    heap_figures figures;
    figures.allocator = end.state;
    if (!start.live || !end.live) return figures;
    precision of_difference = weaker(start.of_live, end.of_live);
    of_difference.bound = start.of_live.bound + end.of_live.bound; // both readings may be off
    set_totals(figures, *start.live, *end.live, of_difference);
    if (!inner.is_watched_ || !watches()) return figures;
    inner.peak_ = std::max(inner.peak_, watcher_->take(*end.live));
    if (outer != nullptr) outer->peak_ = std::max(outer->peak_, inner.peak_);
    set_peak(figures, inner.peak_, *start.live, sampled(interval_));
    return figures;
}

std::vector<timeline_point> statistics_session::readings() const {
    std::vector<timeline_point> points;
    if (!watches()) return points;
    watcher_->take_readings([&](const memory::series_point& each) {
        points.push_back({std::chrono::nanoseconds{each.nanoseconds}, bytes{each.value}, {}});
    });
    return points;
}

std::string statistics_session::remark() const {
    return interval_ > std::chrono::nanoseconds{}
               ? ""
               : std::string{"heap: "} + allocator_.name + " does not tell peaks; watched<...> samples them";
}

} // namespace peakscope::heap::detail
