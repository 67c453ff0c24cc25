#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each adapter in the hands of its framework: what is printed, which tests fail, and the exit status.

Usage: check_frameworks.py FRAMEWORK PROGRAM
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

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
        # What the library allocates for itself is in none of them.
        self.assertEqual(blocks["allocs_per_iter"], 3)
        self.assertEqual(blocks["max_bytes_used"], 1_500)
        self.assertEqual(blocks["total_allocated_bytes"], 1_700 * 16)
        self.assertEqual(blocks["net_heap_growth"], 0)
        self.assertEqual(leaks["net_heap_growth"], 640)
        self.assertEqual(leaks["max_bytes_used"], 640)
        self.assertEqual(leaks["allocs_per_iter"], 1)


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
        # By itself one fails, and one by its own budget; three are over their limits.
        summary = {"doctest": r"test cases: +7 \| +2 passed \| 5 failed", "gtest": r"\n 5 FAILED TESTS",
                   "catch2": r"test cases: +8 \| +3 passed \| +5 failed"}[FRAMEWORK]
        self.assertRegex(output, summary)

    def test_a_broken_limit_names_the_lines_that_allocated(self):
        plain = run()[1]
        _, output = run(MEMORY_STACKS="1")
        told = packed(output)
        self.assertRegex(told, GREEDY + packed(r"the most of the heap at that peak: \S*?2\.00 MiB work\.hpp:22 work::taken"))
        self.assertIn(packed("heap peak: 3.00 MiB"), told)
        self.assertRegex(told, packed(r"leaked blocks: 1, limit 0: 1 too much \(exact\) the most: 1 work\.hpp:22"))
        # No figure is another one for it.
        self.assertEqual(re.findall(r"memory of .*", output), re.findall(r"memory of .*", plain))
        self.assertNotIn("work.hpp:22", plain)

    def test_assertions_that_hold_change_no_figure(self):
        # What is exact is looked at by a fixture with GoogleTest, which allocates when a test begins.
        _, output = run("fixture", GTEST_FILTER="fixture.*") if FRAMEWORK == "gtest" else run()
        test = "exactly" if FRAMEWORK == "gtest" else "modest"
        self.assertEqual(line_of(output, test), "heap Δ 0 B, peak +1,000 B, 1 allocation")
        if FRAMEWORK == "catch2":
            _, output = run("[.fixture]")
            self.assertEqual(line_of(output, "exactly"), "heap Δ 0 B, peak +1,000 B, 1 allocation")
            self.assertRegex(packed(output), GREEDY)

    @unittest.skipUnless(FRAMEWORK == "catch2", "it has sections, generators and messages")
    def test_what_the_framework_keeps_is_not_the_tests(self):
        status, output = run("[.healthy]")
        self.assertEqual(status, 0, output)
        lines = re.findall(r"memory of '(.*)': heap Δ (.*?), ", output)
        runs = {"named sections": 5, "generators": 6, "messages": 1, "failures that are allowed": 1}
        self.assertEqual(lines, [(name, "0 B") for name, count in runs.items() for _ in range(count)])
        # Nor does it hide what is.
        _, output = run("[.leak]")
        self.assertEqual(re.findall(r"memory of .*: heap Δ (.*?), ", output), ["+10 B"] * 2)
        self.assertEqual(packed(output).count("leakedblocks:1,limit0:1toomuch(exact)"), 2)

    @unittest.skipUnless(FRAMEWORK == "catch2", "--abort is its own")
    def test_the_first_broken_limit_ends_the_run_if_it_is_to(self):
        status, output = run("--abort")
        self.assertGreater(status, 0)
        self.assertRegex(packed(output), GREEDY)
        self.assertRegex(output, r"test cases: +3 \| +2 passed \| +1 failed")
        self.assertNotIn("fatal error", output)

    def test_a_broken_limit_is_told_at_the_tests_own_line(self):
        source = pathlib.Path(__file__).parent / "frameworks" / f"with_{FRAMEWORK}.cpp"
        lines = source.read_text().splitlines()
        greedy = next(number for number, line in enumerate(lines, 1) if "greedy" in line)
        _, output = run()
        self.assertRegex(output, rf"with_{FRAMEWORK}\.cpp:{greedy}: (ERROR|Failure|FAILED)")

    def test_bytes_are_shown_as_bytes(self):
        _, output = {"doctest": lambda: run("-tc=unequal", "--no-skip"), "catch2": lambda: run("[.unequal]"),
                     "gtest": lambda: run("--gtest_also_run_disabled_tests", "--gtest_filter=*unequal")}[FRAMEWORK]()
        self.assertIn("2.00 MiB (2,097,152 B)", output)
        self.assertIn("1,000 B", output)
        self.assertNotIn("{?}", output)
        self.assertNotIn("8-byte object", output)

    @unittest.skipUnless(FRAMEWORK in ("doctest", "catch2"), "its files are written beside the output")
    def test_no_reporter_changes_a_verdict_and_what_it_writes_is_xml_with_the_broken_limit_in_it(self):
        broken = {"greedy": "heap peak: 2.00 MiB", "leaks": "leaked blocks: 1, limit 0",
                  "another thread": "heap peak: 3.00 MiB", "fails by itself": "1 == 2",
                  "measures for itself": "5,000 B"}
        for reporter, case in ("junit", "testcase"), ("xml", "TestCase"):
            with tempfile.TemporaryDirectory() as folder:
                written = pathlib.Path(folder) / "report.xml"
                status, output = run("-r", reporter) if FRAMEWORK == "catch2" else run(f"-r={reporter}")
                self.assertNotEqual(status, 0)
                written.write_text(output)
                cases = {each.get("name"): each for each in xml.etree.ElementTree.parse(written).iter(case)}
            failed = set()
            for name, each in cases.items():
                results = each.find("OverallResultsAsserts" if FRAMEWORK == "doctest" else "OverallResult")
                if each.get("skipped") == "true":
                    continue
                if reporter == "junit":
                    fails = each.find("failure") is not None
                else:
                    fails = results.get("test_case_success" if FRAMEWORK == "doctest" else "success") == "false"
                if fails:
                    failed.add(name)
                    told = " ".join([*each.itertext(), *(text for one in each.iter() for text in one.attrib.values())])
                    self.assertIn(packed(broken[name]), packed(told))
            self.assertEqual(failed, set(broken))

    def test_this_thread_only(self):
        _, output = run(MEMORY_SCOPE="this_thread")
        self.assertRegex(line_of(output, self.name("another thread")), r"heap Δ (\+\d+ B|0 B), peak n/a, \d+ allocations?")
        self.assertNotIn("heap peak: 3.00 MiB", output)
        self.assertRegex(packed(output), r"allocatedbytes:2\.00MiB\(2,097,\d\d\dB\),limit1\.00MiB")


unittest.main(argv=sys.argv[:1])
