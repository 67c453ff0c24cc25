#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lexgen does the same with profiling added, switched on or off, and reports each of its phases.

Usage: drop_in.py LEXGEN PROFILED DISABLED TOKENS
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

LEXGEN, PROFILED, DISABLED, TOKENS = sys.argv[1:]

LEXER = """
#include "tables.hpp"
#include <cstdio>
#include <string>
int main() {
    const std::string text = "while (x1 >>= 0x1fUL) y = 1.5e-3 /* c */ \\"s\\\\\\"t\\" ...;";
    for (std::size_t at = 0; at < text.size();) {
        int state = 0, rule = -1;
        std::size_t end = at;
        for (std::size_t i = at; state >= 0; ++i) {
            if (accepts[state] >= 0) { rule = accepts[state]; end = i; }
            if (i == text.size()) break;
            state = next_state[state][static_cast<unsigned char>(text[i])];
        }
        if (rule < 0) return 1;
        std::printf("%d:%s\\n", rule, text.substr(at, end - at).c_str());
        at = end;
    }
}
"""


class DropIn(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def run_lexgen(self, program, tokens=TOKENS, status=0):
        output = self.root / "tables.hpp"
        ran = subprocess.run([program, tokens, output], capture_output=True, text=True)
        self.assertEqual(ran.returncode, status, ran.stderr)
        return ran, output.read_text() if status == 0 else None

    def test_the_tables_are_the_same_and_the_phases_are_reported(self):
        plain, tables = self.run_lexgen(LEXGEN)
        self.assertRegex(plain.stdout, r"^55 tokens, \d+ states, \d+ deterministic, \d+ minimal\n$")
        off, tables_off = self.run_lexgen(DISABLED)
        self.assertEqual((off.stdout, tables_off), (plain.stdout, tables))
        on, tables_on = self.run_lexgen(PROFILED)
        self.assertEqual(tables_on, tables)
        self.assertEqual(on.stdout, plain.stdout)
        for phase in "reading", "nfa", "dfa", "minimising", "writing":
            self.assertRegex(on.stderr, rf"(?m)^  {phase} .*[mµn]?s\b")
        self.assertEqual(on.stderr.count("<- the high-water mark"), 1)
        self.assertIn("Per token", on.stderr)

    def test_the_tables_are_right(self):
        self.run_lexgen(LEXGEN)
        (self.root / "lexer.cpp").write_text(LEXER)
        subprocess.run(["c++", "-std=c++17", "-o", self.root / "lexer", self.root / "lexer.cpp"], check=True)
        found = subprocess.run([self.root / "lexer"], check=True, capture_output=True, text=True).stdout.splitlines()
        names = [line.split()[0] for line in pathlib.Path(TOKENS).read_text().splitlines() if line and line[0] != "#"]
        tokens = [(names[int(number)], text) for number, text in (line.split(":", 1) for line in found)]
        self.assertEqual([each for each in tokens if each[0] != "SPACE"], [
            ("WHILE", "while"), ("BRACKET", "("), ("IDENTIFIER", "x1"), ("SHIFT_RIGHT_ASSIGN", ">>="), ("HEXADECIMAL", "0x1fUL"),
            ("BRACKET", ")"), ("IDENTIFIER", "y"), ("ASSIGN", "="), ("FLOATING", "1.5e-3"), ("COMMENT", "/* c */"),
            ("STRING", '"s\\"t"'), ("ELLIPSIS", "..."), ("OPERATOR", ";")])

    def test_errors_are_told_by_all_three(self):
        for text, message in {"A [z-a]\n": "the range 'z-a' is empty", "A (x\n": "a ')' is missing",
                              "A *\n": "nothing stands before '*'", "A\n": "a name and an expression are expected"}.items():
            (self.root / "tokens").write_text(text)
            for program in LEXGEN, PROFILED, DISABLED:
                ran, _ = self.run_lexgen(program, self.root / "tokens", status=1)
                self.assertIn(message, ran.stderr)


unittest.main(argv=sys.argv[:1], verbosity=2)
