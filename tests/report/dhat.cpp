// SPDX-License-Identifier: MIT
#include "made_up_sites.hpp"

#include <peakscope/report/dhat.hpp>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace dhat_tests {

using namespace peakscope;
using nlohmann::json;

TEST_CASE("a program point for each site: allocated, at the peak, at the end") {
    const json file = json::parse(report::dhat::text(tests::report_with_call_stacks()));
    CHECK(file["dhatFileVersion"] == 2);
    CHECK(file["tg"] == 2'500'000);
    CHECK(file["te"] == 4'000'000);
    CHECK(file["tu"] == "ns");
    CHECK(file["pps"] == json::parse(R"([
        {"tb": 1000, "tbk": 10, "tl": 0, "mb": 600, "mbk": 3, "gb": 600, "gbk": 3, "eb": 100, "ebk": 1, "fs": [1, 2, 3]},
        {"tb": 300, "tbk": 3, "tl": 0, "mb": 400, "mbk": 2, "gb": 400, "gbk": 2, "eb": 0, "ebk": 0, "fs": [4, 3]},
        {"tb": 0, "tbk": 0, "tl": 0, "mb": 24, "mbk": 1, "gb": 24, "gbk": 1, "eb": 0, "ebk": 0, "fs": [5]}])"));
    CHECK(file["ftbl"] == json{"[root]", "0x1000: make_page (/src/page.hpp:3)", "0x1000: render (/src/page.cpp:12)",
                               "0x2000: main (/src/main.cpp:5)", "0x3000", "(allocated before the measurement)"});
}

TEST_CASE("the viewer gets no negative figures") {
    memory_report report = tests::report_with_call_stacks();
    report.sites[0].amounts = {{-1}, -2, {-3}, -4, {}, {-5}, 6};
    const json point = json::parse(report::dhat::text(report))["pps"][0];
    for (const char* each : {"tb", "mb", "mbk", "gb", "gbk", "eb", "ebk"})
        CHECK(point[each] == 0);
    CHECK(point["tbk"] == 6);
}

TEST_CASE("what the format asks for and no report knows is said") {
    const json file = json::parse(report::dhat::text(tests::report_with_call_stacks()));
    CHECK(file["cmd"] ==
          "a build (peakscope: Max is the larger of the figures at t-gmax and at t-end; lifetimes are not "
          "known)");
}

} // namespace dhat_tests
