#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A measurement in each format, opened by software that was not written for peakscope: its figures are the report's.

Usage: formats.py SITEGEN CONVERT TOOLS WHAT

WHAT is one of the classes below, by its name in snake_case. TOOLS is a folder with `pprof` (of Debian's golang-1.19-go),
`trace_viewer` (Catapult's, of golang-1.19-src) and `node_modules` (speedscope, @firefox-devtools/profiler-cli, and
playwright-core, by which viewers.mjs drives Chromium), which `tests/run formats` fetches. Without the tool, the test is skipped.
"""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sitegen"))
from common import Sitegen  # noqa: E402

SITEGEN, CONVERT, TOOLS, WHAT = sys.argv[1:]
TOOLS = pathlib.Path(TOOLS)


def skip(reason):
    print(f"skipped: {reason}; tests/run formats fetches it")
    sys.exit(77)


class Formats(Sitegen):
    def setUp(self):
        super().setUp()
        self.site = self.new_site(20)
        self.report, self.json = self.measured("report", "--plugin", "gallery")

    def measured(self, name, *more):
        file = self.root / f"{name}.json"
        self.sitegen("build", self.site, "--output", self.root / name, "--profile-memory=json", "--profile-output", file, *more)
        report = json.loads(file.read_text())
        self.check_report(report)
        return report, file

    def converted(self, backend, suffix, source=None):
        source = source or self.json
        made = source.with_suffix(suffix)
        subprocess.run([CONVERT, source, backend, made], check=True)
        return made

    def run_tool(self, *command, **variables):
        ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120,
                             env={**os.environ, "HOME": str(self.root), "PROFILER_CLI_SESSION_DIR": str(self.root / "s"),
                                  **{name: str(value) for name, value in variables.items()}})
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        return ran.stdout


class Folded(Formats):
    """Added up as a flame graph adds: what stands behind the last space, for each function on the stack."""

    def test_the_sum_is_the_peak_and_main_is_below_what_it_called(self):
        below = collections.Counter()
        total = 0
        for line in self.converted("folded", ".folded").read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            total += int(count)
            below.update(dict.fromkeys(stack.split(";"), int(count)))
        self.assertEqual(total, self.report["heap"]["peak"])
        self.assertGreater(below["main"], 0.9 * total)
        painted = next(value for name, value in below.items() if "paint_cover" in name)
        self.assertGreaterEqual(painted, 20 * 1280 * 960 * 3)


class Pprof(Formats):
    def setUp(self):
        super().setUp()
        self.profile = self.converted("pprof", ".pb.gz")

    def pprof(self, *options):
        return self.run_tool(TOOLS / "pprof", "-symbolize=none", "-unit=B", "-nodecount=100000", "-nodefraction=0", *options)

    @staticmethod
    def rows(top):
        """The rows of -top: (flat, cumulated, name), in bytes."""
        found = re.findall(r"^ *(-?[\d.]+)B? +\S+ +\S+ +(-?[\d.]+)B? +\S+ {1,2}(.*)$", top, re.MULTILINE)
        return [(int(float(flat)), int(float(cumulated)), name) for flat, cumulated, name in found]

    def total(self, *options):
        return sum(flat for flat, _, _ in self.rows(self.pprof("-top", *options)))

    def test_totals_are_those_of_the_report(self):
        heap = self.report["heap"]
        self.assertEqual(self.total("-sample_index=at_peak_bytes", self.profile), heap["peak"])
        self.assertEqual(self.total("-sample_index=live_bytes", self.profile), heap["delta"])
        self.assertEqual(self.total("-sample_index=allocated_bytes", self.profile), heap["allocated"])
        self.assertEqual(self.total("-sample_index=allocations", self.profile), heap["allocations"])
        self.assertEqual(self.total("-sample_index=live_blocks", self.profile), heap["allocations"] - heap["deallocations"])

    def test_the_peak_is_what_is_shown_first(self):
        top = self.pprof("-top", self.profile)
        self.assertIn("Type: at_peak_bytes", top)
        self.assertIn(f"Total samples = {self.report['heap']['peak']}B", top)
        self.assertIn("paint_cover", top)

    def test_each_phase_has_its_own_peak(self):
        expected = {phase["path"]: phase["heap"]["peak"] for phase in self.report["phases"]}
        tags = self.pprof("-tags", "-sample_index=phase_peak_bytes", self.profile)
        found = {path: int(float(value)) for value, path in re.findall(r"^ *([\d.]+)B \([^)]*\): (.*)$", tags, re.MULTILINE)}
        self.assertEqual(found, expected)

    def test_phases_become_frames(self):
        top = self.rows(self.pprof("-top", "-sample_index=phase_peak_bytes", "-tagroot=phase", self.profile))
        cumulated = {name: value for _, value, name in top}
        for phase in self.report["phases"]:
            self.assertEqual(cumulated[phase["path"]], phase["heap"]["peak"], phase["path"])

    def test_traces_name_functions_and_what_is_inlined(self):
        traces = self.pprof("-traces", self.profile)
        self.assertIn("paint_cover", traces)
        self.assertRegex(traces, r"phase: +rendering/template")
        self.assertIn("(inline)", self.pprof("-top", self.profile))

    def test_the_difference_of_two_is_the_difference_of_their_reports(self):
        plain, source = self.measured("plain")
        before = self.converted("pprof", ".pb.gz", source)
        self.assertEqual(self.total("-diff_base=" + str(before), self.profile), self.report["heap"]["peak"] - plain["heap"]["peak"])
        self.assertEqual(self.total("-diff_base=" + str(self.profile), self.profile), 0)

    def test_comments_say_what_was_measured(self):
        self.assertIn("heap: malloc_counting, requested bytes", self.pprof("-comments", self.profile))


class Speedscope(Formats):
    def test_the_file_keeps_to_the_schema_and_each_profile_to_the_report(self):
        file = json.loads(self.converted("speedscope", ".speedscope").read_text())
        schema = TOOLS / "node_modules/speedscope/dist/release/file-format-schema.json"
        jsonschema.validate(file, json.loads(schema.read_text()))
        sums = {profile["name"]: sum(profile["weights"]) for profile in file["profiles"]}
        self.assertEqual(sums["at the peak"], self.report["heap"]["peak"])
        self.assertEqual(sums["allocated"], self.report["heap"]["allocated"])
        for phase in self.report["phases"]:
            self.assertEqual(sums["at the peak of " + phase["path"]], phase["heap"]["peak"])


class Firefox(Formats):
    CLI = TOOLS / "node_modules/@firefox-devtools/profiler-cli/dist/profiler-cli.js"

    def setUp(self):
        super().setUp()
        self.addCleanup(lambda: self.cli("stop", "--all"))

    def cli(self, *command):
        return self.run_tool("node", self.CLI, *command)

    def load(self, profile):
        # Its daemon has half a second to begin; on a busy machine it says that another try often works.
        for _ in range(5):
            try:
                return self.cli("load", profile)
            except AssertionError as said:
                if "did not become ready" not in str(said):
                    raise
                self.cli("stop", "--all")
        return self.cli("load", profile)

    def sum_of_thread(self, name):
        threads = json.loads(self.cli("thread", "list", "--json"))["threads"]
        self.cli("thread", "select", next(each["threadHandle"] for each in threads if each["name"] == name))
        return json.loads(self.cli("thread", "samples", "--json"))["categoryBreakdown"]["totalSamples"]

    def test_call_trees_markers_and_counters_are_those_of_the_report(self):
        self.load(self.converted("firefox", ".firefox.json"))
        self.assertEqual(self.sum_of_thread("allocated"), self.report["heap"]["allocated"])
        for phase in self.report["phases"]:
            self.assertEqual(self.sum_of_thread("at the peak of " + phase["path"]), phase["heap"]["peak"])
        self.assertEqual(self.sum_of_thread("at the peak"), self.report["heap"]["peak"])
        self.assertIn("paint_cover", self.cli("thread", "samples"))
        markers = self.cli("thread", "markers")
        self.assertIn(f"{len(self.report['timeline']['entries'])} markers", markers)
        for phase in self.report["phases"]:
            self.assertIn(phase["path"], markers)
        counters = [self.cli("counter", "info", handle) for handle in ("c-0", "c-1")]
        for counter, name, column in zip(counters, ("heap", "RSS"), (1, 2)):
            points = [point for point in self.report["timeline"]["points"] if point[column] is not None]
            self.assertIn(f"Name: {name}", counter)
            self.assertIn(f"Samples: {len(points)} total", counter.replace(",", ""))

    def test_it_reads_the_dhat_file_too(self):
        self.load(self.converted("dhat", ".dhat.json"))
        self.assertEqual(self.sum_of_thread("Total Bytes"), self.report["heap"]["allocated"])
        self.assertEqual(self.sum_of_thread("Bytes at Global Max"), self.report["heap"]["peak"])
        self.assertEqual(self.sum_of_thread("Bytes at End"), sum(max(site["delta_bytes"], 0) for site in self.report["sites"]))


class Viewer(Formats):
    """A page in a browser; viewers.mjs says what it has to show."""

    CHROMIUM = shutil.which("chromium")
    DH_VIEW = pathlib.Path("/usr/libexec/valgrind/dh_view.html")
    SCRIPT = pathlib.Path(__file__).with_name("viewers.mjs")

    def view(self, which, backend):
        said = self.run_tool("node", "--test", "--test-reporter=tap", f"--test-name-pattern=^{which}$", self.SCRIPT, REPORT=self.json,
                             FILE=self.converted(backend, f".{backend}"), TOOLS=TOOLS, DH_VIEW=self.DH_VIEW, CHROMIUM=self.CHROMIUM)
        self.assertIn("# pass 1\n", said)


class Valgrind(Viewer):
    def test_dh_view_shows_the_totals_of_the_report(self):
        self.view("valgrind", "dhat")


class SpeedscopePage(Viewer):
    def test_it_shows_each_profile_with_its_total(self):
        self.view("speedscope", "speedscope")


class Catapult(Viewer):
    def test_phases_are_slices_and_the_heap_is_a_counter(self):
        self.view("catapult", "trace")


chosen = globals()[WHAT.title().replace("_", "")]
if WHAT == "pprof" and not (TOOLS / "pprof").is_file():
    skip("there is no pprof")
if WHAT.startswith("speedscope") and not (TOOLS / "node_modules/speedscope").is_dir():
    skip("there is no speedscope")
if WHAT == "speedscope":
    try:
        import jsonschema
    except ImportError:
        skip("Python has no jsonschema")
if WHAT == "firefox" and not (Firefox.CLI.is_file() and shutil.which("node")):
    skip("there is no profiler-cli, or no node to run it")
if WHAT == "valgrind" and not Viewer.DH_VIEW.is_file():
    skip(f"there is no {Viewer.DH_VIEW}")
if WHAT == "catapult" and not (TOOLS / "trace_viewer").is_dir():
    skip("there is no trace viewer")
if issubclass(chosen, Viewer) and not (Viewer.CHROMIUM and shutil.which("node") and (TOOLS / "node_modules/playwright-core").is_dir()):
    skip("there is no chromium, or no node and playwright-core to drive it")

Sitegen.program = SITEGEN
tests = unittest.defaultTestLoader.loadTestsFromTestCase(chosen)
sys.exit(not unittest.TextTestRunner(verbosity=2).run(tests).wasSuccessful())
