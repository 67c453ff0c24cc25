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


def fixed_addresses():
    """What to put before a command so that its addresses are not randomised; nothing where that is not allowed."""
    command = ["setarch", "-R"]
    try:
        allowed = subprocess.run([*command, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    return command if allowed else []


class Size(Sitegen):
    def test_a_report_is_small_enough_to_send(self):
        """And hardly grows with the site: what there is more of are blocks, not places that allocate."""
        sizes = {}
        for pages in 100, 1000:
            site = self.new_site(pages)
            ran = self.sitegen("build", site, "--output", self.root / f"out-{pages}", "--profile-memory=json", "--plugin", "gallery")
            sizes[pages] = len(ran.stdout)
            print(f"{pages} pages: JSON of {sizes[pages]:,} bytes")
        self.assertLess(sizes[100], 1 << 20)
        self.assertLess(sizes[1000], 1.2 * (1 << 20))


class Repeatability(Sitegen):
    def ten_runs(self, title, before):
        """Ten reports of one site, shown as a table, and the spread of the RSS figures around their middle. A sanitizer is
        slow and changes nothing in what is counted: three."""
        site = self.new_site(100)
        self.before = before
        self.profile(site)  # the first run of a program just linked maps what the page cache happens to hold of it
        reports = [self.profile(site) for _ in range(10 if SANITIZED == "none" else 3)]
        print(f"\n{title}\n| run | heap delta | heap peak | RSS delta | RSS peak |\n|---|---|---|---|---|")
        for number, report in enumerate(reports, 1):
            heap, rss = report["heap"], report["rss"]
            print(f"| {number} | {heap['delta']:,} | {heap['peak_delta']:,} | {rss['delta']:,} | {rss['peak_delta']:,} |")
        spreads = {}
        for figure in "delta", "peak_delta":
            values = [report["rss"][figure] for report in reports]
            spreads[figure] = (max(values) - min(values)) / (max(values) + min(values))
        print("RSS spread: " + ", ".join(f"{name} ±{100 * spread:.2f} %" for name, spread in spreads.items()))
        return reports, spreads

    def check_heap(self, reports):
        self.assertEqual(len({json.dumps(relative(report)) for report in reports}), 1, "heap figures differ between runs")

    def test_ten_runs_have_one_heap_and_rss_within_three_percent(self):
        reports, spreads = self.ten_runs("addresses fixed", fixed_addresses())
        self.check_heap(reports)
        if SANITIZED == "none":  # a sanitizer's shadow memory and quarantine are resident too
            for name, spread in spreads.items():
                self.assertLessEqual(spread, 0.03, name)

    def test_the_heap_does_not_depend_on_addresses(self):
        # Randomised addresses move the moments at which the kernel folds its counters of resident pages, by 32 pages for
        # each kind: the peak's spread is shown, and the delta, which is read and not folded, is checked.
        reports, spreads = self.ten_runs("addresses randomised", [])
        self.check_heap(reports)
        if SANITIZED == "none":
            self.assertLessEqual(spreads["delta"], 0.03)


run_tests(sys.argv)
