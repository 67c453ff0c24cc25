#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes peakscope_single.hpp: the library in one file, without what needs an optional library.

Usage: single_header.py INCLUDE_FOLDER > peakscope_single.hpp
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]+)>.*$", re.MULTILINE)
OPTIONAL_BODY = re.compile(r"^#ifdef PEAKSCOPE_\w+\n#include <peakscope/[^>]*>\n#endif\n", re.MULTILINE)
OPENS_PHASES = ["profiler/profiler.hpp", "heap/fwd.hpp", "rss/fwd.hpp", "sites/fwd.hpp", "report/fwd.hpp"]
# What belongs in one file of a program has a macro that asks for it.
BODIES = "implementation.hpp"
REPLACED = {"PEAKSCOPE_REPLACE_OPERATORS": "heap/counting_operators.hpp", "PEAKSCOPE_REPLACE_MALLOC": "heap/malloc_counting_functions.hpp"}
LIBRARY = re.compile(r"boost/(?!hana)|nlohmann/|protozero/|zlib\.h|libunwind|backtrace\.h|doctest/|gtest/|gmock/|catch2/|benchmark/")
SAYS_OVER_WHAT = "heap/interpose/operators.hpp"  # it is another text after the macros of each
MANUAL = """// SPDX-License-Identifier: MIT
// peakscope in one file. It needs C++20, Boost.Hana and range-v3. Left out is what needs another library: names by
// libbacktrace and stacks by libunwind, reports as JSON, HTML and pprof, statistics, the adapters of test frameworks.
//
// Say before the first #include of a file what that file wants:
//
//     #define PEAKSCOPE_PHASES_ONLY       // opens phases and nothing else: the rest is not compiled
//     #define PEAKSCOPE_IMPLEMENTATION    // the bodies, in exactly one file of a program, or with them one of
//     #define PEAKSCOPE_REPLACE_OPERATORS // operator new and delete, for heap::counting
//     #define PEAKSCOPE_REPLACE_MALLOC    // the malloc family as well, for heap::malloc_counting
//
// Made of the headers in include/peakscope, in which the comments on each name stand as they do here."""


class Headers:
    def __init__(self, root):
        self.root = root
        paths = [path for path in sorted(root.rglob("*.h*")) if path.suffix in (".h", ".hpp")]
        self.texts = {path.relative_to(root).as_posix(): path.read_text() for path in paths}
        self.with_libraries = {name for name in self.texts if self.needs_library(name)}
        # Bodies that come with a header for which there is no library here.
        self.texts = {name: OPTIONAL_BODY.sub("", text) for name, text in self.texts.items()}
        self.written = set()

    def included(self, name):
        found = INCLUDE.findall(self.texts[name])
        own = [each.removeprefix("peakscope/") for each in found if each.startswith("peakscope/")]
        return [each for each in own if each in self.texts], [each for each in found if not each.startswith("peakscope/")]

    def reached(self, name, among=None):
        among = set() if among is None else among
        if name not in among:
            among.add(name)
            for each in self.included(name)[0]:
                self.reached(each, among)
        return among

    def needs_library(self, name):
        return any(LIBRARY.match(each) for header in self.reached(name) for each in self.included(header)[1])

    def interface(self):
        """What a user includes: no bodies, and nothing that needs a library."""
        bodies = {BODIES, *REPLACED.values()}
        return [name for name in self.texts
                if not re.search(r"/(implementation|interpose|html)/", name) and name not in self.with_libraries and not self.reached(name) & bodies]

    def write(self, name):
        """The header with the headers that it includes, each where it is first included."""
        if name in self.written:
            return ""
        self.written.add(name)
        text = re.sub(r"^#pragma once\n|^// SPDX-License-Identifier: MIT\n", "", self.texts[name], flags=re.MULTILINE)

        def replaced(line):
            own = line[1].removeprefix("peakscope/")
            return self.write(own).rstrip() if own in self.texts and line[1].startswith("peakscope/") else line[0]

        return f"// {'-' * 8} {name}\n" + INCLUDE.sub(replaced, text)

    def single(self):
        macros = list(REPLACED)
        any_body = " || ".join(f"defined({each})" for each in ["PEAKSCOPE_IMPLEMENTATION", *macros])
        yield MANUAL
        yield "#pragma once\n"
        yield from map(self.write, OPENS_PHASES)
        yield f"#if !defined(PEAKSCOPE_PHASES_ONLY) || {any_body}"
        yield from map(self.write, self.interface())
        yield f"#endif\n\n#if {any_body}"
        yield self.write(BODIES)
        yield f"#if {' || '.join(f'defined({each})' for each in macros)}"
        yield from map(self.write, sorted(set.intersection(*map(self.reached, REPLACED.values())) - {SAYS_OVER_WHAT}))
        before = set(self.written)
        for macro, name in REPLACED.items():
            self.written = set(before)
            yield f"#ifdef {macro}"
            yield self.write(name)
            yield "#endif"
        yield "#endif\n#endif"


if len(sys.argv) != 2 or not (pathlib.Path(sys.argv[1]) / "peakscope").is_dir():
    sys.exit(__doc__)
print(re.sub(r"\n{3,}", "\n\n", "\n".join(each for each in Headers(pathlib.Path(sys.argv[1]) / "peakscope").single() if each)))
