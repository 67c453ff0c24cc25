#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""RSS figures are the program's: a sitegen that counts its heap and captures stacks finds the same as one that measures
nothing but RSS: deltas within 3 % or 128 KiB, whichever is more; peaks within that, or within what the two reports
themselves state that their peaks may be off.

What a program takes depends on where its heap happens to end, as malloc gives memory back in steps of 132 KiB: longer paths
alone make a sitegen without a heap source take a step more or less. So each run has an output folder with a name of another
length, and the median of a counting sitegen is compared with the range of the other's.

Peaks are from the kernel's high-water mark, which is folded from counters of each CPU: that of the program without a heap
source moves by up to 1.3 MiB from run to run on a busy machine. Skipped where the kernel does not read RSS exactly (before
Linux 6.16): its readings are off by more than what is compared.

Usage: residence.py SITEGEN WITHOUT_HEAP FRAMES UNWIND
"""
import shutil
import statistics
import sys

from common import Sitegen, run_tests

WITHOUT_HEAP, COUNTING = sys.argv[2], {"frames": sys.argv[3], "unwind": sys.argv[4]}


def rss_of(report):
    return {"": report["rss"], **{phase["path"]: phase["rss"] for phase in report["phases"]}}


class Residence(Sitegen):
    def figures(self, program, site, lengths):
        """All values of each figure of RSS, by phase, "" for the whole; and the last report."""
        Sitegen.program, before = program, Sitegen.program
        reports = []
        for length in lengths:
            reports.append(self.profile(site, output="o" * length))
            shutil.rmtree(self.output)
        Sitegen.program = before
        last = reports[-1]
        if last["rss"]["totals_precision"]["kind"] == "unavailable" or last["rss"]["peak"] is None:
            self.skipTest("; ".join(last["notes"]))
        tables = [rss_of(each) for each in reports]
        return {(path, name): [table[path][name] for table in tables]
                for path in tables[0] for name in ("delta", "peak_delta")}, last

    def check(self, pages, lengths):
        site = self.new_site(pages)
        alone, report = self.figures(WITHOUT_HEAP, site, lengths)
        if report["rss"]["totals_precision"]["kind"] != "exact":
            self.skipTest("this kernel does not read RSS exactly")
        self.assertIsNone(report["rss"]["profiler_bytes"])
        print(f"\n{pages} pages, RSS in bytes\n| phase | figure | heap::none | frames<8> | unwind<8> | of the profiler's then |")
        counted = {name: self.figures(program, site, lengths) for name, program in COUNTING.items()}
        own = rss_of(counted["frames"][1])
        bounds = {which: {path: rss["peak_precision"]["bound_bytes"] for path, rss in rss_of(last).items()}
                  for which, (_, last) in [("", (alone, report)), *counted.items()]}
        for (path, name), all_expected in alone.items():
            found = {which: statistics.median(figures[path, name]) for which, (figures, _) in counted.items()}
            print(f"| {path or 'whole'} | {name} | {min(all_expected):,} to {max(all_expected):,} | {found['frames']:,.0f} | {found['unwind']:,.0f} | {own[path]['profiler_bytes']:,} |")
            for which, value in found.items():
                with self.subTest(path=path, figure=name, sites=which):
                    expected = min(max(value, min(all_expected)), max(all_expected))
                    stated = bounds[""][path] + bounds[which][path] if name == "peak_delta" else 0
                    self.assertLessEqual(abs(value - expected), max(0.03 * abs(expected), 128 << 10, stated))
        for _, report in counted.values():
            # Stacks, tables and headers: below 1 MiB for some 1,900 stacks, and 16 bytes for each of the blocks there were.
            self.assertGreater(report["rss"]["profiler_bytes"], report["heap"]["blocks_end"] * 16)
            self.assertLess(report["profiler_bytes"], (1 << 20) + report["heap"]["blocks_end"] * 16)

    def test_100_pages(self):
        self.check(100, lengths=(1, 4, 8, 14, 20, 28, 40, 60, 80))

    def test_1000_pages(self):
        self.check(1000, lengths=(1, 14, 28, 60, 80))


run_tests(sys.argv)
