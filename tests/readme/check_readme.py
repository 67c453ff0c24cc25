#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the README shows is what there is: the report as it is printed, the code as it stands in sitegen.

Usage: check_readme.py README SITEGEN_SOURCES SITEGEN COMPILER
"""
import pathlib
import re
import subprocess
import sys
import tempfile


def block_after(readme, mark):
    """The lines of the code block that follows a mark."""
    found = re.search(rf"<!-- {mark} -->\n```\w*\n(.*?)```", readme, re.DOTALL)
    assert found, f"the README has no block after <!-- {mark} -->"
    return found.group(1).splitlines()


def shape(line):
    """A line of a report without its figures, which differ from machine to machine, and without its column widths."""
    line = re.sub(r"~?[-+]?[\d,.]+ ?(B|KiB|MiB|GiB)\b", "BYTES", line)
    line = re.sub(r"[\d,.]+ (ns|µs|ms|s)\b", "TIME", line)
    line = re.sub(r"BYTES or less", "BYTES", line)
    return " ".join(line.replace("<- the high-water mark", "").split())


def without_sites(lines):
    """A report's lines without the rows that name call sites, and those rows' first columns."""
    rest, places, inside = [], [], False
    for line in lines:
        if not line.strip():
            inside = False
        if inside and not re.fullmatch(r"  \S+", line):
            places.append(re.split(r"\s{3,}", line.strip())[0])
        else:
            rest.append(line)
        inside = inside or line.startswith("Top ")
    return rest, places


def squeezed(text):
    return re.sub(r"\s+", "", text)


def main():
    readme_file, sources, sitegen, compiler = sys.argv[1:]
    readme = pathlib.Path(readme_file).read_text()
    problems = []

    with tempfile.TemporaryDirectory() as folder:
        site = pathlib.Path(folder) / "100-pages"
        subprocess.run([sitegen, "new", site, "--pages", "100"], check=True, stderr=subprocess.DEVNULL)
        printed = subprocess.run([sitegen, "build", site, "--output", site / "out", "--profile-memory"], check=True,
                                 capture_output=True, text=True).stdout.splitlines()
    shown, shown_places = without_sites(block_after(readme, "report"))
    whole, (printed, printed_places) = printed, without_sites(printed)
    if not shown_places or not printed_places:
        problems.append("a report names no call sites")
    # Another compiler inlines other functions, and so charges other lines of them.
    if compiler == "gcc":
        problems += [f"the README names a site that is not printed: {each}" for each in set(shown_places) - set(printed_places)]
    if [shape(line) for line in shown] != [shape(line) for line in printed]:
        problems.append("the report in the README is not what is printed:\n" + "\n".join(whole))
    if sum("<- the high-water mark" in line for line in shown) != 1:
        problems.append("the report in the README marks no phase, or several")

    code = squeezed("".join(path.read_text() for path in sorted(pathlib.Path(sources).glob("*.[ch]pp"))))
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

    for link in re.findall(r"\]\(([^)#:]+)\)", readme):
        if not (pathlib.Path(readme_file).parent / link).exists():
            problems.append(f"the README links to {link}, which is not there")

    print("\n".join(problems) or "the README shows what there is")
    return 1 if problems else 0


sys.exit(main())
