#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each adapter in the hands of its framework: what is printed, which tests fail, and the exit status.

Usage: check_frameworks.py FRAMEWORK PROGRAM
"""
import json
import os
import re
import subprocess
import sys
import unittest

FRAMEWORK, PROGRAM = sys.argv[1:3]


def packed(text):
    """Without white space: Catch2 breaks lines anywhere."""
    return re.sub(r"\s+", "", text)


GREEDY = packed(r"heap peak: 2\.00 MiB \(2,097,\d\d\d B\), limit 1\.00 MiB \(1,048,576 B\): 1\.00 MiB \(1,04\d,\d\d\d B\), 100\.0 %, too much \(exact\)")


def run(*arguments, **environment):
    ran = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env={**os.environ, **environment})
    return ran.returncode, ran.stdout


def line_of(output, test):
    found = re.search(rf"memory of '?(?:\w+\.)?{re.escape(test)}'?: (.*)", output)
    assert found, (test, output)
    return found[1]


class Benchmark(unittest.TestCase):
    @unittest.skipUnless(FRAMEWORK == "benchmark", "another framework")
    def test_memory_is_in_the_json_output(self):
        status, output = run("--benchmark_format=json", "--benchmark_min_time=0.01")
        self.assertEqual(status, 0)
        blocks, leaks = json.loads(output)["benchmarks"]
        # The library allocates a block of a few hundred bytes of its own in each run.
        self.assertLess(abs(blocks["allocs_per_iter"] - 3), 0.25)
        self.assertTrue(1_500 <= blocks["max_bytes_used"] < 2_500, blocks)
        self.assertTrue(1_700 * 16 <= blocks["total_allocated_bytes"] < 1_700 * 16 + 1_000, blocks)
        self.assertEqual(blocks["net_heap_growth"], 0)
        self.assertEqual(leaks["net_heap_growth"], 640)
        self.assertTrue(640 <= leaks["max_bytes_used"] < 1_640, leaks)


@unittest.skipIf(FRAMEWORK == "benchmark", "another framework")
class Tests(unittest.TestCase):
    name = staticmethod(lambda text: re.sub(r"\W+", "_", text) if FRAMEWORK == "gtest" else text)

    def test_limits_on_every_test_the_override_and_the_messages(self):
        status, output = run()
        self.assertNotEqual(status, 0)
        told = packed(output)
        self.assertRegex(told, GREEDY)
        self.assertEqual(len(re.findall(r"heappeak:2\.00MiB", told)), 1)  # the other one is allowed to
        for message in ("leaked blocks: 1, limit 0: 1 too much (exact)", "heap peak: 3.00 MiB",  # of another thread
                        "heap peak: 4.88 KiB (5,000 B), limit 4.88 KiB (4,999 B): 1 B, 0.0 %, too much (exact)"):
            self.assertIn(packed(message), told)
        # By itself one fails, and one by its own budget; three are over their limits. Catch2's listener finds a block
        # of the reporter's own in the first test.
        summary = {"doctest": r"test cases: +7 \| +2 passed \| 5 failed", "gtest": r"\n 5 FAILED TESTS",
                   "catch2": r"test cases: +7 \| +[12] passed \| +[56] failed"}[FRAMEWORK]
        self.assertRegex(output, summary)

    def test_assertions_that_hold_change_no_figure(self):
        # What is exact is looked at by a fixture: GoogleTest and Catch2 allocate when a test begins.
        _, output = {"doctest": run, "gtest": lambda: run("fixture", GTEST_FILTER="fixture.*"),
                     "catch2": lambda: run("[.fixture]")}[FRAMEWORK]()
        test = "modest" if FRAMEWORK == "doctest" else "exactly"
        self.assertEqual(line_of(output, test), "heap Δ 0 B, peak +1,000 B, 1 allocations")
        if FRAMEWORK == "catch2":
            self.assertRegex(packed(output), GREEDY)

    def test_this_thread_only(self):
        _, output = run(MEMORY_SCOPE="this_thread")
        self.assertRegex(line_of(output, self.name("another thread")), r"heap Δ (\+\d+ B|0 B), peak n/a, \d+ allocations")
        self.assertNotIn("heap peak: 3.00 MiB", output)
        self.assertRegex(packed(output), r"allocatedbytes:2\.00MiB\(2,097,\d\d\dB\),limit1\.00MiB")


unittest.main(argv=sys.argv[:1])
