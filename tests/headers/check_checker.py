#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The header check finds what it is there to find: planted mistakes in a small made-up library.

Usage: check_checker.py COMPILER [ARGUMENT...]
"""
import pathlib
import subprocess
import sys
import tempfile

PAGE = "| `core/` | what all know |\n| `heap/` | one |\n| `rss/` | another |\n| `profiler/` | both |\n| `report/` | shows |\n"
# What each header holds, and the problem that must be found in it.
PLANTED = {
    "core/bytes.hpp": ("#include <peakscope/report/console.hpp>", "a layer above its own"),
    "core/report.hpp": ("#include <nlohmann/json.hpp>", "needs an optional dependency"),
    "core/format.hpp": ("inline std::vector<int> not_included;", "does not compile on its own"),
    "core/size.hpp": ("#include <cstdint>", None),
    "core/long.hpp": ("\n" * 300, "has more than 300 lines"),
    "heap/none.hpp": ("#include <peakscope/core/size.hpp>\n#include <unistd.h>", None),
    "heap/fwd.hpp": ("#include <peakscope/core/heavy.hpp>", None),
    "core/heavy.hpp": ("#include <vector>", "every file that opens a phase pays for it"),
    "rss/gone.hpp": ("#include <peakscope/core/gone.hpp>", "which is not there"),
    "profiler/profiler.hpp": ("#include <peakscope/peakscope.hpp>", "a layer above its own"),
    "report/console.hpp": ("#include <unistd.h>", "outside of the platform layers"),
    "plots/plot.hpp": ("", "the page does not list the layer"),
    "peakscope.hpp": ("", None),
}
# The same, of a library whose headers compile. The bodies hold `known`.
UNLINKED = {
    "core/size.hpp": ("namespace peakscope { inline int known_elsewhere(); }", None),
    "core/bodies.hpp": ("namespace peakscope { inline int known_elsewhere() { return 1; } inline int unused(); }", None),
    "heap/none.hpp": ("namespace peakscope { void known(); inline void calls() { known(); } }", None),
    "heap/forgotten.hpp": ("namespace peakscope { void forgotten(); struct lost { lost() { forgotten(); } }; }", "peakscope::forgotten() has no body"),
    "rss/elsewhere.hpp": ("#include <peakscope/core/size.hpp>\nnamespace peakscope { inline int asks() { return known_elsewhere(); } }",
                          "peakscope::known_elsewhere() has no body"),
    "rss/included.hpp": ("#include <peakscope/core/size.hpp>\n#include <peakscope/core/bodies.hpp>\n"
                         "namespace peakscope { inline int knows() { return known_elsewhere(); } }", None),
    "profiler/profiler.hpp": ("", None),
    "report/console.hpp": ("", None),
}


def wrong_about(planted, compiler, bodies=""):
    """How many headers the check is wrong about."""
    checker = pathlib.Path(__file__).with_name("check_headers.py")
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / "peakscope"
        for name, (text, _) in planted.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(f"#pragma once\n{text}\n")
        (root / "README.md").write_text(PAGE)
        compiled = pathlib.Path(folder) / "bodies.o"
        if bodies:
            subprocess.run([*compiler, "-c", "-x", "c++", "-", "-o", compiled], input=bodies, text=True, check=True)
        run = subprocess.run([sys.executable, checker, folder, compiled if bodies else "", *compiler], capture_output=True, text=True)
    wrong = 0 if run.returncode != 0 else 1
    for name, (_, message) in planted.items():
        said = [line for line in run.stdout.splitlines() if line.startswith(f"{name}: ")]
        # A header that includes one that does not compile does not compile either.
        right = any(message in line for line in said) if message else not any("includes" in line for line in said)
        wrong += not right
        print("right" if right else "WRONG", name, message, said)
    return wrong


def main():
    compiler = sys.argv[1:]
    wrong = wrong_about(PLANTED, compiler)
    # clang++ cannot keep what is inline.
    if "clang" not in subprocess.run([*compiler, "--version"], capture_output=True, text=True).stdout:
        wrong += wrong_about(UNLINKED, compiler, "namespace peakscope { void known() {} }")
    return 1 if wrong else 0


sys.exit(main())
