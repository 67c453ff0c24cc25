#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that is linked statically counts what it counts when it is linked dynamically, and that is what is known of it.
malloc_counting needs a flag for that; without it, the linker's message says which.

Usage: check_static.py SOURCE_ROOT COUNTED COUNTED_MALLOC IMPLEMENTATION COMPILER [ARGUMENT...]

COUNTED and COUNTED_MALLOC are objects or archives with the replaced functions, IMPLEMENTATION one with the library's bodies.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv[1]).resolve()
REPLACED = {"counting": sys.argv[2], "malloc_counting": sys.argv[3]}
IMPLEMENTATION, *COMPILER = sys.argv[4:]
# As the README has it: the unwinder that throws is g++'s own, which must come before libunwind.
SITES = ["-lgcc_eh", "-lunwind", "-llzma", "-lbacktrace"]
MANY = "-Wl,-z,muldefs"
KNOWN = {
    # 1,000 that stay, 2,000 that become 5,000, 770 and 512.
    "malloc_counting": r"own: 1000 left, 6000 at peak, 9282 allocated in 5\n"
                       r"glibc: 0 left, [1-9]\d{3} at peak, [1-9]\d{3} allocated in [1-9]\n",
    "counting": r"own: 1000 left, 1000 at peak, 1000 allocated in 1\n"
                r"glibc: 0 left, 0 at peak, 0 allocated in 0\n",
}
COMMON = ("threads: 200000 left\n"
          "keep, called by own\n"
          "usable: all\n")


def run(*command):
    return subprocess.run([os.fspath(part) for part in command], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})


class Static(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.root = pathlib.Path(folder.name)
        for heap, define in {"counting": ["-DOPERATORS"], "malloc_counting": []}.items():
            compiled = run(*COMPILER, "-std=c++20", "-O1", "-g1", "-fno-omit-frame-pointer", "-pthread", "-Wall", "-Wextra", "-Werror",
                           "-isystem", SOURCE / "include", *define, "-c", SOURCE / "tests/consumers/linked_statically.cpp",
                           "-o", cls.root / f"{heap}.o")
            if compiled.returncode != 0:
                raise AssertionError(compiled.stderr)

    def linked(self, heap, *flags):
        return run(*COMPILER, "-pthread", self.root / f"{heap}.o", REPLACED[heap], IMPLEMENTATION, *flags, "-o", self.root / "program")

    def printed(self, heap, *flags):
        made = self.linked(heap, *flags)
        self.assertEqual(made.returncode, 0, made.stderr[-3000:])
        ran = run(self.root / "program")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        return ran.stdout

    def check(self, heap, *flags):
        static = self.printed(heap, "-static", *flags, *SITES)
        self.assertRegex(static, "^thrown and caught\n" + KNOWN[heap] + COMMON + "$")
        self.assertEqual(static, self.printed(heap, *SITES[1:]))
        print(f"\n{heap}\n{static}")

    def test_operators(self):
        self.check("counting")

    def test_malloc(self):
        self.check("malloc_counting", MANY)

    def test_malloc_without_the_flag_is_an_error_that_says_what_to_do(self):
        made = self.linked("malloc_counting", "-static", *SITES)
        self.assertNotEqual(made.returncode, 0)
        names = re.findall(r"multiple definition of [`'](\w+)'", made.stderr)
        self.assertIn("malloc", names, made.stderr)
        self.assertLessEqual(set(names), {"malloc", "free", "realloc", "calloc"})
        # The linker names the place: the header, whose comment says it, or without debug information the section.
        self.assertRegex(made.stderr, "malloc_functions.hpp|a_static_program_needs_-Wl_-z_muldefs")
        row = next((line for line in (SOURCE / "README.md").read_text().splitlines() if "`multiple definition of malloc`" in line), "")
        for each in (MANY, *SITES[:2]):
            self.assertIn(each, row, "the README's row of this message")


unittest.main(argv=sys.argv[:1], verbosity=2)
