#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""With every policy none, peakscope is not there.

Each instrumented file is compiled twice, as it stands and with its lines of peakscope's blanked out (the line numbers stay), at
each of the levels. The object files must have the same sections with the same bytes and relocations, the same symbols, and
so the same size. Where a file ends with finish() in the place of report(), it has what destroys a report, and no more. (clang++ numbers its labels of string literals, .L.str.N, as it reads them, those too that it leaves out: the
numbers are not compared.) A program of such files, linked, has no symbol, string or section that speaks of peakscope.

Usage: check_no_trace.py LEVEL,... PROGRAM SOURCE... -- COMPILER WITH ITS ARGUMENTS
"""
import functools
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SPLIT = sys.argv.index("--")
LEVELS = sys.argv[1].split(",")
PROGRAM, *SOURCES = map(pathlib.Path, sys.argv[2:SPLIT])
COMPILER = sys.argv[SPLIT + 1:]

OURS = re.compile(r'^\s*(#include "memory\.hpp"|auto \w+ = Memory::(phase|label|work)\b.*;|Memory memory\{.*\};|memory\.report\(.*\);)$')


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def without_name(text):
    """objdump's output without the line that has the file's name."""
    return without_label_numbers("\n".join(line for line in text.splitlines() if "file format" not in line))


def without_label_numbers(text):
    return re.sub(r"\.L\.str\.\d+", ".L.str", text)


@functools.cache
def compiled(source, text, level):
    """What a file becomes with this text."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # One name for all, so that nothing differs but the text.
        copy = folder / source.name
        copy.write_text(text)
        made = folder / (source.stem + ".o")
        subprocess.run([*COMPILER, "-std=c++20", level, "-c", str(copy), "-o", str(made)], check=True)
        return {
            "machine code": without_name(output_of("objdump", "-dr", "--no-show-raw-insn", made)),
            "sections": without_name(output_of("objdump", "-sr", made)),
            "symbols": sorted(without_label_numbers(output_of("nm", "-C", "--format=posix", made)).splitlines()),
            "size": output_of("size", "-A", "-d", made).splitlines()[2:],
        }


class NoTrace(unittest.TestCase):
    def test_objects_are_the_same_with_and_without_the_lines(self):
        for source in SOURCES:
            lines = source.read_text().splitlines()
            removed = [line for line in lines if OURS.match(line)]
            self.assertGreater(len(removed), 1, source)
            bare = "\n".join("" if OURS.match(line) else line for line in lines) + "\n"
            self.assertNotIn("Memory", re.sub(r"//.*", "", bare), "a line of peakscope's is left")
            for level in LEVELS:
                with self.subTest(source=source.name, level=level):
                    instrumented = compiled(source, "\n".join(lines) + "\n", level)
                    plain = compiled(source, bare, level)
                    for what, expected in plain.items():
                        self.assertEqual(instrumented[what], expected, f"{source.name} {level}: {what}")
                    print(f"{source.name} {level}: {len(plain['machine code'].splitlines()):,} lines of machine code, the same")

    def test_finish_leaves_what_destroys_a_report(self):
        ends = re.compile(r"^(\s*)memory\.report\(", re.MULTILINE)
        with_reports = [source for source in SOURCES if ends.search(source.read_text())]
        for source in with_reports:
            text = source.read_text()
            finishing = ends.sub(r"\1memory.finish(", text).replace('#include "memory.hpp"', '#include "memory.hpp"\n#include <peakscope/core/report.hpp>')
            for level in LEVELS:
                with self.subTest(source=source.name, level=level):
                    reported, finished = (compiled(source, each, level) for each in (text, finishing))
                    sizes = [sum(int(line.split()[1]) for line in each["size"] if line.startswith(".text")) for each in (reported, finished)]
                    self.assertIn("peakscope::memory_report::~memory_report()", "\n".join(finished["symbols"]))
                    # As the comments of finish() and report() have it: 1 to 2 kB, clang++ some more, and -Os less.
                    self.assertTrue(500 <= sizes[1] - sizes[0] <= 2_500, sizes)
                    print(f"{source.name} {level}: finish() leaves {sizes[1] - sizes[0]:,} bytes of code")

    def test_the_check_finds_a_difference(self):
        source = SOURCES[0]
        lines = source.read_text().splitlines()
        first = next(i for i, line in enumerate(lines) if re.match(r"\s+auto \w+ = Memory::phase", line))
        plain = compiled(source, "\n".join(lines) + "\n", "-O2")
        lines[first] += " static volatile int traces; ++traces;"
        other = compiled(source, "\n".join(lines) + "\n", "-O2")
        for what in plain:
            self.assertNotEqual(plain[what], other[what], what)

    def test_the_linked_program_has_nothing_of_peakscope(self):
        self.assertNotIn("peakscope", output_of("nm", "-C", "-a", PROGRAM))
        self.assertNotIn("peakscope", output_of("nm", "-C", "-D", PROGRAM))
        self.assertNotIn("peakscope", output_of("objdump", "-h", PROGRAM))
        # Debug information names the files that were read; it is in no build that is handed out.
        bare = PROGRAM.parent / (PROGRAM.name + ".stripped")
        subprocess.run(["strip", "-o", bare, PROGRAM], check=True)
        self.addCleanup(bare.unlink)
        self.assertEqual([line for line in output_of("strings", "-a", bare).splitlines() if "peakscope" in line], [])


unittest.main(argv=sys.argv[:1], verbosity=2)
