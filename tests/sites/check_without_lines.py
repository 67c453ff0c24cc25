#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs without debug information, without symbols, at fixed addresses, and with a plugin that is gone when the report is
made: every byte still has a site, named as well as it can be.

Usage: check_without_lines.py PROGRAM FIXED_ADDRESSES PLUGIN
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

PROGRAM, FIXED, PLUGIN = sys.argv[1:4]


class WithoutLines(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def report(self, program, *arguments, plugin=PLUGIN):
        # A copy of the program elsewhere finds its library by this.
        library = {"LD_LIBRARY_PATH": str(pathlib.Path(PROGRAM).resolve().parent)}
        ran = subprocess.run([program, plugin, *arguments], capture_output=True, text=True, check=True,
                             env={**os.environ, **library})
        report = json.loads(ran.stdout)
        self.assertEqual(sum(site["allocated_bytes"] for site in report["sites"]), report["heap"]["allocated"])
        self.assertEqual(sum(site["at_peak_bytes"] for site in report["sites"]), report["heap"]["peak"])
        return report

    def stripped(self, *how):
        copy = self.root / "program"
        subprocess.run(["strip", *how, "-o", copy, PROGRAM], check=True)
        return copy

    def allocated(self, report, pattern):
        return sum(site["allocated_bytes"] for site in report["sites"] if re.search(pattern, site["function"]))

    def test_symbols_alone_give_function_and_offset_and_the_report_says_how_to_get_lines(self):
        report = self.report(self.stripped("-g"))
        self.assertEqual(self.allocated(report, r"plain_new\(\)\+0x[0-9a-f]+$"), 4096)
        self.assertEqual(self.allocated(report, r"recursive\(int\)\+0x[0-9a-f]+$"), 320)
        self.assertIn("program", {site["file"] for site in report["sites"]})
        self.assertTrue(any("no debug information for program" in note and "-g" in note for note in report["notes"]),
                        report["notes"])

    def test_without_symbols_there_are_the_program_and_an_offset(self):
        report = self.report(self.stripped())
        own = [site for site in report["sites"] if site["file"] == "program"]
        self.assertTrue(own)
        for site in own:
            self.assertRegex(site["function"], r"0x[0-9a-f]+$")
        # The library and the plugin keep their lines.
        self.assertEqual(sum(site["allocated_bytes"] for site in report["sites"] if site["file"].endswith("plugin.cpp")), 316)

    def test_a_program_at_fixed_addresses_has_its_lines(self):
        report = self.report(FIXED)
        self.assertEqual(self.allocated(report, r"plain_new"), 4096)
        self.assertTrue(all(site["line"] > 0 for site in report["sites"] if report["stacks"][site["stack"]]))

    def test_a_plugin_that_is_gone_has_no_names_and_loses_no_bytes(self):
        report = self.report(PROGRAM, "--unload")
        self.assertEqual(self.allocated(report, r"^0x[0-9a-f]+$"), 316)


unittest.main(argv=sys.argv[:1], verbosity=2)
