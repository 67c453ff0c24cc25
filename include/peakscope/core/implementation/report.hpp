// SPDX-License-Identifier: MIT
// The bodies of core/report.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>

#include <compare>
#include <string>
#include <string_view>

namespace peakscope {

namespace detail {

// Of the phases at any depth, those with this name.
[[nodiscard]] inline bool has_name(const phase_report& phase, std::string_view name) noexcept {
    const std::string_view path = phase.path;
    return path == name || (path.ends_with(name) && path[path.size() - name.size() - 1] == '/');
}

} // namespace detail

const phase_report* memory_report::find_phase(std::string_view path) const noexcept {
    const phase_report* found = nullptr;
    bool several = false;
    for (const phase_report& each : phases) {
        if (each.path == path) return &each;
        if (!detail::has_name(each, path)) continue;
        several = found != nullptr;
        found = &each;
    }
    return several ? nullptr : found;
}

const phase_report& memory_report::phase(std::string_view path) const {
    if (const phase_report* const found = find_phase(path)) return *found;
    std::string listed;
    bool ambiguous = false;
    for (const phase_report& each : phases) {
        listed += (listed.empty() ? "" : ", ") + each.path;
        ambiguous = ambiguous || detail::has_name(each, path);
    }
    throw usage_error("phase '" + std::string{path} +
                      "': " + (ambiguous ? "several phases have this name" : "the report has no such phase") +
                      "; it has " + (listed.empty() ? "none" : listed));
}

// Comparisons: member by member, in the order of declaration.
std::strong_ordering allocator_state::operator<=>(const allocator_state&) const = default;
bool allocator_state::operator==(const allocator_state&) const = default;

std::strong_ordering heap_figures::operator<=>(const heap_figures&) const = default;
bool heap_figures::operator==(const heap_figures&) const = default;

std::strong_ordering resident_state::operator<=>(const resident_state&) const = default;
bool resident_state::operator==(const resident_state&) const = default;

std::strong_ordering touched_memory::operator<=>(const touched_memory&) const = default;
bool touched_memory::operator==(const touched_memory&) const = default;

std::strong_ordering rss_figures::operator<=>(const rss_figures&) const = default;
bool rss_figures::operator==(const rss_figures&) const = default;

std::strong_ordering module_report::operator<=>(const module_report&) const = default;
bool module_report::operator==(const module_report&) const = default;

std::strong_ordering naming_figures::operator<=>(const naming_figures&) const = default;
bool naming_figures::operator==(const naming_figures&) const = default;

std::strong_ordering stack_frame::operator<=>(const stack_frame&) const = default;
bool stack_frame::operator==(const stack_frame&) const = default;

std::strong_ordering site_amounts::operator<=>(const site_amounts&) const = default;
bool site_amounts::operator==(const site_amounts&) const = default;

std::strong_ordering lifetime_figures::operator<=>(const lifetime_figures&) const = default;
bool lifetime_figures::operator==(const lifetime_figures&) const = default;

std::strong_ordering site_report::operator<=>(const site_report&) const = default;
bool site_report::operator==(const site_report&) const = default;

std::strong_ordering phase_site_report::operator<=>(const phase_site_report&) const = default;
bool phase_site_report::operator==(const phase_site_report&) const = default;

std::strong_ordering birth_report::operator<=>(const birth_report&) const = default;
bool birth_report::operator==(const birth_report&) const = default;

std::strong_ordering work_figures::operator<=>(const work_figures&) const = default;
bool work_figures::operator==(const work_figures&) const = default;

std::strong_ordering phase_report::operator<=>(const phase_report&) const = default;
bool phase_report::operator==(const phase_report&) const = default;

std::strong_ordering label_report::operator<=>(const label_report&) const = default;
bool label_report::operator==(const label_report&) const = default;

std::strong_ordering item_count::operator<=>(const item_count&) const = default;
bool item_count::operator==(const item_count&) const = default;

std::strong_ordering timeline_point::operator<=>(const timeline_point&) const = default;
bool timeline_point::operator==(const timeline_point&) const = default;

std::strong_ordering phase_entry::operator<=>(const phase_entry&) const = default;
bool phase_entry::operator==(const phase_entry&) const = default;

std::strong_ordering timeline_report::operator<=>(const timeline_report&) const = default;
bool timeline_report::operator==(const timeline_report&) const = default;

std::strong_ordering memory_report::operator<=>(const memory_report&) const = default;
bool memory_report::operator==(const memory_report&) const = default;

} // namespace peakscope
