#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a file pays in compile time for opening a phase, against an empty one: interleaved, the median of several runs.

Usage: compile_time.py [REPETITIONS]
"""
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"
SCOPE = """
#include <peakscope/profiler/profiler.hpp>
using Phases = peakscope::phases<"discovery", "parsing", peakscope::phase<"rendering", "markdown", "template">>;
using Memory = peakscope::profiler<Phases{policies}>;
void work();
void parse() {{
    auto phase = Memory::phase<"parsing">();
    work();
}}
"""
SOURCES = {
    "empty": "",
    "phase, disabled": SCOPE.format(policies=""),
    "phase, enabled": SCOPE.format(policies=", peakscope::heap::counting<>, peakscope::rss::procfs"),
    "measurement": """
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/rss/procfs.hpp>
using Memory = peakscope::profiler<peakscope::phases<"parsing">, peakscope::heap::counting<>, peakscope::rss::procfs,
                                   peakscope::report::console>;
void measure() { Memory{"title"}.report(); }
""",
}


def main():
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    compilers = [each for each in ("g++", "clang++-19") if shutil.which(each)]
    print(f"{'compiler':<12} {'level':<6} {'file':<16} {'median ms':>10} {'spread':>8} {'over empty':>11}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, text in SOURCES.items():
            (folder / f"{name}.cpp").write_text(text)
        for compiler in compilers:
            for level in "-O0", "-O2":
                times = {name: [] for name in SOURCES}
                for _ in range(repetitions):
                    for name in SOURCES:
                        command = [compiler, "-std=c++20", level, "-I", INCLUDE, "-c", folder / f"{name}.cpp", "-o", folder / "made.o"]
                        start = time.perf_counter()
                        subprocess.run(command, check=True)
                        times[name].append(1000 * (time.perf_counter() - start))
                empty = statistics.median(times["empty"])
                for name, values in times.items():
                    median = statistics.median(values)
                    low, _, high = statistics.quantiles(values, n=4)
                    print(f"{compiler:<12} {level:<6} {name:<16} {median:10.0f} {100 * (high - low) / median:7.1f}% {median - empty:8.0f} ms")


main()
