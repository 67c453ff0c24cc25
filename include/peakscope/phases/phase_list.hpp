// SPDX-License-Identifier: MIT
// The compile-time phase list: a tree of names, as a type.
//
//     using BuildPhases = peakscope::phases<"discovery", "parsing",
//                                           peakscope::phase<"rendering", "markdown", "template">, "postprocess">;
//
// A phase is asked for by its path ("rendering/markdown"), or by its last name alone where no other phase has it
// ("markdown"). Every mistake is a compile error, and its text holds a type `the_phases_are<...>` with all the paths.
//
// Limits: siblings have different names; names are not empty and hold no '/' and no control characters.
#pragma once

#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/language.hpp>

#include <cstddef>

namespace peakscope {

/// What a compile error about a phase shows: the paths of the phases there are.
template <fixed_string... Paths>
struct the_phases_are {};

namespace phases_detail {

inline constexpr std::size_t none = static_cast<std::size_t>(-1);

// A phase and those inside it. All of it is in the type.
template <fixed_string Name, class... Children>
struct tree {};

// One argument of a phase list: a literal or a `phase<...>`. Template argument deduction picks which.
template <class Value>
struct spec {
    Value value;
    consteval spec(Value given) : value(given) {}
    template <std::size_t Extent>
    consteval spec(const char (&literal)[Extent]) : value(literal) {}
};
template <std::size_t Extent>
spec(const char (&)[Extent]) -> spec<fixed_string<Extent>>;
template <fixed_string Name, class... Children>
spec(tree<Name, Children...>) -> spec<tree<Name, Children...>>;

template <class Value>
inline constexpr bool is_literal = false;
template <std::size_t Extent>
inline constexpr bool is_literal<fixed_string<Extent>> = true;

template <spec Given>
consteval auto as_tree() {
    if constexpr (is_literal<decltype(Given.value)>)
        return tree<Given.value>{};
    else
        return Given.value;
}

// A phase in the flat table: its path, the path it lies in ("" at the root), and its own name.
template <fixed_string Path, fixed_string Parent, fixed_string Name, std::size_t Depth>
struct row {
    static constexpr auto path = Path;
    static constexpr auto parent = Parent;
    static constexpr auto name = Name;
    static constexpr std::size_t depth = Depth;
};

template <fixed_string Parent, fixed_string Name>
consteval auto joined() {
    if constexpr (Parent.size() == 0)
        return Name;
    else
        return Parent + fixed_string{"/"} + Name;
}

// A pack of rows. Nothing but the language, because every file that opens a phase pays for what is included here.
template <class... Rows>
struct rows {};
template <class... Left, class... Right>
consteval rows<Left..., Right...> operator+(rows<Left...>, rows<Right...>) {
    return {};
}

// The rows of a tree in preorder.
template <fixed_string Parent, std::size_t Depth, fixed_string Name, class... Children>
consteval auto rows_of(tree<Name, Children...>) {
    constexpr auto path = joined<Parent, Name>();
    return (rows<row<path, Parent, Name, Depth>>{} + ... + rows_of<path, Depth + 1>(Children{}));
}

template <fixed_string Name>
consteval bool usable_name() {
    for (std::size_t i = 0; i < Name.size(); ++i)
        if (const char c = Name.text[i]; c == '/' || (c >= 0 && c < ' ') || c == 0x7f) return false;
    return Name.size() > 0;
}

} // namespace phases_detail

/// What the profiler needs to know of one phase at run time.
struct phase_info {
    const char* path;
    std::size_t parent; ///< number of the phase it lies in, or `phase_info::root`
    std::size_t depth;  ///< 0 at the root

    static constexpr std::size_t root = phases_detail::none;
};

namespace phases_detail {

// The rows as a plain parameter pack, which is what folds over.
template <class... Rows>
struct table {
    using paths = the_phases_are<Rows::path...>;
    static constexpr std::size_t count = sizeof...(Rows);

