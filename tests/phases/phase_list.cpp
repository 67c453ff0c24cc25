// SPDX-License-Identifier: MIT
#include <peakscope/phases/hana.hpp>
#include <peakscope/phases/phase_list.hpp>

#include <boost/hana/for_each.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace peakscope;

using Build =
    phases<"discovery", phase<"rendering", "markdown", phase<"template", "markdown", "layout">>, "postprocess">;

TEST_CASE("phases are numbered in preorder, with their paths, parents and depths") {
    static_assert(Build::count == 7);
    static_assert(Build::depth == 3);
    const char* const paths[] = {"discovery",
                                 "rendering",
                                 "rendering/markdown",
                                 "rendering/template",
                                 "rendering/template/markdown",
                                 "rendering/template/layout",
                                 "postprocess"};
    const std::size_t parents[] = {phase_info::root, phase_info::root, 1, 1, 3, 3, phase_info::root};
    const std::size_t depths[] = {0, 0, 1, 1, 2, 2, 0};
    for (std::size_t i = 0; i < Build::count; ++i) {
        CHECK(std::string{Build::info(i).path} == paths[i]);
        CHECK(Build::info(i).parent == parents[i]);
        CHECK(Build::info(i).depth == depths[i]);
    }
}

TEST_CASE("a phase is found by its path, or by a name that only it has") {
    static_assert(Build::index_of<"rendering/template/layout"> == 5);
    static_assert(Build::index_of<"layout"> == 5);
    static_assert(Build::index_of<"rendering/markdown"> == 2);
    static_assert(Build::index_of<"rendering/template/markdown"> == 4);
    // A path at the root stands before a name further down.
    using Shadow = phases<phase<"a", "b">, "b">;
    static_assert(Shadow::index_of<"b"> == 2);
    static_assert(Shadow::index_of<"a/b"> == 1);
    CHECK(Build::index_of<"postprocess"> == 6);
}

TEST_CASE("an empty list is a list") {
    static_assert(phases<>::count == 0);
    static_assert(phases<>::depth == 0);
    CHECK(phases<>::count == 0);
}

TEST_CASE("equal lists are one type, and make a Hana sequence") {
    static_assert(std::is_same_v<phases<"a", phase<"b", "c">>, phases<"a", phase<"b", "c">>>);
    static_assert(!std::is_same_v<phases<"a", "b">, phases<"b", "a">>);
    std::string joined;
    boost::hana::for_each(phases_as_hana<Build>,
                          [&](auto row) { joined += std::string{decltype(row)::type::name.c_str()} + " "; });
    CHECK(joined == "discovery rendering markdown template markdown layout postprocess ");
}
