// SPDX-License-Identifier: MIT
// What turns addresses into names, when the report is made; and which of a stack's frames is the user's own.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/sites/objects.hpp>
#include <peakscope/sites/stack.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::sites {

/// A symboliser adds the frames of a return address to a list: those that are inlined there first, the innermost of all
/// in front, and then the function itself. What it does not know stays empty; a function without a file and line has
/// the name of its program or library as the file. It may also have `notes()`: what a reader of the report must know.
template <class Symboliser>
concept symboliser = std::default_initializable<Symboliser> &&
                     requires(Symboliser& names, address return_address, std::vector<stack_frame>& frames) {
                         names.append(return_address, frames);
                     };

/// Which frame of a stack is shown as the site: the first one that is not a library's. A symboliser with a static
/// function `rule()` that returns one of these has a rule of its own:
///
///     struct my_names : peakscope::sites::libbacktrace {
///         static peakscope::sites::naming_rule rule() {
///             peakscope::sites::naming_rule mine;
///             mine.library_paths.push_back("/third_party/");
///             return mine;
///         }
///     };
///     using Memory = peakscope::profiler<Phases, heap::counting<sites::frames<8, my_names>>>;
struct naming_rule {
    /// A frame whose file contains one of these is a library's.
    std::vector<std::string> library_paths{"/usr/", "/include/c++/", "/libstdc++-v3/", "/include/peakscope/",
                                           "/glibc-"};
    /// So is one whose file begins with one of these: programs and libraries, where the source file is not known.
    std::vector<std::string> library_folders{"/lib/", "/lib64/", "/usr/"};
    /// And one whose function, without its return type, begins with one of these.
    std::vector<std::string> library_functions{"std::", "__gnu_cxx::", "operator new",
                                               "peakscope::engine::", "peakscope::heap::detail::"};
    /// Files are shown relative to this folder. Empty: to the one that most of the user's files are in.
    std::string root{};

    naming_rule() = default; // declared: g++ 12 fails on the initialisers above in a template otherwise

    [[nodiscard]] bool is_library(const stack_frame& frame) const {
        const auto contained = [&](const std::string& part) { return frame.file.find(part) != std::string::npos; };
        // A file with a relative path was compiled elsewhere, as those of a distribution are: its library tells.
        const std::string known_by = frame.address == 0 || frame.file.starts_with('/')
                                         ? frame.file
                                         : detail::object_of(frame.address).path; // "" for the program itself
        const auto begins = [&](const std::string& folder) { return known_by.starts_with(folder); };
        const std::string_view name = name_of(frame.function);
        const auto named = [&](const std::string& start) { return name.starts_with(start); };
        return std::ranges::any_of(library_paths, contained) || std::ranges::any_of(library_folders, begins) ||
               std::ranges::any_of(library_functions, named);
    }

    /// A function's name without the return type that the names of templates have in front: what follows the last space
    /// before the arguments, outside of all brackets.
    [[nodiscard]] static std::string_view name_of(std::string_view function) noexcept {
        std::size_t start = 0;
        int depth = 0;
        for (std::size_t i = 0; i < function.size(); ++i) {
            const char each = function[i];
            if (function.substr(i).starts_with("operator")) break;
            if (each == '<') ++depth;
            if (each == '>') --depth;
            if (depth > 0) continue;
            if (each == '(' && !function.substr(i).starts_with("(anonymous")) break;
            if (each == ' ' && i > 0 && !function.substr(0, i).ends_with("(anonymous")) start = i + 1;
        }
        return function.substr(start);
    }
};

namespace detail {

template <class Symboliser>
concept has_rule = requires { Symboliser::rule(); };

template <class Symboliser>
concept has_notes = requires(const Symboliser& names) {
    { names.notes() } -> std::same_as<std::vector<std::string>>;
};

template <class Symboliser>
[[nodiscard]] naming_rule rule_of() {
    if constexpr (has_rule<Symboliser>) return Symboliser::rule();
    return naming_rule();
}

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

} // namespace detail

/// Names every stack of an attribution. Throws what the symboliser throws, and std::bad_alloc.
template <symboliser Symboliser>
[[nodiscard]] named_stacks name_stacks(const attribution& of) {
    Symboliser names;
    const naming_rule rule = detail::rule_of<Symboliser>();
    named_stacks named;
    std::map<std::uintptr_t, std::vector<stack_frame>> known; // stacks share most of their frames
    // Objects of which some code has lines: there, code without a line is one that the compiler made up.
    std::set<address> with_lines;
    for (const std::vector<std::uintptr_t>& stack : of.stacks)
        for (const std::uintptr_t each : stack) {
            auto [found, is_new] = known.try_emplace(each);
            if (!is_new) continue;
            names.append(each, found->second);
            for (stack_frame& frame : found->second) {
                frame.address = each;
                if (frame.line > 0) with_lines.insert(detail::object_of(each).base);
            }
        }
    if constexpr (detail::has_notes<Symboliser>) named.notes = names.notes();
    std::set<std::string> without_lines;
    std::vector<std::string> users_files;
    for (const std::vector<std::uintptr_t>& stack : of.stacks) {
        named_stack made;
        for (const std::uintptr_t each : stack) {
            const std::vector<stack_frame>& frames = known[each];
            made.frames.insert(made.frames.end(), frames.begin(), frames.end());
        }
        const auto users = std::ranges::find_if(made.frames, [&](const stack_frame& frame) {
            return !rule.is_library(frame) &&
                   (frame.line > 0 || !with_lines.contains(detail::object_of(frame.address).base));
        });
        if (users != made.frames.end()) {
            made.shown = static_cast<std::size_t>(users - made.frames.begin());
        } else if (!made.frames.empty()) { // all of it is a library's: the one that is nearest to the user
            made.shown = made.frames.size() - 1;
        }
        if (users != made.frames.end() && users->line == 0 && !users->file.empty())
            without_lines.insert(users->file.substr(users->file.rfind('/') + 1));
        if (users != made.frames.end() && users->line > 0) users_files.push_back(users->file);
        named.stacks.push_back(std::move(made));
    }
    named.root = rule.root.empty() || rule.root.ends_with('/') ? rule.root : rule.root + '/';
    if (rule.root.empty()) named.root = detail::folder_of_most(users_files);
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

/// No names: each frame is an offset in its program or library, as `addr2line -e` takes it on another day.
struct addresses {
    static void append(address return_address, std::vector<stack_frame>& frames) {
        detail::name_by_object(frames.emplace_back(), return_address);
    }
    [[nodiscard]] static std::vector<std::string> notes() {
        return {"sites: no names were looked up; `addr2line -e FILE OFFSET` has them"};
    }
};

} // namespace peakscope::sites