    static constexpr std::size_t count_of_path(const auto& wanted) {
        return (std::size_t{0} + ... + (Rows::path == wanted));
    }
    static constexpr std::size_t count_of_name(const auto& wanted) {
        return (std::size_t{0} + ... + (Rows::name == wanted));
    }
    static constexpr std::size_t with_path(const auto& wanted) {
        std::size_t index = 0;
        return ((Rows::path == wanted || (++index, false)) || ...) ? index : none;
    }
    static constexpr std::size_t with_name(const auto& wanted) {
        std::size_t index = 0;
        return ((Rows::name == wanted || (++index, false)) || ...) ? index : none;
    }

    static constexpr bool names_are_usable = (usable_name<Rows::name>() && ...);
    static constexpr bool siblings_differ = ((count_of_path(Rows::path) == 1) && ...);

    // One element more than there are phases, so that an empty list has an array too.
    static constexpr phase_info infos[count + 1] = {{Rows::path.c_str(), with_path(Rows::parent), Rows::depth}...,
                                                    {"", phase_info::root, 0}};

    static constexpr std::size_t deepest() {
        std::size_t depth = 0;
        ((depth = Rows::depth + 1 > depth ? Rows::depth + 1 : depth), ...);
        return depth;
    }
};

// The paths are a template argument of their own, so that they stand readably in the compiler's message.
template <class Table, class Paths = typename Table::paths>
struct checked : Table {
    static_assert(Table::names_are_usable,
                  "peakscope: a phase name is empty or holds '/' or a control character; see the_phases_are<...>");
    static_assert(!Table::names_are_usable || Table::siblings_differ,
                  "peakscope: two phases with one parent have the same name; see the_phases_are<...>");
};

template <fixed_string Asked, class Table, class Paths = typename Table::paths>
struct lookup {
    static constexpr bool by_path = Table::count_of_path(Asked) == 1;
    static constexpr std::size_t same_name = Table::count_of_name(Asked);
    static_assert(by_path || same_name > 0,
                  "peakscope: there is no phase of this name; see the_phases_are<...> for those there are");
    static_assert(by_path || same_name < 2,
                  "peakscope: several phases have this name; use the path of one, see the_phases_are<...>");
    static constexpr std::size_t index = by_path ? Table::with_path(Asked) : Table::with_name(Asked);
};

template <class... Rows>
consteval checked<table<Rows...>> as_checked_table(rows<Rows...>) {
    return {};
}

template <class... Trees>
using rows_of_trees = decltype((rows<>{} + ... + rows_of<fixed_string{""}, 0>(Trees{})));

} // namespace phases_detail

/// A phase with children, as an argument of `phases` or of another `phase`.
template <fixed_string Name, phases_detail::spec... Children>
inline constexpr phases_detail::tree<Name, decltype(phases_detail::as_tree<Children>())...> phase{};

/// The phase list, made by `phases<...>`. Its phases are numbered in preorder, from 0.
template <class... Trees>
struct phase_list {
    /// The phases in preorder, as the arguments of a type: each with the static members `path`, `parent`, `name` (fixed
    /// strings) and `depth`. <peakscope/phases/hana.hpp> makes a Hana sequence of them.
    using rows = phases_detail::rows_of_trees<Trees...>;

    using table = decltype(phases_detail::as_checked_table(rows{}));

    static constexpr std::size_t count = table::count;
    /// How deep phases can nest, 0 for an empty list.
    static constexpr std::size_t depth = table::deepest();

    /// The number of the phase `Asked`, by its path or by a name that only one phase has.
    template <fixed_string Asked>
    static constexpr std::size_t index_of = phases_detail::lookup<Asked, table>::index;

    [[nodiscard]] static constexpr const phase_info& info(std::size_t number) noexcept { return table::infos[number]; }
};

/// A phase list from names and `phase<...>`s; the example stands at the top of this header.
template <phases_detail::spec... Specs>
using phases = phase_list<decltype(phases_detail::as_tree<Specs>())...>;

} // namespace peakscope
