#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The header check finds what it is there to find: planted mistakes in a copy of the headers.

Usage: check_checker.py INCLUDE_DIRECTORY COMPILER [ARGUMENT...]
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

PLANTED = [
    ("core/bytes.hpp", "#include <peakscope/report/console.hpp>\n", "a layer above its own"),
    ("heap/none.hpp", "#include <peakscope/rss/none.hpp>\n", "a layer above its own"),
    ("profiler/profiler.hpp", "#include <peakscope/peakscope.hpp>\n", "a layer above its own"),
    ("report/console.hpp", "#include <unistd.h>\n", "outside of the platform layers"),
    ("core/report.hpp", "#include <nlohmann/json.hpp>\n", "needs an optional dependency"),
    ("core/format.hpp", "inline std::vector<int> not_included;\n", "does not compile on its own"),
]


def main():
    include, *compiler = sys.argv[1:]
    checker = pathlib.Path(__file__).with_name("check_headers.py")
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "include"
        shutil.copytree(include, copy)
        for header, line, _ in PLANTED:
            target = copy / "peakscope" / header
            target.write_text(target.read_text().replace("#pragma once\n", "#pragma once\n" + line, 1))
        run = subprocess.run([sys.executable, checker, copy, *compiler], capture_output=True, text=True)
    missed = 0 if run.returncode != 0 else 1
    for header, _, message in PLANTED:
        found = any(line.startswith(f"{header}: ") and message in line for line in run.stdout.splitlines())
        missed += not found
        print("found " if found else "MISSED", header, message)
    return 1 if missed else 0


sys.exit(main())
