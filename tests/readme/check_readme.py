#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the README and the other pages show is what there is: reports as they are printed, code as it stands in the examples, files
that links lead to.

Usage: check_readme.py SOURCE_ROOT SITEGEN FIRST_REPORT COMPILER
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def block_after(readme, mark):
    """The lines of the code block that follows a mark."""
    found = re.search(rf"<!-- {mark} -->\n```\w*\n(.*?)```", readme, re.DOTALL)
    assert found, f"no page has a block after <!-- {mark} -->"
    return found.group(1).splitlines()


def shape(line):
    """A line of a report without its figures, which differ from machine to machine, and without its column widths."""
    line = re.sub(r"~?[-+]?[\d,.]+ ?(B|KiB|MiB|GiB)\b", "BYTES", line)
    line = re.sub(r"[\d,.]+ (ns|µs|ms|s)\b", "TIME", line)
    line = re.sub(r"BYTES or less", "BYTES", line)
    line = re.sub(r"\d+ (call sites?(?: in phases)?|in phases)", r"\1", line)
    return " ".join(line.replace("<- the high-water mark", "").split())


def without_sites(lines):
    """A report's lines without the rows that name call sites, and those rows' first columns."""
    rest, places, inside = [], [], False
    for line in lines:
        if not line.strip() or line.startswith("  ~ not exact"):
            inside = False
        if inside and not re.fullmatch(r"  \S+", line):
            places.append(re.split(r"\s{2,}[-+~]?\d", line.strip())[0])
        else:
            rest.append(line)
        inside = inside or line.startswith("Top ")
    return rest, places


def where_it_ends(lines):
    """Where a report begins to say what it leaves out."""
    return next((i for i, line in enumerate(lines) if line.startswith("  Left out: ")), None)


def squeezed(text):
    return re.sub(r"\s+", "", text)


def main():
    root, (sitegen, first_report, compiler) = pathlib.Path(sys.argv[1]), sys.argv[2:]
    pages = {path: path.read_text() for path in sorted(root.rglob("README.md")) if not path.relative_to(root).parts[0].startswith("build")}
    readme = "\n".join(pages.values())
    problems = []

    if (length := len(pages[root / "README.md"].splitlines())) > 150:
        problems.append(f"the README has {length} lines, and leads nobody")

    # Lines of the report, in its order, some left out. A figure that is wider by some letters than in the README, as RSS has
    # them, would take a column from a table of 100.
    printed = [shape(line) for line in subprocess.run([first_report], check=True, capture_output=True, text=True,
                                                      env={**os.environ, "COLUMNS": "110"}).stderr.splitlines()]
    rest = iter(printed)
    shown = [line for line in block_after(readme, "first report") if compiler == "gcc" or "main.cpp" not in line]
    problems += [f"first_report does not print, where the README has it: {line}" for line in shown if shape(line) not in rest]
    program = (root / "examples/first_report/main.cpp").read_text()
    if "\n".join(block_after(readme, "first program")) not in program:
        problems.append("the program in the README is not examples/first_report")

    with tempfile.TemporaryDirectory() as folder:
        site = pathlib.Path(folder) / "100-pages"
        subprocess.run([sitegen, "new", site, "--pages", "100"], check=True, stderr=subprocess.DEVNULL)
        printed = subprocess.run([sitegen, "build", site, "--output", site / "out", "--profile-memory"], check=True,
                                 capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"}).stdout.splitlines()
    # What the kernel left to be said of its high-water mark differs from run to run.
    printed = printed[:next((i for i, line in enumerate(printed) if line.startswith("Note: ")), None)]
    shown, shown_places = without_sites(block_after(readme, "report"))
    whole, (printed, printed_places) = printed, without_sites(printed)
    if not shown_places or not printed_places:
        problems.append("a report names no call sites")
    # Another compiler inlines other functions, and so charges other lines of them, and leaves out others.
    if compiler != "gcc":
        shown, printed = (lines[:where_it_ends(lines)] for lines in (shown, printed))
    if compiler == "gcc":
        problems += [f"the README names a site that is not printed: {each}" for each in set(shown_places) - set(printed_places)]
    if [shape(line) for line in shown] != [shape(line) for line in printed]:
        problems.append("the report in the README is not what is printed:\n" + "\n".join(whole))
    if sum("<- the high-water mark" in line for line in shown) != 1:
        problems.append("the report in the README marks no phase, or several")

    code = squeezed("".join(path.read_text() for path in sorted((root / "examples/sitegen").glob("*.[ch]pp"))))
    lines = [line.split("//")[0].strip() for line in block_after(readme, "code")]
    # A statement may be broken over lines: what counts is each statement as a whole.
    for statement in filter(None, re.split(r"(?<=[;>])\n", "\n".join(filter(None, lines)) + "\n")):
        if squeezed(statement) not in code:
            problems.append(f"the README shows code that sitegen does not have: {statement}")

    rows = re.findall(r"^\| (\d+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", readme, re.MULTILINE)
    if [int(row[0]) for row in rows] != list(range(1, 11)):
        problems.append("the table of ten runs does not have ten runs")
    if len({row[1:3] for row in rows}) != 1:
        problems.append("the heap figures of the ten runs differ")

    for path, text in pages.items():
        problems += [f"{path.relative_to(root)} links to {link}, which is not there"
                     for link in re.findall(r"\]\(([^)#:]+)\)", text) if not (path.parent / link).exists()]

    print("\n".join(problems) or "the README shows what there is")
    return 1 if problems else 0


sys.exit(main())
