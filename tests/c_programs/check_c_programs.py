#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What heap::malloc_counting says of two C libraries at work is what valgrind's DHAT and heaptrack count.

How they are compared. DHAT runs the very program that counts and puts its own malloc into the place of the program's (the option
somalloc), so it sees what was asked for, without our headers; it counts the whole process, so a run that does no work is taken
off. heaptrack is preloaded, and cannot get before a malloc that the program itself has: it runs the same sources without
peakscope, and the stacks that go through main are added up. Nothing else is taken off.

Usage: check_c_programs.py COUNTED PLAIN
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

COUNTED, PLAIN = sys.argv[1:]


class CPrograms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def measured(self, library):
        ran = subprocess.run([COUNTED, "measure", library], check=True, capture_output=True, text=True)
        heap = json.loads(ran.stdout)["heap"]
        self.assertEqual(heap["delta"], 0)
        return heap

    def dhat(self, mode, library):
        ran = subprocess.run(["valgrind", "--tool=dhat", "--soname-synonyms=somalloc=NONE",
                              f"--dhat-out-file={self.root / 'dhat.json'}", COUNTED, mode, library], capture_output=True, text=True)
        if "unhandled dwarf2" in ran.stderr:
            self.skipTest("this valgrind cannot read this compiler's debug information")
        self.assertEqual(ran.returncode, 0, ran.stderr)

        def figure(line, what):
            found = re.search(rf"{line}: *([\d,]+) bytes in ([\d,]+) blocks", ran.stderr)
            return int(found[what].replace(",", ""))

        return {"allocated": figure("Total", 1), "allocations": figure("Total", 2), "peak": figure("At t-gmax", 1)}

    def heaptrack(self, library):
        subprocess.run(["heaptrack", "-o", self.root / "heaptrack", PLAIN, "run", library], check=True, capture_output=True)
        recorded = next(self.root.glob("heaptrack.*"))

        def total(cost):
            stacks = self.root / f"{cost}.txt"
            subprocess.run(["heaptrack_print", "-f", recorded, "--flamegraph-cost-type", cost, "-F", stacks], check=True,
                           capture_output=True)
            lines = (line.rpartition(" ") for line in stacks.read_text().splitlines())
            return sum(int(count) for stack, _, count in lines if any(frame.startswith("main") for frame in stack.split(";")))

        return {"allocations": total("allocations"), "peak_delta": total("peak")}

    def check(self, library):
        ours = self.measured(library)
        self.assertGreater(ours["allocations"], 10_000)
        if shutil.which("valgrind"):
            work, nothing = self.dhat("run", library), self.dhat("nothing", library)
            found = {"allocated": work["allocated"] - nothing["allocated"],
                     "allocations": work["allocations"] - nothing["allocations"], "peak": work["peak"]}
            print(f"\n{library}: DHAT {found}")
            self.assertEqual(found, {name: ours[name] for name in found})
        if shutil.which("heaptrack"):
            found = self.heaptrack(library)
            print(f"{library}: heaptrack {found}")
            self.assertEqual(found, {name: ours[name] for name in found})

    def test_lua(self):
        self.check("lua")

    def test_sqlite(self):
        self.check("sqlite")


unittest.main(argv=sys.argv[:1], verbosity=2)
