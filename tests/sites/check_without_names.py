#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where there is nothing to look names up with, a frame is an offset in its program or library, the report says so, and the
offset is one that addr2line finds the line of.

Usage: check_without_names.py WITH_ADDR2LINE WITH_ADDRESSES PLUGIN
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ADDR2LINE, ADDRESSES, PLUGIN = sys.argv[1:]


def report_of(program, **environment):
    ran = subprocess.run([program, PLUGIN], capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return json.loads(ran.stdout)


class WithoutNames(unittest.TestCase):
    def check(self, report):
        self.assertEqual(sum(site["allocated_bytes"] for site in report["sites"]), report["heap"]["allocated"])
        offsets = []
        for site in report["sites"]:
            for frame in (report["frames"][number] for number in report["stacks"][site["stack"]]):
                self.assertRegex(frame["function"], r"^0x[0-9a-f]+$")
                self.assertTrue(pathlib.Path(frame["file"]).exists(), frame)
                offsets.append(frame)
        program = next(frame for frame in offsets if pathlib.Path(frame["file"]).name.startswith("naming_"))
        of_program = [frame["function"] for frame in offsets if frame["file"] == program["file"]]
        calls = [hex(int(each, 16) - 1) for each in of_program]
        found = subprocess.run(["addr2line", "-e", program["file"], *calls], capture_output=True, text=True, check=True)
        places = found.stdout.splitlines()
        self.assertEqual(len(places), len(calls))
        self.assertTrue(any(re.search(r"program\.cpp:\d+", place) for place in places), places)

    def test_addresses(self):
        report = report_of(ADDRESSES)
        self.check(report)
        self.assertTrue(any("addr2line" in note for note in report["notes"]), report["notes"])

    def test_addr2line_that_is_not_there(self):
        with tempfile.TemporaryDirectory() as empty:
            report = report_of(ADDR2LINE, PATH=empty)
        self.check(report)
        self.assertTrue(any("cannot be run" in note and "binutils" in note for note in report["notes"]), report["notes"])

    def test_addr2line_that_ends_without_an_answer(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in "addr2line", "llvm-addr2line-19":
                command = pathlib.Path(folder) / name
                command.write_text("#!/bin/sh\nexit 1\n")
                command.chmod(0o755)
            report = report_of(ADDR2LINE, PATH=folder)
        self.check(report)
        self.assertTrue(any("ended without an answer for /" in note for note in report["notes"]), report["notes"])


unittest.main(argv=sys.argv[:1])
