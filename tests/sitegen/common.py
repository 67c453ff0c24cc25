# SPDX-License-Identifier: MIT
"""What the tests of sitegen share: running it, and what must hold in every report."""
import json
import pathlib
import subprocess
import tempfile
import unittest


class Sitegen(unittest.TestCase):
    """A test with an empty folder of its own, `self.root`, and the program, `Sitegen.program`."""

    program = None
    before = []  # put before every command

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def sitegen(self, *arguments, status=0, **more):
        ran = subprocess.run([*self.before, self.program, *map(str, arguments)], capture_output=True, text=True, **more)
        self.assertEqual(ran.returncode, status, ran.stderr)
        return ran

    def new_site(self, pages, sections=4):
        folder = self.root / f"site-{pages}"
        self.sitegen("new", folder, "--pages", pages, "--sections", sections)
        return folder

    def profile(self, folder, *more, status=0, output=None):
        """The report of a build of the folder, checked for what holds in every report. The pages lie in `self.output`.

        Each build has a new output folder with a name as long as the last one's: making folders and finding them there
        take different memory, and so do shorter paths.
        """
        self.output = self.root / (output or f"profiled-{len(list(self.root.glob('profiled-*'))):04}")
        ran = self.sitegen("build", folder, "--output", self.output, "--profile-memory=json", *more, status=status)
        report = json.loads(ran.stdout)
        self.check_report(report)
        return report

    def check_report(self, report):
        self.assertEqual(report["schema"], "peakscope.report/2")
        if report["heap"]["source"] != "none":
            self.check_heaps(report)
        resident = {"": report["rss"], **{phase["path"]: phase["rss"] for phase in report["phases"] if phase["entries"]}}
        for path, rss in resident.items():
            if path and rss["peak"] is not None:
                self.assertGreaterEqual(resident[path.rpartition("/")[0]]["peak"], rss["peak"], path)
        for phase in report["phases"]:
            self.assertGreaterEqual(phase["duration_ns"], 0)
        self.assertGreaterEqual(report["duration_ns"], sum(p["duration_ns"] for p in report["phases"] if "/" not in p["path"]))

    def check_heaps(self, report):
        heaps = {"": report["heap"], **{phase["path"]: phase["heap"] for phase in report["phases"] if phase["entries"]}}
        for path, heap in heaps.items():
            self.assertEqual(heap["delta"], heap["allocated"] - heap["freed"], path)
            self.assertGreaterEqual(min(heap["allocated"], heap["freed"], heap["allocations"], heap["deallocations"]), 0)
            bound = heap["precision"]["bound_bytes"]
            self.assertGreaterEqual(heap["peak_delta"], -bound, path)
            self.assertGreaterEqual(heap["peak"] + bound, heap["start"] or 0, path)
            if path:
                parent = path.rpartition("/")[0]
                self.assertGreaterEqual(heaps[parent]["peak"], heap["peak"], path)
        # The phases at the root are parts of the whole; what is left was allocated between them.
        roots = [heap for path, heap in heaps.items() if path and "/" not in path]
        for flow in ("allocated", "freed", "allocations", "deallocations"):
            self.assertGreaterEqual(report["heap"][flow], sum(heap[flow] for heap in roots), flow)


def tree(folder):
    """Every file below a folder with its content."""
    folder = pathlib.Path(folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_tests(argv, names=()):
    """Runs the tests of the calling script, all or those of these names; its first argument is the program."""
    Sitegen.program = argv[1]
    unittest.main(module="__main__", argv=[argv[0], *names], verbosity=2)
