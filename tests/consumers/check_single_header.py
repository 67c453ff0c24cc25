#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The library in one file does what its headers do: a program of two files, one of which opens phases and nothing else,
prints the same figures with either.

Usage: check_single_header.py SOURCE_ROOT COMPILER [ARGUMENT...]
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

POLICIES = """
using Memory = peakscope::profiler<peakscope::phases<"reading", "writing">,
    peakscope::heap::SOURCE<peakscope::sites::caller<peakscope::sites::addresses>>, peakscope::rss::none, peakscope::report::none>;
"""
OPENS_PHASES = """
#define PEAKSCOPE_PHASES_ONLY
#include "peakscope_single.hpp"
""" + POLICIES + """
#ifdef _GLIBCXX_STRING
#error "a file that opens phases includes the C++ library"
#endif
void* read() {
    auto phase = Memory::phase<"reading">();
    ::operator delete(::operator new(3'000'000));
    return ::operator new(1'000'000);
}
"""
MEASURES = """
#define PEAKSCOPE_REPLACE_KIND
#include "peakscope_single.hpp"
#include <cstdio>
#include <cstdlib>
""" + POLICIES + """
void* read();
int main() {
    Memory memory{"single"};
    void* kept = read();
    void* of_c = nullptr;
    {
        auto phase = Memory::phase<"writing">();
        of_c = std::malloc(500'000);
    }
    const peakscope::memory_report report = memory.finish();
    std::free(of_c);
    ::operator delete(kept);
    for (const char* phase : {"reading", "writing"}) {
        const auto& heap = report.phase(phase).heap;
        std::printf("%s %lld %lld\\n", phase, static_cast<long long>(heap.delta->count), static_cast<long long>(heap.peak_delta->count));
    }
    int sites = 0;
    for (const peakscope::site_report& site : report.sites)
        sites += site.amounts.allocated_bytes.count > 0;
    std::printf("sites %d\\n", sites);
}
"""
OPERATORS = "reading 1000000 3000000\nwriting 0 0\nsites 2\n"
MALLOC = "reading 1000000 3000000\nwriting 500000 500000\nsites 3\n"


class SingleHeader(unittest.TestCase):
    source = compiler = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        made = subprocess.run([sys.executable, self.source / "examples/packaging/single_header.py", self.source / "include"],
                              capture_output=True, text=True, check=True)
        (self.root / "peakscope_single.hpp").write_text(made.stdout)

    def run_program(self, source, kind):
        for name, text in ("opens_phases.cpp", OPENS_PHASES), ("measures.cpp", MEASURES):
            (self.root / name).write_text(text.replace("SOURCE", source).replace("KIND", kind))
        ran = subprocess.run([*self.compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", "opens_phases.cpp", "measures.cpp",
                              "-o", "program", "-pthread"], capture_output=True, text=True, cwd=self.root)
        self.assertEqual(ran.returncode, 0, ran.stderr[:3000])
        return subprocess.run([self.root / "program"], capture_output=True, text=True, check=True).stdout

    def test_operators(self):
        self.assertEqual(self.run_program("counting", "OPERATORS"), OPERATORS)

    def test_malloc(self):
        self.assertEqual(self.run_program("malloc_counting", "MALLOC"), MALLOC)


SingleHeader.source, SingleHeader.compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
unittest.main(argv=sys.argv[:1], verbosity=2)
