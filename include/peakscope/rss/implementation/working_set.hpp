// SPDX-License-Identifier: MIT
// The bodies of rss/working_set.hpp.
#pragma once

#include <peakscope/memory/pages.hpp>
#include <peakscope/rss/implementation/proc_file.hpp>
#include <peakscope/rss/implementation/procfs.hpp>
#include <peakscope/rss/working_set.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace peakscope::rss::detail {

// On all processors that run this process. Linux has no call for it, but throws away all of them, and not those of the
// pages alone, when what is unmapped lies further apart than some number of pages: 33 on x86-64, those of a page table
// (a page of 8-byte entries) on aarch64. Returns whether it could.
[[nodiscard, gnu::no_sanitize_thread]] inline bool forget_translations() noexcept {
    const std::size_t size_bytes = 2 * memory::page_bytes() / 8 * memory::page_bytes();
    auto* const far_apart = static_cast<volatile char*>(memory::reserve_pages(size_bytes));
    if (far_apart == nullptr) return false;
    far_apart[0] = 1;
    far_apart[size_bytes - 1] = 1;
    memory::release_pages(const_cast<char*>(far_apart), size_bytes);
    return true;
}

// What a window has touched so far, and one part more of it.
inline void add_part(std::optional<touched_memory>& window, const std::optional<touched_memory>& part) noexcept {
    if (!window || !part) return window.reset();
    window->at_least = std::max(window->at_least, part->at_least);
    window->at_most += part->at_most;
    window->resident = part->resident;
}

// Of each mapping, as much of it is anonymous at least as is marked and cannot be of a file. Private data of a program
// is a file's in part.
std::optional<touched_memory> working_set_files::read() noexcept {
    std::optional<touched_memory> all;
    bytes resident;
    bytes referenced;
    for_each_line(smaps_, [&](std::string_view line) {
        if (const auto value = kib_after(line, "Rss:")) resident = *value;
        if (const auto value = kib_after(line, "Referenced:")) referenced = *value;
        const auto anonymous = kib_after(line, "Anonymous:"); // the last of the three
        if (!anonymous) return;
        if (!all) all.emplace();
        all->at_least += std::max(referenced - (resident - *anonymous), bytes{});
        all->at_most += referenced;
        all->resident += resident;
    });
    if (!all) return all;
    all->resident -= tables_;
    all->at_least = std::max(all->at_least - tables_, bytes{});
    all->at_most = std::min(all->at_most, all->resident);
    return all;
}

// Ends a part and begins the next.
std::optional<touched_memory> working_set_files::next_part() noexcept {
    const std::optional<touched_memory> ended = read();
    begun_ = clear_refs_.write_start("1") == 0 && forget_translations();
    return ended;
}

void working_set_files::open() {
    rss_.open();
    tables_ = {};
    const char* path = smaps_path_;
    int reason = smaps_.open(path, proc_file::access::read);
    if (reason == 0) reason = clear_refs_.open(path = clear_refs_path_, proc_file::access::write);
    if (reason == 0) reason = clear_refs_.write_start("1");
    remark_ = reason == 0 ? "" : unavailable_because("What phases touch is", path, reason);
    if (reason == 0 && !read())
        remark_ = std::string{"What phases touch is unavailable: "} + smaps_path_ + " has no line Anonymous";
}

void working_set_files::close() noexcept {
    clear_refs_.close();
    smaps_.close();
    rss_.close();
}

void working_set_files::enter(window& inner, window* outer) noexcept {
    rss_.enter(inner.resident_, outer != nullptr ? &outer->resident_ : nullptr);
    const std::optional<touched_memory> part = next_part();
    if (outer != nullptr) add_part(outer->touched_, begun_ ? part : std::nullopt);
    if (begun_) inner.touched_.emplace();
}

rss_figures working_set_files::leave(window& inner, window* outer) noexcept {
    add_part(inner.touched_, next_part());
    rss_figures figures = rss_.leave(inner.resident_, outer != nullptr ? &outer->resident_ : nullptr);
    figures.touched = inner.touched_;
    if (outer != nullptr) add_part(outer->touched_, begun_ ? inner.touched_ : std::nullopt);
    return figures;
}

std::string working_set_files::remark() const {
    const std::string of_rss = rss_.remark();
    return of_rss.empty() || remark_.empty() ? of_rss + remark_ : of_rss + ". " + remark_;
}

} // namespace peakscope::rss::detail
