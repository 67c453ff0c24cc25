// SPDX-License-Identifier: MIT
#include "made_up.hpp"

#include <peakscope/core/error.hpp>
#include <peakscope/report/by_name.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/folded.hpp>
#include <peakscope/report/none.hpp>

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

namespace by_name_tests {

using namespace peakscope;
using backends = report::by_name<report::console, report::folded, report::none>;

TEST_CASE("the backend of that name gets the report, and writes where it is told") {
    const memory_report report = tests::made_up_report();
    std::ostringstream shown;
    backends{"console", shown}(report);
    CHECK(shown.str() == report::console::text(report));
    std::ostringstream stacks;
    backends{"folded", stacks}(report);
    CHECK(stacks.str() == report::folded::text(report));
    std::ostringstream nothing;
    backends{"none", nothing}(report);
    CHECK(nothing.str().empty());
}

TEST_CASE("a name that is none of them is an error which says what there is") {
    CHECK(std::vector<std::string>(backends::names.begin(), backends::names.end()) ==
          std::vector<std::string>{"console", "folded", "none"});
    std::string said;
    try {
        backends wrong{"cosnole"};
    } catch (const usage_error& error) {
        said = error.what();
    }
    CHECK(said == "there is no report backend 'cosnole'; there are console, folded, none");
}

} // namespace by_name_tests
