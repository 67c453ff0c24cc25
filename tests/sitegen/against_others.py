#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What sitegen's report says is what valgrind's DHAT and heaptrack count in a run on the same site.

How they are compared. Of the others' call stacks those are taken that hold sitegen::build_site, which is what the measurement
measures. No report is made in their runs: that allocates more than the build, and would be their peak. Of the report's peak, what was allocated before the measurement is taken off.

    operators   The same program, counting with its operators. The others watch malloc under them: they see each block with its
                header of 16 bytes, which is taken off, and what cmark and the C library allocate, which is left out: only
                stacks with operator new are taken.
    malloc      heap::malloc_counting against the same sources without any profiling: the counted malloc hides glibc's from
                what is preloaded. Nothing is taken off.

Usage: against_others.py WITH_OPERATORS WITH_MALLOC WITHOUT_PROFILING
"""
import json
import shutil
import subprocess
import sys
import unittest

from common import Sitegen

WITH_OPERATORS, WITH_MALLOC, WITHOUT_PROFILING = sys.argv[1:]


class AgainstOthers:
    def measured(self, stack):
        return "sitegen::build_site(" in stack

    def setUp(self):
        super().setUp()
        self.site = self.new_site(100)
        report = self.profile(self.site)
        heap = report["heap"]
        own = [site for site in report["sites"] if report["stacks"][site["stack"]]]
        self.expected = {
            "allocated": heap["allocated"],
            "allocations": heap["allocations"],
            "at peak": sum(report["births"]["measurement"]["at_peak"][1:]),
            "blocks at peak": sum(site["at_peak_blocks"] for site in own),
        }
        self.assertEqual(self.expected["at peak"], sum(site["at_peak_bytes"] for site in own))
        self.build = [self.others_program, "build", str(self.site), *self.others_options, "--output"]

    def run_under(self, *tool):
        output = self.root / f"profiled-{len(list(self.root.glob('profiled-*'))):04}"  # see common.py: names of one length
        subprocess.run([*tool, *self.build, str(output)], check=True, capture_output=True)

    def test_dhat(self):
        file = self.root / "dhat.json"
        # Without the option, valgrind puts its own operator new into the place of the program's.
        probe = subprocess.run(["valgrind", "--tool=dhat", "--dhat-out-file=/dev/null", self.others_program, "--help"],
                               capture_output=True, text=True)
        if "unhandled dwarf2" in probe.stderr:
            self.skipTest("this valgrind cannot read this compiler's debug information")
        self.run_under("valgrind", "--tool=dhat", "--soname-synonyms=somalloc=nouserintercepts", "--num-callers=200",
                       f"--dhat-out-file={file}")
        found = json.loads(file.read_text())
        points = [p for p in found["pps"] if self.measured(";".join(found["ftbl"][f] for f in p["fs"]))]
        bytes_of = lambda total, blocks: sum(p[total] - self.header_bytes * p[blocks] for p in points)
        counted = {
            "allocated": bytes_of("tb", "tbk"),
            "allocations": sum(p["tbk"] for p in points),
            "at peak": bytes_of("gb", "gbk"),
            "blocks at peak": sum(p["gbk"] for p in points),
        }
        print("\nDHAT", counted)
        self.assertEqual(counted, self.expected)

    def test_heaptrack(self):
        file = self.root / "heaptrack"
        self.run_under("heaptrack", "-o", str(file))
        recorded = next(self.root.glob("heaptrack.*"))

        def total(cost):
            stacks = self.root / f"{cost}.txt"
            subprocess.run(["heaptrack_print", "-f", recorded, "--flamegraph-cost-type", cost, "-F", stacks], check=True,
                           capture_output=True)
            lines = (line.rpartition(" ") for line in stacks.read_text().splitlines())
            return sum(int(count) for stack, _, count in lines if self.measured(stack))

        # heaptrack's own reader tells no bytes allocated in all, by stack.
        counted = {"allocations": total("allocations"),
                   "at peak": total("peak") - self.header_bytes * self.expected["blocks at peak"]}
        print("\nheaptrack", counted)
        self.assertEqual(counted, {name: self.expected[name] for name in counted})


@unittest.skipUnless(shutil.which("valgrind") and shutil.which("heaptrack"), "valgrind or heaptrack is not installed")
class Operators(AgainstOthers, Sitegen):
    program = others_program = WITH_OPERATORS
    others_options = ["--profile-memory=none"]
    header_bytes = 16

    def measured(self, stack):
        return "operator new" in stack and super().measured(stack)


@unittest.skipUnless(shutil.which("valgrind") and shutil.which("heaptrack"), "valgrind or heaptrack is not installed")
class Malloc(AgainstOthers, Sitegen):
    program, others_program = WITH_MALLOC, WITHOUT_PROFILING
    others_options = []
    header_bytes = 0


class Switch(unittest.TestCase):
    def test_a_sitegen_without_profiling_knows_the_same_backends(self):
        def options(program):
            shown = subprocess.run([program, "build", "--help"], capture_output=True, text=True, check=True).stdout
            return shown.replace(str(program), "sitegen")

        self.assertIn("speedscope", options(WITH_MALLOC))
        self.assertEqual(options(WITHOUT_PROFILING), options(WITH_MALLOC))


unittest.main(argv=sys.argv[:1], verbosity=2)
