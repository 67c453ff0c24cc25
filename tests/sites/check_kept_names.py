#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a report says of modules is enough to name its frames on another day; and names that are kept from one run to the
next are those of the binary that runs.

Usage: check_kept_names.py PROGRAM PLUGIN ADDR2LINE
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, PLUGIN = (pathlib.Path(each).resolve() for each in sys.argv[1:3])
ADDR2LINE = sys.argv[3]


class KeptNames(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.cache = self.root / "cache"

    def report(self, program=PROGRAM, **environment):
        library = {"LD_LIBRARY_PATH": str(PROGRAM.parent)}  # a copy of the program finds it by this
        ran = subprocess.run([program, PLUGIN], capture_output=True, text=True, check=True,
                             env={**os.environ, **library, **environment})
        return json.loads(ran.stdout)

    def kept(self, program=PROGRAM):
        return self.report(program, PEAKSCOPE_CACHE=str(self.cache))

    def sites(self, report):
        return sorted((site["function"], site["file"], site["line"], site["allocated_bytes"]) for site in report["sites"])

    def program_of(self, report):
        return next(each for each in report["modules"] if pathlib.Path(each["path"]) == PROGRAM)

    def test_modules_have_the_build_id_of_their_file(self):
        module = self.program_of(self.report())
        notes = subprocess.run(["readelf", "-n", module["path"]], capture_output=True, text=True, check=True).stdout
        self.assertEqual(module["build_id"], re.search(r"Build ID: ([0-9a-f]+)", notes).group(1))

    def test_frames_can_be_named_afterwards(self):
        report = self.report()
        module = report["modules"].index(self.program_of(report))
        # Each call once, and the address that it returns to: those of a stack are one for each frame that is not inlined.
        calls = {}
        for stack, addresses in zip(report["stacks"], report["stack_addresses"]):
            outermost = [report["frames"][each] for each in stack if not report["frames"][each]["inlined"]]
            self.assertEqual(len(outermost), len(addresses))
            calls.update((report["addresses"][number][0], frame) for number, frame in zip(addresses, outermost)
                         if report["addresses"][number][1] == module and frame["line"] > 0)
        frames = list(calls.values())
        offsets = [hex(each - report["modules"][module]["load_bias"] - 1) for each in calls]
        found = subprocess.run([ADDR2LINE, "-fiC", "-e", str(PROGRAM), "-a", *offsets], capture_output=True, text=True, check=True)
        # The outermost of the functions that are inlined there comes last.
        outermost = [part.splitlines()[-1] for part in re.split(r"^0x[0-9a-f]+$", found.stdout, flags=re.MULTILINE)[1:]]
        lines = [int(re.search(r":(\d+)", place).group(1)) for place in outermost]
        self.assertGreater(len(frames), 5)
        self.assertEqual(lines, [each["line"] for each in frames])

    def test_nothing_is_kept_unless_asked_for(self):
        report = self.report(HOME=str(self.root), XDG_CACHE_HOME=str(self.root))
        self.assertEqual(report["naming"]["cached"], 0)
        self.assertGreater(report["naming"]["children_peak_rss"], 0)
        self.assertEqual(list(self.root.iterdir()), [])

    def test_the_second_report_reads_what_the_first_has_left(self):
        first, second = self.kept(), self.kept()
        self.assertEqual(first["naming"]["cached"], 0)
        self.assertEqual(second["naming"]["cached"], second["naming"]["addresses"])
        self.assertIsNone(second["naming"]["children_peak_rss"])
        self.assertEqual(self.sites(first), self.sites(second))
        self.assertEqual(self.sites(first), self.sites(self.report()))

    def test_a_damaged_file_is_written_anew(self):
        first = self.kept()
        file = self.cache / (self.program_of(first)["build_id"] + ".names")
        good = file.read_bytes()
        file.write_bytes(good[: len(good) // 2])
        second = self.kept()
        self.assertLess(second["naming"]["cached"], second["naming"]["addresses"])
        self.assertEqual(self.sites(first), self.sites(second))
        self.assertEqual(file.read_bytes(), good)

    def test_a_stripped_program_does_not_have_the_names_of_the_one_that_is_not(self):
        self.kept()
        stripped = self.root / "program"
        subprocess.run(["strip", "-g", "-o", stripped, PROGRAM], check=True)
        functions = {site["function"] for site in self.kept(stripped)["sites"]}
        self.assertTrue(any(re.search(r"plain_new\(\)\+0x", each) for each in functions), functions)

    def test_a_folder_that_cannot_be_used_is_told(self):
        self.cache.mkdir()
        self.cache.chmod(0o777)
        report = self.kept()
        self.assertTrue(any("names are not kept" in note for note in report["notes"]), report["notes"])
        self.assertEqual(self.sites(report), self.sites(self.report()))


unittest.main(argv=sys.argv[:1])
