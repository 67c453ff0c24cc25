#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""memgate as its users see it: exit status, Markdown, updates, and what it says of files that are no reports.

Usage: memgate.py MEMGATE SITEGEN
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

MEMGATE, SITEGEN = sys.argv[1:3]


class Memgate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        root = pathlib.Path(cls.folder.name)
        subprocess.run([SITEGEN, "new", root / "site", "--pages", "10"], check=True, capture_output=True)
        for name, plugins in ("plain", []), ("gallery", ["--plugin", "gallery"]):
            subprocess.run([SITEGEN, "build", root / "site", "--output", root / f"out-{name}", "--profile-memory=json",
                            "--profile-output", root / f"{name}.json", *plugins], check=True, capture_output=True)
        cls.root = root
        report = json.loads((root / "plain.json").read_text())
        report["sites"] = []  # nearly all of it
        for phase in report["phases"]:
            phase["sites"] = []
        report["outside_phases"]["sites"] = []
        cls.slim = json.dumps(report)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_gate(self, *arguments, status):
        ran = subprocess.run([MEMGATE, *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual(ran.returncode, status, ran.stdout + ran.stderr)
        return ran

    def changed(self, name, change):
        report = json.loads(self.slim)
        change(report)
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(report))
        return path

    def test_the_same_report_is_no_change(self):
        ran = self.run_gate(self.root / "plain.json", self.root / "plain.json", status=0)
        self.assertTrue(ran.stdout.startswith("### Memory: no change\n"))

    def test_a_plugin_that_paints_covers_is_worse_and_its_line_is_named(self):
        ran = self.run_gate(self.root / "plain.json", self.root / "gallery.json", status=1)
        self.assertTrue(ran.stdout.startswith("### Memory: more than before\n"))
        self.assertRegex(ran.stdout, r"\| heap peak \| .* \| \*\*worse\*\* \|")
        self.assertRegex(ran.stdout, r"\| plugins/gallery.cpp:\d+  .*paint\\_cover \| 0 B \| 3[0-9]\.[0-9] MiB")
        self.run_gate(self.root / "gallery.json", self.root / "plain.json", status=0)  # less than before

    def test_the_tolerance_decides_and_markdown_goes_to_a_file(self):
        def five_percent(report):
            report["heap"]["peak_delta"] = report["heap"]["peak_delta"] * 105 // 100
        more = self.changed("five.json", five_percent)
        self.run_gate(self.root / "plain.json", more, status=1)
        ran = self.run_gate(self.root / "plain.json", more, "--tolerance", "6", "--markdown", self.root / "x.md", status=0)
        self.assertEqual(ran.stdout, "")
        self.assertIn("6.0 %", (self.root / "x.md").read_text())

    def test_folders_of_repetitions(self):
        for i in range(5):
            def shift(report, more=0):
                report["heap"]["peak_delta"] += more
            self.changed(f"before/{i}.json", lambda report: shift(report, i * 1_000_000))
            self.changed(f"after/{i}.json", lambda report: shift(report, i * 1_000_000 + 500_000))
        ran = self.run_gate(self.root / "before", self.root / "after", status=0)  # within their scatter
        self.assertIn("5 reports before, 5 reports now", ran.stdout)

    def test_figures_at_the_ends_of_their_range(self):
        def most(report):
            report["heap"].update(delta=2**63 - 1, peak=2**63 - 1, peak_delta=2**63 - 1, allocated=2**63 - 1,
                                  allocations=2**64 - 1)
        ran = self.run_gate(self.changed("least.json", lambda report: report["heap"].update(delta=-2**63, allocations=0)),
                            self.changed("most.json", most), status=1)
        self.assertIn("| heap delta | -8.00 EiB | 8.00 EiB | +8.00 EiB |", ran.stdout)
        self.assertIn("| allocations | 0 | 18,446,744,073,709,551,615 | +18,446,744,073,709,551,615 |", ran.stdout)
        too_much = self.changed("too_much.json", lambda report: report["heap"].update(delta=2**63))
        self.assertIn("/heap/delta", self.run_gate(too_much, too_much, status=2).stderr)

    def test_update_accepts(self):
        baseline = self.root / "kept.json"
        self.run_gate(baseline, self.root / "plain.json", "--update", status=0)  # there was none
        self.run_gate(baseline, self.root / "gallery.json", status=1)
        self.run_gate(baseline, self.root / "gallery.json", "--update", status=0)
        self.run_gate(baseline, self.root / "gallery.json", status=0)
        many = self.root / "many"
        for name in "a", "b":
            self.changed(f"runs/{name}.json", lambda report: None)
        self.run_gate(many, self.root / "runs", "--update", status=0)
        (self.root / "runs/a.json").unlink()
        self.run_gate(many, self.root / "runs", "--update", status=0)
        self.assertEqual([path.name for path in many.iterdir()], ["b.json"])

    def test_what_cannot_be_told_is_status_2_with_the_reason(self):
        plain = self.root / "plain.json"
        cut = self.root / "cut.json"
        cut.write_text(plain.read_text()[:-100])
        foreign = self.root / "foreign.json"
        foreign.write_text('{"schema": "heaptrack/3"}')
        old = self.changed("old.json", lambda report: report.update(schema="peakscope.report/0"))
        other = self.changed("other.json", lambda report: report["items"].update(count=11))
        (self.root / "empty").mkdir(exist_ok=True)
        for path, message in [
            (self.root / "none.json", "none.json': No such file or directory"),
            (cut, "it is not JSON, or not all of it"),
            (foreign, "/schema is 'heaptrack/3', which is no report of peakscope's"),
            (old, "this peakscope reads 'peakscope.report/1' and '/2'"),
            (other, "not of the same work: the number of items is '10 page' in one and '11 page' in another"),
            (self.root / "empty", "there is no .json file in the folder"),
        ]:
            with self.subTest(path=path.name):
                ran = self.run_gate(plain, path, status=2)
                self.assertIn(message, ran.stderr)
                self.assertTrue(ran.stderr.startswith("memgate: "))
        self.run_gate(plain, status=2)
        self.run_gate(plain, plain, "--tolerance", "-3", status=2)
        ran = self.run_gate(plain, plain, "--markdown", self.root / "nowhere/x.md", status=2)
        self.assertIn("nowhere/x.md': No such file or directory", ran.stderr)

    def test_is_installed_with_the_examples(self):
        build = pathlib.Path(MEMGATE).resolve().parents[2]
        ran = subprocess.run(["meson", "introspect", "--installed", build], check=True, capture_output=True, text=True)
        self.assertRegex(json.loads(ran.stdout)[str(pathlib.Path(MEMGATE).resolve())], "/bin/memgate$")


unittest.main(argv=sys.argv[:1])
