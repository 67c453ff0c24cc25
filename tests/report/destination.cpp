// SPDX-License-Identifier: MIT
// A report is written whole, or there is an error with the place and the reason.
#include "made_up.hpp"

#include <peakscope/report/console.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/tee.hpp>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace destination_tests {

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
    report::console{"report_destination.txt"}(tests::made_up_report());
    std::ifstream shown{"report_destination.txt"};
    CHECK(std::string{std::istreambuf_iterator<char>{shown}, {}} == report::console::text(tests::made_up_report()));
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

TEST_CASE("a report that could not be written whole leaves the last one, and nothing beside it") {
    namespace fs = std::filesystem;
    fs::remove_all("last good");
    fs::create_directory("last good");
    const fs::path file = "last good/report.json";
    std::ofstream{file} << "the last one";
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) { // a disk with room for 100 bytes
        const rlimit size{100, 100};
        ::signal(SIGXFSZ, SIG_IGN);
        ::setrlimit(RLIMIT_FSIZE, &size);
        ::_exit(failure_of(report::json{report::destination{file}}) ==
                        "cannot write the report to 'last good/report.json': File too large"
                    ? 0
                    : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    const auto text = [&] {
        std::ifstream written{file};
        return std::string{std::istreambuf_iterator<char>{written}, {}};
    };
    CHECK(text() == "the last one");
    CHECK(std::distance(fs::directory_iterator{"last good"}, {}) == 1);

    fs::create_symlink("report.json", "last good/link.json");
    report::json{fs::path{"last good/link.json"}}(tests::made_up_report());
    CHECK(text() == report::json::text(tests::made_up_report()));
    CHECK(fs::is_symlink("last good/link.json"));
    CHECK(fs::status(file).permissions() == (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read));
    CHECK(std::distance(fs::directory_iterator{"last good"}, {}) == 2);
    fs::remove_all("last good");
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

namespace {

std::string text_of(const char* path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

// What runs in a child of its own with a file as standard error; what it wrote there.
template <class Work>
std::string standard_error_of(const char* peakscope_out, Work work) {
    for (const char* const left : {"stderr.txt", "out", "out.json", "out.2", "peakscope.json", "named.json"})
        std::filesystem::remove(left);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (std::freopen("stderr.txt", "w", stderr) == nullptr) ::_exit(1);
        ::unsetenv("PEAKSCOPE_OUT");
        ::unsetenv("COLUMNS");
        if (peakscope_out != nullptr) ::setenv("PEAKSCOPE_OUT", peakscope_out, 1);
        work(tests::made_up_report());
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    return text_of("stderr.txt");
}

const memory_report& shown() {
    static const memory_report report = tests::made_up_report();
    return report;
}

} // namespace

TEST_CASE("a report without a named destination goes to standard error, or where PEAKSCOPE_OUT says") {
    const auto write = [](const memory_report& report) { report::console{}(report); };
    CHECK(standard_error_of(nullptr, write) == report::console::text(shown()));
    CHECK(standard_error_of("", write) == report::console::text(shown()));
    CHECK(standard_error_of("out", write).empty());
    CHECK(text_of("out") == report::console::text(shown()));
    // A second report of the same process leaves the first one.
    const auto twice = [](const memory_report& report) {
        report::json{}(report);
        report::console{}(report);
    };
    CHECK(standard_error_of("out", twice).empty());
    CHECK(text_of("out") == report::json::text(shown()));
    CHECK(text_of("out.2") == report::console::text(shown()));
}

TEST_CASE("a file of PEAKSCOPE_OUT's that cannot be written is named, and the report is not lost") {
    const auto write = [](const memory_report& report) { report::console{}(report); };
    CHECK(standard_error_of("no/such/folder", write) ==
          "peakscope: cannot write the report to 'no/such/folder': No such file or directory; this is it:\n" +
              report::console::text(shown()));
}

TEST_CASE("a named destination is not PEAKSCOPE_OUT's, by a constructor's argument or as a policy") {
    const auto by_argument = [](const memory_report& report) { report::json{report::to("named.json")}(report); };
    CHECK(standard_error_of("out", by_argument).empty());
    CHECK(text_of("named.json") == report::json::text(shown()));
    CHECK_FALSE(std::filesystem::exists("out"));
    using policy = report::tee<report::console, report::to_file<report::json, "named.json">>;
    const auto as_policy = [](const memory_report& report) { policy{}(report); };
    CHECK(standard_error_of(nullptr, as_policy) == report::console::text(shown()));
    CHECK(text_of("named.json") == report::json::text(shown()));
    CHECK_FALSE(std::filesystem::exists("peakscope.json"));
}

TEST_CASE("two backends of a tee do not share standard error or PEAKSCOPE_OUT") {
    using both = report::tee<report::tee<report::console>, report::json>;
    const auto write = [](const memory_report& report) { both{}(report); };
    CHECK(standard_error_of(nullptr, write) == report::console::text(shown()));
    CHECK(text_of("peakscope.json") == report::json::text(shown()));
    CHECK(standard_error_of("out", write).empty());
    CHECK(text_of("out") == report::console::text(shown()));
    CHECK(text_of("out.json") == report::json::text(shown()));
    CHECK_FALSE(std::filesystem::exists("peakscope.json"));
}

TEST_CASE("a terminal's width is the report's") {
    const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0) {
        MESSAGE("skipped: the system gives no terminal (a root without /dev/pts)");
        return;
    }
    REQUIRE(::grantpt(terminal) == 0);
    REQUIRE(::unlockpt(terminal) == 0);
    const int stream = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
    REQUIRE(stream >= 0);
    const winsize size{.ws_row = 24, .ws_col = 72, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(::ioctl(stream, TIOCSWINSZ, &size) == 0);
    const auto write = [&](const memory_report& report) {
        static_cast<void>(report);
        const std::size_t of_a_file = report::destination{}.columns();
        ::setenv("COLUMNS", "90", 1);
        const std::size_t said = report::destination{}.columns();
        ::dup2(stream, 2);
        const std::size_t of_terminal = report::destination{}.columns();
        ::_exit(of_a_file == 100 && said == 90 && of_terminal == 72 && report::destination{"a file"}.columns() == 100
                    ? 0
                    : 1);
    };
    standard_error_of(nullptr, write);
    ::close(stream);
    ::close(terminal);
}

} // namespace destination_tests
