#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every line that allocates is named, with the bytes that it allocated, and nothing else is.

Usage: check_naming.py SOURCES PROGRAM PLUGIN
"""
import collections
import json
import pathlib
import re
import subprocess
import sys


def expected(sources):
    """file name and line -> (case, bytes)"""
    found = {}
    for path in sorted(pathlib.Path(sources).glob("*.cpp")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if marked := re.search(r"// site: (\S+) (\d+)$", line):
                found[path.name, number] = (marked[1], int(marked[2]))
    return found


def main():
    sources, program, plugin = sys.argv[1:]
    ran = subprocess.run([program, plugin], capture_output=True, text=True, check=True)
    report = json.loads(ran.stdout)
    actual = collections.Counter()
    functions = {}
    for site in report["sites"]:
        place = pathlib.Path(site["file"]).name, site["line"]
        actual[place] += site["allocated_bytes"]
        functions[place] = site["function"]
    problems = []
    wanted = expected(sources)
    for place, (case, size) in wanted.items():
        if actual[place] != size:
            problems.append(f"{case}: {place[0]}:{place[1]} should have {size} bytes and has {actual[place]}")
    for place, size in actual.items():
        if place not in wanted and size > 0:
            problems.append(f"{place[0]}:{place[1]} {functions[place]} has {size} bytes, but no line is marked there")
    if sum(actual.values()) != report["heap"]["allocated"]:
        problems.append(f"the sites have {sum(actual.values())} bytes, the measurement {report['heap']['allocated']}")
    if sum(site["at_peak_bytes"] for site in report["sites"]) != report["heap"]["peak"]:
        problems.append("what lived at the peak is not the peak")
    print(f"{len(wanted)} lines, {len(problems)} problems", *problems, sep="\n")
    for site in report["sites"] if problems else []:
        print(site["file"], site["line"], site["function"], site["allocated_bytes"],
              [(f["function"][:60], f["file"][-40:], f["line"]) for f in (report["frames"][n] for n in report["stacks"][site["stack"]])][:6])
    return 1 if problems or not wanted else 0


sys.exit(main())
