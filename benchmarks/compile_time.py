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
    "a scaling test": ("""
#include <peakscope/testing/scaling.hpp>
bool linear(const peakscope::testing::scaling_report& of) { return of.at_most_linear(); }
""", "empty"),
    "the replaced operators and all bodies": ("""
#include <peakscope/heap/counting_operators.hpp>
""", "empty"),
}


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


main()
