// SPDX-License-Identifier: MIT
// A report is written whole, or there is an error with the place and the reason.
#include "made_up.hpp"

#include <peakscope/report/console.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/tee.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

using namespace peakscope;

namespace {

template <class Backend>
std::string failure_of(const Backend& backend) {
    try {
        backend(tests::made_up_report());
    } catch (const write_error& error) {
        return error.what();
    }
    return "written";
}

} // namespace

TEST_CASE("a file is created or replaced, and holds the whole text") {
    const std::filesystem::path file = "report_destination.json";
    std::ofstream{file} << std::string(100'000, 'x');
    report::json{report::destination{file}}(tests::made_up_report());
    std::ifstream written{file};
    CHECK(std::string{std::istreambuf_iterator<char>{written}, {}} == report::json::text(tests::made_up_report()));
}

TEST_CASE("a place that cannot be written to is an error with its path and the reason") {
    using report::destination;
    CHECK(failure_of(report::json{destination{std::filesystem::path{"no such folder/report.json"}}}) ==
          "cannot write the report to 'no such folder/report.json': No such file or directory");
    CHECK(failure_of(report::console{destination{std::filesystem::path{"."}}}) ==
          "cannot write the report to '.': Is a directory");
    CHECK(failure_of(report::json{destination{std::filesystem::path{"/dev/full"}}}) ==
          "cannot write the report to '/dev/full': No space left on device");
}

TEST_CASE("a stream that fails is an error") {
    std::ostringstream broken;
    broken.setstate(std::ios::badbit);
    CHECK(failure_of(report::console{broken}) == "cannot write the report to a stream: the stream has failed");
}

TEST_CASE("tee hands the report to all, also past one that fails, and reports the failure") {
    std::ostringstream first;
    std::ostringstream last;
    const report::tee both{report::console{first},
                           report::json{report::destination{std::filesystem::path{"/dev/full"}}},
                           report::console{last}};
    CHECK(failure_of(both) == "cannot write the report to '/dev/full': No space left on device");
    CHECK(first.str() == report::console::text(tests::made_up_report()));
    CHECK(last.str() == first.str());
}
