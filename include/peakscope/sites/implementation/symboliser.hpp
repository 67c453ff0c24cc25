// SPDX-License-Identifier: MIT
// The bodies of sites/symboliser.hpp.
#pragma once

#include <peakscope/core/function_name.hpp>
#include <peakscope/core/shared_text.hpp>
#include <peakscope/sites/implementation/modules.hpp>
#include <peakscope/sites/implementation/name_lookup.hpp>
#include <peakscope/sites/name_table.hpp>
#include <peakscope/sites/objects.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::sites {

bool naming_rule::is_library(const stack_frame& frame) const {
    const auto contained = [&](const std::string& part) { return frame.file.find(part) != std::string::npos; };
    // A file with a relative path was compiled elsewhere, as those of a distribution are: its library tells.
    const std::string known_by = frame.address == 0 || frame.file.starts_with("/")
                                     ? frame.file.str()
                                     : detail::object_of(frame.address).path; // "" for the program itself
    const auto begins = [&](const std::string& folder) { return known_by.starts_with(folder); };
    const std::string_view name = function_name(frame.function);
    const auto named = [&](const std::string& start) { return name.starts_with(start); };
    return std::ranges::any_of(library_paths, contained) || std::ranges::any_of(library_folders, begins) ||
           std::ranges::any_of(library_functions, named);
}

bool naming_rule::is_wrapper(const stack_frame& frame) const {
    if (wrappers.empty()) return false;
    const std::string name = "::" + without_template_arguments(function_name(frame.function));
    return std::ranges::any_of(wrappers, [&](const std::string& each) { return name.ends_with("::" + each); });
}

namespace detail {

// The innermost folder that four of five of the files are in, with a '/' at its end: a header or two from elsewhere do
// not make all of the paths long.
[[nodiscard]] inline std::string folder_of_most(const std::vector<std::string>& files) {
    std::string folder;
    for (;;) {
        std::map<std::string, std::size_t> inside;
        for (const std::string& file : files)
            if (file.starts_with(folder))
                if (const std::size_t end = file.find('/', folder.size()); end != std::string::npos)
                    ++inside[file.substr(0, end + 1)];
        const auto most = std::ranges::max_element(inside, {}, [](const auto& each) { return each.second; });
        if (most == inside.end() || most->second * 5 < files.size() * 4) return folder;
        folder = most->first;
    }
}

// One copy of each text.
class text_pool {
  public:
    void share(shared_text& text) { text = *texts_.insert(text).first; }

  private:
    std::set<shared_text> texts_{};
};

// The frames of each address; stacks share most of theirs.
[[nodiscard]] inline name_table named_addresses(const attribution& of, const any_symboliser& names,
                                                named_stacks& named) {
    const auto start = std::chrono::steady_clock::now();
    name_table all;
    for (const std::vector<address>& stack : of.stacks)
        for (const address each : stack)
            all.try_emplace(each);
    if (all.empty()) return all;
    if (names.prepare != nullptr) {
        std::vector<address> addresses;
        addresses.reserve(all.size());
        for (const auto& [each, frames] : all)
            addresses.push_back(each);
        names.prepare(names.object, addresses);
    }
    module_list modules;
    text_pool pool;
    for (auto& [each, frames] : all) {
        names.append(names.object, each, frames);
        const std::optional<std::uint32_t> module_number = modules.number_of(each);
        for (stack_frame& frame : frames) {
            frame.function = as_in_source(frame.function);
            pool.share(frame.function);
            pool.share(frame.file);
            frame.address = each;
            frame.module = module_number;
        }
    }
    named.modules = modules.all();
    named.naming = names.figures != nullptr ? names.figures(names.object) : naming_figures{};
    named.naming->addresses = all.size();
    named.naming->duration = std::chrono::steady_clock::now() - start;
    return all;
}

named_stacks name_stacks(const attribution& of, const any_symboliser& names, const naming_rule& rule) {
    named_stacks named;
    const name_table known = named_addresses(of, names, named);
    // Modules of which some code has lines: there, code without a line is one that the compiler made up.
    std::set<std::optional<std::uint32_t>> with_lines;
    for (const auto& [each, frames] : known)
        for (const stack_frame& frame : frames)
            if (frame.line > 0) with_lines.insert(frame.module);
    if (names.notes != nullptr) named.notes = names.notes(names.object);
    std::set<std::string> without_lines;
    std::vector<std::string> users_files;
    for (const std::vector<std::uintptr_t>& stack : of.stacks) {
        named_stack made;
        std::size_t count = 0; // no more memory than that: there are thousands of stacks
        for (const std::uintptr_t each : stack)
            count += known.at(each).size();
        made.frames.reserve(count);
        for (const std::uintptr_t each : stack) {
            const std::vector<stack_frame>& frames = known.at(each);
            made.frames.insert(made.frames.end(), frames.begin(), frames.end());
        }
        const auto is_users = [&](const stack_frame& frame) {
            return !rule.is_library(frame) && (frame.line > 0 || !with_lines.contains(frame.module));
        };
        auto users = std::ranges::find_if(made.frames, is_users);
        const auto caller = std::find_if(users, made.frames.end(), [&](const stack_frame& frame) {
            return is_users(frame) && !rule.is_wrapper(frame);
        });
        if (caller != made.frames.end()) users = caller;
        if (users != made.frames.end()) {
            made.shown = static_cast<std::size_t>(users - made.frames.begin());
        } else if (!made.frames.empty()) { // all of it is a library's: the one that is nearest to the user
            made.shown = made.frames.size() - 1;
        }
        if (users != made.frames.end() && users->line == 0 && !users->file.empty())
            without_lines.insert(users->file.str().substr(users->file.view().rfind('/') + 1));
        if (users != made.frames.end() && users->line > 0) users_files.push_back(users->file);
        named.stacks.push_back(std::move(made));
    }
    named.root = rule.root.empty() || rule.root.ends_with('/') ? rule.root : rule.root + '/';
    if (rule.root.empty()) named.root = folder_of_most(users_files);
    if (!without_lines.empty() && named.notes.empty()) {
        std::string list;
        for (const std::string& each : without_lines)
            list += (list.empty() ? "" : ", ") + each;
        named.notes.push_back(
            "sites: there is no debug information for " + list +
            "; compile with -g and do not strip, or install its debug symbols, to see files and lines");
    }
    return named;
}

} // namespace detail

void addresses::append(address return_address, std::vector<stack_frame>& frames) {
    detail::name_by_object(frames.emplace_back(), return_address);
}
std::vector<std::string> addresses::notes() {
    return {"sites: no names were looked up; `addr2line -e FILE OFFSET` has them"};
}

} // namespace peakscope::sites
