// SPDX-License-Identifier: MIT
// What turns addresses into names, when the report is made; and which of a stack's frames is the user's own.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/sites/stack.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace peakscope::sites {

/// A symboliser adds the frames of a return address to a list: those that are inlined there first, the innermost of all
/// in front, and then the function itself. What it does not know stays empty; a function without a file and line has
/// the name of its program or library as the file. It may also have `prepare(addresses)`, with a vector of all that it
/// is asked for next, each once; `figures()`: what that took, in memory and by what was cached; and `notes()`: what a
/// reader of the report must know.
template <class Symboliser>
concept symboliser = std::default_initializable<Symboliser> &&
                     requires(Symboliser& names, address return_address, std::vector<stack_frame>& frames) {
                         names.append(return_address, frames);
                     };

/// Which frame of a stack is shown as the site: the first one that is not a library's. A symboliser with a static
/// function `rule()` that returns one of these has a rule of its own:
///
///     #include <peakscope/sites/frames.hpp>
///     #include <peakscope/sites/libbacktrace.hpp>
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
    /// The user's own functions through which others allocate, "xmalloc" or "arena::allocate", without arguments: where
    /// one is the first that is no library's, its caller is shown instead. See sites/callers_of.hpp.
    std::vector<std::string> wrappers{};
    /// Files are shown relative to this folder. Empty: to the one that most of the user's files are in.
    std::string root{};

    naming_rule() = default; // declared: g++ 12 fails on the initialisers above in a template otherwise

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool is_library(const stack_frame& frame) const;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool is_wrapper(const stack_frame& frame) const;
};

namespace detail {

template <class Symboliser>
concept has_rule = requires { Symboliser::rule(); };

template <class Symboliser>
concept has_notes = requires(const Symboliser& names) {
    { names.notes() } -> std::same_as<std::vector<std::string>>;
};

template <class Symboliser>
concept prepares = requires(Symboliser& names, const std::vector<address>& all) { names.prepare(all); };

template <class Symboliser>
concept has_figures = requires(const Symboliser& names) {
    { names.figures() } -> std::convertible_to<naming_figures>;
};

template <class Symboliser>
[[nodiscard]] naming_rule rule_of() {
    if constexpr (has_rule<Symboliser>) return Symboliser::rule();
    return naming_rule();
}

// A symboliser of any type.
struct any_symboliser {
    void* object;
    void (*append)(void* object, address return_address, std::vector<stack_frame>& frames);
    // Null where it has none.
    std::vector<std::string> (*notes)(void* object) = nullptr;
    void (*prepare)(void* object, const std::vector<address>& all) = nullptr;
    naming_figures (*figures)(void* object) = nullptr;
};
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] named_stacks name_stacks(const attribution& of, const any_symboliser& names,
                                                                const naming_rule& rule);

} // namespace detail

/// Names every stack of an attribution. Throws what the symboliser throws, and std::bad_alloc.
template <symboliser Symboliser>
[[nodiscard]] named_stacks name_stacks(const attribution& of) {
    Symboliser names;
    detail::any_symboliser any{&names, [](void* object, address return_address, std::vector<stack_frame>& frames) {
                                   static_cast<Symboliser*>(object)->append(return_address, frames);
                               }};
    if constexpr (detail::has_notes<Symboliser>)
        any.notes = [](void* object) { return static_cast<const Symboliser*>(object)->notes(); };
    if constexpr (detail::prepares<Symboliser>)
        any.prepare = [](void* object, const std::vector<address>& all) {
            static_cast<Symboliser*>(object)->prepare(all);
        };
    if constexpr (detail::has_figures<Symboliser>)
        any.figures = [](void* object) -> naming_figures { return static_cast<const Symboliser*>(object)->figures(); };
    return detail::name_stacks(of, any, detail::rule_of<Symboliser>());
}

/// No names: each frame is an offset in its program or library, as `addr2line -e` takes it on another day.
struct addresses {
    PEAKSCOPE_BODY_ELSEWHERE static void append(address return_address, std::vector<stack_frame>& frames);
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static std::vector<std::string> notes();
};

} // namespace peakscope::sites
