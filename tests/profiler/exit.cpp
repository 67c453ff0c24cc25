// SPDX-License-Identifier: MIT
// A program that ends with std::exit has its report, marked unfinished.
#include <peakscope/peakscope.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace exit_tests {

using namespace peakscope;

namespace {

// Writes what matters to a pipe.
struct to_pipe {
    static constexpr const char* name = "to_pipe";
    static inline int end = -1;

    void operator()(const memory_report& report) const {
        std::string text = report.title + "; " + std::to_string(report.phase("a").entries) + "; " +
                           std::to_string(report.phase("a").heap.delta.value_or(bytes{}).count);
        for (const std::string& note : report.notes)
            if (note.starts_with("unfinished")) text += "; " + note;
        text += "\n";
        static_cast<void>(!::write(end, text.data(), text.size()));
    }
};

using phase_list = phases<"a", phase<"b", "c">>;
using Memory = profiler<phase_list, heap::counting<>, rss::none, to_pipe>;
using Silent = profiler<phases<"a">, heap::counting<>, rss::none>;

void* volatile left = nullptr; // where a sanitizer that looks for leaks finds it

// What the work of a child reports that ends with std::exit.
template <class Work>
std::string reported(Work work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    std::fflush(nullptr); // or the child writes it too
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        to_pipe::end = ends[1];
        work();
        std::exit(7);
    }
    ::close(ends[1]);
    std::string text;
    char part[512];
    for (ssize_t read = 0; (read = ::read(ends[0], part, sizeof part)) > 0;)
        text.append(part, static_cast<std::size_t>(read));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
    return text;
}

} // namespace

TEST_CASE("std::exit inside a phase closes it, and the report says that it is unfinished") {
    const std::string text = reported([] {
        Memory memory{"leaves"};
        auto phase = Memory::phase<"a">();
        left = ::operator new(5'000);
        std::exit(7);
    });
    CHECK(text == "leaves; 1; 5000; unfinished: the program ended by exit() while phase 'a' was open\n");
}

TEST_CASE("a measurement that is finished, or has none to show, is not reported again") {
    CHECK(reported([] {
              Memory memory{"finished"};
              memory.report();
              std::exit(7);
          }) == "finished; 0; 0\n");
    CHECK(reported([] { const Memory abandoned{"abandoned"}; }).empty());
    CHECK(reported([] {
              Silent memory{"silent"};
              std::exit(7);
          }).empty());
}

TEST_CASE("a child of fork leaves the report to its parent") {
    CHECK(reported([] {
              Memory memory{"parent's"};
              const pid_t child = ::fork();
              if (child == 0) std::exit(0);
              ::waitpid(child, nullptr, 0);
              std::exit(7);
          }) == "parent's; 0; 0; unfinished: the program ended by exit() while the measurement was open\n");
}

TEST_CASE("another thread that ends the program cannot close the phases, and there is no report") {
    CHECK(reported([] {
              Memory memory{"another thread"};
              static_cast<void>(!std::freopen("/dev/null", "w", stderr));
              std::thread{[] { std::exit(7); }}.join();
          }).empty());
}

} // namespace exit_tests
