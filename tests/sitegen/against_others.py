#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What sitegen's report says is what valgrind's DHAT and heaptrack count in a run of the same program on the same site.

How they are compared. The others watch malloc, under the counted operators: what they count is the block and its header of 16
bytes, and cmark's and the C++ library's own calls of malloc as well. So of their call stacks those are taken that hold both
operator new and sitegen::build_site, which is what the measurement measures, and 16 bytes a block are taken off. They run the
program without --profile-memory: the operators count all the same, and the making of the report, which allocates more than
the build, stays out of their peak. Of the report's peak, what was allocated before the measurement is taken off.

Usage: against_others.py SITEGEN
"""
import json
import shutil
import subprocess
import sys
import unittest

from common import Sitegen, run_tests

HEADER_BYTES = 16


def measured(stack):
    return "operator new" in stack and "sitegen::build_site(" in stack


@unittest.skipUnless(shutil.which("valgrind") and shutil.which("heaptrack"), "valgrind or heaptrack is not installed")
class AgainstOthers(Sitegen):
    def setUp(self):
        super().setUp()
        self.site = self.new_site(100)
        report = self.profile(self.site)
        heap = report["heap"]
        own = [site for site in report["sites"] if site["stack"]]
        self.expected = {
            "allocated": heap["allocated"],
            "allocations": heap["allocations"],
            "at peak": sum(report["births"]["measurement"]["at_peak"][1:]),
            "blocks at peak": sum(site["at_peak_blocks"] for site in own),
        }
        self.assertEqual(self.expected["at peak"], sum(site["at_peak_bytes"] for site in own))
        self.build = [self.program, "build", str(self.site), "--output"]

    def run_under(self, *tool):
        output = self.root / f"profiled-{len(list(self.root.glob('profiled-*'))):04}"  # see common.py: names of one length
        subprocess.run([*tool, *self.build, str(output)], check=True, capture_output=True)

    def test_dhat(self):
        file = self.root / "dhat.json"
        # Without the option, valgrind puts its own operator new into the place of the program's.
        probe = subprocess.run(["valgrind", "--tool=dhat", "--dhat-out-file=/dev/null", self.program, "--help"],
                               capture_output=True, text=True)
        if "unhandled dwarf2" in probe.stderr:
            self.skipTest("this valgrind cannot read this compiler's debug information")
        self.run_under("valgrind", "--tool=dhat", "--soname-synonyms=somalloc=nouserintercepts", "--num-callers=200",
                       f"--dhat-out-file={file}")
        found = json.loads(file.read_text())
        points = [p for p in found["pps"] if measured(";".join(found["ftbl"][f] for f in p["fs"]))]
        bytes_of = lambda total, blocks: sum(p[total] - HEADER_BYTES * p[blocks] for p in points)
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
            return sum(int(count) for stack, _, count in lines if measured(stack))

        # heaptrack's own reader tells no bytes allocated in all, by stack.
        counted = {"allocations": total("allocations"),
                   "at peak": total("peak") - HEADER_BYTES * self.expected["blocks at peak"]}
        print("\nheaptrack", counted)
        self.assertEqual(counted, {name: self.expected[name] for name in counted})


run_tests(sys.argv)
