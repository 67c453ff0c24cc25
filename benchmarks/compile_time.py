#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a file pays in compile time for what it includes: user seconds of the compiler, the least of several runs in turns.

Usage: compile_time.py [REPETITIONS]
"""
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"
SCOPE = """
#include <peakscope/profiler/profiler.hpp>
using Phases = peakscope::phases<"discovery", "parsing", peakscope::phase<"rendering", "markdown", "template">>;
using Memory = peakscope::{memory};
void work();
void parse() {{
    auto phase = Memory::phase<"parsing">();
    work();
}}
"""
DOCTEST = """
#define DOCTEST_CONFIG_NO_SHORT_MACRO_NAMES
#include <doctest/doctest.h>
DOCTEST_TEST_CASE("one") { DOCTEST_CHECK(1 == 1); }
"""
GTEST = """
#include <gmock/gmock.h>
#include <gtest/gtest.h>
TEST(one, two) { EXPECT_EQ(1, 1); }
"""
CATCH2 = """
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
TEST_CASE("one") { CHECK(1 == 1); }
"""
LIMITED = """
#include <peakscope/testing/{}.hpp>
void limited() {{ peakscope::testing::limit_this_test({{.heap_peak = peakscope::bytes{{1'000}}}}); }}
"""
# Each file with the one it is compared with.
SOURCES = {
    "empty": ("", None),
    "five headers of the standard library": (
        "".join(f"#include <{each}>\n" for each in ("string", "string_view", "vector", "optional", "chrono")), "empty"),
    "a phase, disabled": (SCOPE.format(memory="no_scopes<Phases>"), "empty"),
    "a phase, enabled": (SCOPE.format(memory="scopes<Phases>"), "empty"),
    "the file that measures": ("""
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/rss/procfs.hpp>
using Memory = peakscope::profiler<peakscope::phases<"parsing">, peakscope::heap::counting<>, peakscope::rss::procfs,
                                   peakscope::report::console>;
void measure() { Memory{"title"}.report(); }
""", "empty"),
    "a doctest file": (DOCTEST, "empty"),
    "the same with limits": (DOCTEST + """
#include <peakscope/testing/doctest.hpp>
DOCTEST_TEST_CASE("limited") { peakscope::testing::limit_this_test({.heap_peak = peakscope::bytes{1'000}}); }
""", "a doctest file"),
    "a GoogleTest file": (GTEST, "empty"),
    "a GoogleTest file with limits": (GTEST + LIMITED.format("gtest"), "a GoogleTest file"),
    "a Catch2 file": (CATCH2, "empty"),
    "a Catch2 file with limits": (CATCH2 + LIMITED.format("catch2"), "a Catch2 file"),
    "a leak test": (DOCTEST + """
#include <peakscope/heap/counting.hpp>
#include <peakscope/testing/leaks.hpp>
void work();
DOCTEST_TEST_CASE("no leaks") { DOCTEST_CHECK_FALSE(peakscope::testing::leaks<peakscope::heap::counting<>>(40, work).leaks()); }
""", "empty"),
    "a scaling test": (DOCTEST + """
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/testing/scaling.hpp>
using Memory = peakscope::profiler<peakscope::phases<"parsing">, peakscope::heap::counting<>>;
void work(std::uint64_t count);
DOCTEST_TEST_CASE("linear") {
    const auto grows = peakscope::testing::scaling({100, 500, 1'000}, [](std::uint64_t count) {
        Memory memory{"work"};
        work(count);
        return memory.finish({"item", count});
    });
    DOCTEST_CHECK(grows.at_most_linear());
}
""", "empty"),
    "a fault test": (DOCTEST + """
#include <peakscope/heap/counting.hpp>
#include <peakscope/testing/faults.hpp>
void work();
DOCTEST_TEST_CASE("no faults") {
    DOCTEST_CHECK(peakscope::testing::fail_each_allocation<peakscope::heap::counting<>>(work).ok());
}
""", "empty"),
    "the replaced operators and all bodies": ("""
#include <peakscope/heap/counting_operators.hpp>
""", "empty"),
}


# A file that measures, with each backend.
BACKENDS = "console", "markdown", "json", "html", "pprof", "folded", "speedscope", "trace", "firefox", "dhat"
BACKEND = """
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/{0}.hpp>
#include <peakscope/rss/procfs.hpp>
using Memory = peakscope::profiler<peakscope::phases<"parsing">, peakscope::heap::counting<>, peakscope::rss::procfs,
                                   peakscope::report::{0}>;
void measure() {{ Memory{{"title"}}.finish(); }}
"""

# The file with everything, at a user's own flags.
EVERYTHING = """
#include <peakscope/heap/malloc_counting_functions.hpp>
#include <peakscope/peakscope.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/json_reader.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>
using Memory = peakscope::profiler<peakscope::phases<"parsing">,
                                   peakscope::heap::malloc_counting<peakscope::sites::unwind<8>>, peakscope::rss::procfs,
                                   peakscope::report::tee<peakscope::report::console, peakscope::report::json>>;
void measure() { Memory{"title"}.finish(); }
"""
EVERYTHING_DEBUG = "-g", "-g1"


def compiled(command):
    """User seconds of a compiler, its parts included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime


def main():
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    compilers = [each for each in ("g++", "clang++-19") if shutil.which(each)]
    print(f"{'compiler':<12} {'level':<6} {'file':<38} {'user s':>8} {'over':>8}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (text, _) in SOURCES.items():
            (folder / f"{name.replace(' ', '_')}.cpp").write_text(text)
        for compiler in compilers:
            for level in "-O0", "-O2":
                times = {name: [] for name in SOURCES}
                for _ in range(repetitions):
                    for name in SOURCES:
                        times[name].append(compiled([compiler, "-std=c++20", level, "-I", INCLUDE, "-c",
                                                     folder / f"{name.replace(' ', '_')}.cpp", "-o", folder / "made.o"]))
                for name, (_, base) in SOURCES.items():
                    over = f"{min(times[name]) - min(times[base]):8.2f}" if base else ""
                    print(f"{compiler:<12} {level:<6} {name:<38} {min(times[name]):8.2f} {over:>8}", flush=True)
        for name in BACKENDS:
            (folder / f"{name}.cpp").write_text(BACKEND.format(name))
        times = {name: [] for name in BACKENDS}
        for _ in range(repetitions):
            for name in BACKENDS:
                times[name].append(compiled(["g++", "-std=c++20", "-O2", "-I", INCLUDE, "-c", folder / f"{name}.cpp",
                                             "-o", folder / "made.o"]))
        for name in BACKENDS:
            print(f"g++ -O2: a file that measures and has report::{name} takes {min(times[name]):.1f} s,"
                  f" {min(times[name]) - min(times['console']):.1f} s over report::console", flush=True)
        everything = folder / "everything.cpp"
        everything.write_text(EVERYTHING)
        for debug in EVERYTHING_DEBUG:
            command = ["g++", "-std=c++20", "-O2", debug, "-I", INCLUDE, "-c", everything, "-o", folder / "made.o"]
            seconds = min(compiled(command) for _ in range(repetitions))
            peak = subprocess.run([sys.executable, "-c", "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
                                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)", *command],
                                  check=True, capture_output=True, text=True).stdout.strip()
            print(f"g++ -O2 {debug}: malloc, JSON, sites and names in one file take {seconds:.1f} s and {peak} MiB")


main()
