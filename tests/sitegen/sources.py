#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sitegen under each heap source and each RSS source builds its site and prints its report.

Usage: sources.py SITEGEN...        each named sitegen_SOURCE
"""
import json
import sys
import unittest

from common import Sitegen

PROGRAMS = {path.rpartition("sitegen_")[2]: path for path in sys.argv[1:]}


class Sources(Sitegen):
    def built(self, name, *more):
        if name not in PROGRAMS:
            self.skipTest(f"{name} is not installed")
        self.program = PROGRAMS[name]
        site = self.new_site(100)
        return self.sitegen("build", site, "--output", self.root / "output", *more).stdout

    def check(self, name, heap, unit, rss):
        report = json.loads(self.built(name, "--profile-memory=json"))
        self.assertEqual(report["schema"], "peakscope.report/2")
        self.assertEqual((report["heap"]["source"], report["heap"]["unit"], report["rss"]["source"]), (heap, unit, rss))
        self.assertEqual([phase["path"] for phase in report["phases"] if phase["entries"] != 1], [])
        figures = report["heap"]
        self.assertEqual(figures["delta"], figures["end"] - figures["start"])
        self.assertGreater(figures["end"], 0)
        shown = self.built_again("--profile-memory")
        self.assertIn(f"({heap}, {unit} bytes", shown)
        self.assertIn("rendering", shown)
        return report, shown

    def built_again(self, *more):
        return self.sitegen("build", self.root / "site-100", "--output", self.root / "output2", *more).stdout

    def test_glibc(self):
        report, shown = self.check("glibc", "glibc", "chunk", "procfs")
        self.assertIsNone(report["heap"]["peak"])
        self.assertEqual(report["heap"]["peak_precision"]["kind"], "unavailable")
        self.assertEqual(report["heap"]["totals_precision"]["kind"], "bounded")
        # A finished site of 100 pages is live when the measurement ends.
        self.assertGreater(report["heap"]["delta"], 100_000)
        self.assertIn("peak n/a", shown)

    def test_jemalloc_and_smaps(self):
        report, shown = self.check("jemalloc", "jemalloc", "usable", "smaps")
        self.assertGreater(report["heap"]["delta"], 100_000)
        state = report["heap"]["allocator"]
        self.assertLessEqual(state["usable"], state["active"])
        self.assertLessEqual(state["active"], state["resident"])
        self.assertEqual(report["rss"]["totals_precision"]["kind"], "exact")
        self.assertGreater(report["rss"]["at_end"]["uss"], 0)
        self.assertIn("Allocator  jemalloc, at the end: usable ", shown)
        self.assertIn(", PSS ", shown)

    def test_mimalloc_watched_and_cgroup(self):
        report, shown = self.check("mimalloc", "mimalloc", "committed", "cgroup")
        self.assertEqual(report["heap"]["peak_precision"], {"kind": "sampled", "bound_bytes": None, "interval_ns": 500_000})
        self.assertGreaterEqual(report["heap"]["peak"], report["heap"]["end"])
        self.assertIn("sampled every 500", shown)

    def test_tcmalloc_and_rusage(self):
        report, _ = self.check("tcmalloc", "tcmalloc", "usable", "rusage")
        self.assertGreater(report["heap"]["delta"], 100_000)
        self.assertIsNone(report["rss"]["delta"])
        self.assertTrue(any("getrusage" in note for note in report["notes"]))

    def test_counting_over_jemalloc(self):
        report, shown = self.check("counting", "counting", "requested", "none")
        self.assertEqual(report["heap"]["precision"]["kind"], "exact")
        self.assertEqual(report["heap"]["allocator"]["name"], "jemalloc")
        self.assertGreaterEqual(report["heap"]["allocator"]["usable"], report["heap"]["end"])
        self.assertIn("Allocator  jemalloc, at the end: requested ", shown)


unittest.main(argv=sys.argv[:1], verbosity=2)
