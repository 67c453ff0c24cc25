#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The figures themselves: the fixture is in none of them, and they repeat.

Usage: figures.py SITEGEN FIXTURE SANITIZED
"""
import json
import subprocess
import sys
import unittest

from common import Sitegen, run_tests

PROGRAM, FIXTURE, SANITIZED = sys.argv[1:4]


def relative(report):
    """Every heap figure that does not count what was there before."""
    base = report["heap"]["start"]
    flows = ("delta", "peak_delta", "allocated", "freed", "allocations", "deallocations")
    parts = {"": report["heap"], **{phase["path"]: phase["heap"] for phase in report["phases"]}}
    return {path: {**{name: heap[name] for name in flows}, "peak": heap["peak"] - base} for path, heap in parts.items()}


class Fixture(Sitegen):
    def test_500_mib_of_fixture_change_no_delta_and_no_peak_by_a_byte(self):
        site = self.new_site(100)
        reports = {}
        for mebibytes in 0, 500:
            ran = subprocess.run([FIXTURE, str(mebibytes), site, self.root / f"out-{mebibytes:03}"], capture_output=True, text=True, check=True)
            reports[mebibytes] = json.loads(ran.stdout)
            self.check_report(reports[mebibytes])
        # 512 strings of 1,025 bytes a MiB, one of half the sum, and the vector's own.
        self.assertGreater(reports[500]["heap"]["start"] - reports[0]["heap"]["start"], 500 << 20)
        self.assertEqual(relative(reports[0]), relative(reports[500]))


class Repeatability(Sitegen):
    def test_ten_runs_have_one_heap_and_rss_within_three_percent(self):
        site = self.new_site(100)
        self.profile(site)  # the first run of a program just linked maps what the page cache happens to hold of it
        reports = [self.profile(site) for _ in range(10)]
        print("\n| run | heap delta | heap peak | RSS delta | RSS peak |\n|---|---|---|---|---|")
        for number, report in enumerate(reports, 1):
            heap, rss = report["heap"], report["rss"]
            print(f"| {number} | {heap['delta']:,} | {heap['peak_delta']:,} | {rss['delta']:,} | {rss['peak_delta']:,} |")
        self.assertEqual(len({json.dumps(relative(report)) for report in reports}), 1, "heap figures differ between runs")
        spreads = {}
        for figure in "delta", "peak_delta":
            values = [report["rss"][figure] for report in reports]
            middle = (max(values) + min(values)) / 2
            spreads[figure] = (max(values) - min(values)) / 2 / middle
        print("RSS spread: " + ", ".join(f"{name} ±{100 * spread:.2f} %" for name, spread in spreads.items()))
        if SANITIZED == "none":  # a sanitizer's shadow memory and quarantine are resident too
            for name, spread in spreads.items():
                self.assertLessEqual(spread, 0.03, name)


run_tests(sys.argv)
