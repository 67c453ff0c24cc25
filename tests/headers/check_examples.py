#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each example in a header's comments compiles as it stands there, with that header and what the example includes.

An example is what is indented by four columns in a comment and has a line of code in it. The names of the reader's own
program come from examples_prelude.hpp.

Usage: check_examples.py INCLUDE COMPILER...
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CODE = re.compile(r"[;{}]\s*(//.*)?$|^#", re.MULTILINE)
# What an example needs that only some systems have.
OPTIONAL = ("catch2/catch_all.hpp", "gmock/gmock.h", "benchmark/benchmark.h", "nlohmann/json.hpp", "backtrace.h", "libunwind.h",
            "jemalloc/jemalloc.h", "mimalloc.h", "gperftools/malloc_extension.h", "range/v3/version.hpp")


def examples(header):
    """(line number, lines) of each example in a header."""
    found, block, item = [], [], False
    lines = [*header.read_text().splitlines(), "", ""]
    for number, line in enumerate(lines, 1):
        comment = re.match(r"\s*///?(?: (.*)|$)", line)
        text = (comment[1] or "") if comment else None
        goes_on = text == "" and block and re.match(r"\s*///?     \S", lines[number]) and "int main" not in str(block)
        if text is not None and (text.startswith("    ") or goes_on):
            block.append((number, text[4:]))
            continue
        if block and not item and CODE.search("\n".join(each for _, each in block)):
            found.append((block[0][0], [each for _, each in block]))
        block = []
        item = text is not None and (text.startswith("  - ") or item and text != "")
    return found


def alternatives(lines):
    """An example that gives one name to several types shows several ways to do it."""
    names = re.findall(r"^using (\w+) =", "\n".join(lines), re.MULTILINE)
    return [lines] if len(set(names)) == len(names) else [[each] for each in lines]


def framework_of(header):
    found = re.search(r"testing/(catch2|gtest|benchmark)\.hpp", str(header))
    return found and found[1]


def unit(header, include, number, lines):
    includes = "\n".join(each for each in lines if each.startswith("#"))
    rest = "\n".join("" if each.startswith("#") else each for each in lines)
    if not re.search(r"^(struct|template|static|int main|REGISTER|CATCH_)", rest, re.MULTILINE):
        rest = f'[[maybe_unused]] static void example() {{\n#line {number} "{header}"\n{rest}\n}}'
    prelude = "" if not framework_of(header) else f'#include "{HERE}/examples_prelude.hpp"\n'
    before, after = ("", "") if "template <>" in rest else ("namespace example_code {", "}")
    return f"""{includes}
#include <{header.relative_to(include)}>
{prelude}
{before}
#line {number} "{header}"
{rest}
{after}
"""


def check(compiler, include, prelude, header, number, lines):
    first = [] if framework_of(header) else ["-include", prelude]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "example.cpp"
        source.write_text(unit(header, include, number, lines))
        ran = subprocess.run([*compiler, "-std=c++20", "-fsyntax-only", "-w", "-I", include, *first, source], capture_output=True, text=True)
    if ran.returncode == 0:
        return None
    missing = re.search(r"fatal error: '?([\w/.]+)'?.*(No such file|not found)", ran.stderr)
    if missing and missing[1] in OPTIONAL:
        return f"skipped: {header.name}:{number} needs {missing[1]}"
    return f"FAILED: {header}:{number}\n" + "\n".join(lines) + "\n" + "\n".join(ran.stderr.splitlines()[:8])


def main():
    include, compiler = pathlib.Path(sys.argv[1]), sys.argv[2:]
    jobs = [(header, number, lines) for header in sorted(include.glob("peakscope/**/*.hpp"))
            for number, block in examples(header) for lines in alternatives(block)]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        prelude = pathlib.Path(folder) / "prelude.hpp"
        prelude.write_text(f'#define DOCTEST_CONFIG_IMPLEMENT\n#include <doctest/doctest.h>\n#include "{HERE}/examples_prelude.hpp"\n')
        # Compiled once for all, where the compiler finds it beside the header.
        subprocess.run([*compiler, "-std=c++20", "-w", "-I", include, "-x", "c++-header", prelude, "-o",
                        f"{prelude}.{'pch' if 'clang' in compiler[0] else 'gch'}"], check=True)
        results = list(pool.map(lambda job: check(compiler, include, prelude, *job), jobs))
    said = [each for each in results if each]
    print("\n\n".join(said))
    print(f"{len(jobs)} examples, {sum(each.startswith('FAILED') for each in said)} do not compile")
    return 1 if len(jobs) < 40 or any(each.startswith("FAILED") for each in said) else 0


sys.exit(main())
