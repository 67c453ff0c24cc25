#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sitegen on a terminal: progress and colour, which are nowhere else.

Usage: terminal.py SITEGEN
"""
import os
import pty
import subprocess
import sys

from common import Sitegen, run_tests

try:
    for descriptor in pty.openpty():
        os.close(descriptor)
except OSError as reason:
    print(f"skipped: this system has no pseudo-terminals ({reason}; is /dev/pts mounted?)")
    sys.exit(77)


def on_terminal(command, environment):
    """What a program prints to a terminal."""
    main, terminal = pty.openpty()
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    printed = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not part:
            break
        printed += part
    os.close(main)
    return process.wait(), printed.decode()


class Terminal(Sitegen):
    def test_progress_and_colour_on_a_terminal_only(self):
        plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}

        def printed_by_build(pages, **environment):
            site = self.new_site(pages)
            command = [self.program, "build", str(site), "--output", str(self.root / "out"), "--profile-memory"]
            status, printed = on_terminal(command, {**plain, "TERM": "xterm", **environment})
            self.assertEqual(status, 0)
            return printed

        printed = printed_by_build(8000)  # long enough for progress to be shown
        self.assertRegex(printed, r"\r\x1b\[K(rendering Markdown|writing pages): \d+ of 8000")
        self.assertIn("\x1b[1mbuilding site-8000\x1b[0m", printed)
        printed = printed_by_build(100, NO_COLOR="1")
        self.assertIn("building site-100", printed)
        self.assertNotIn("\x1b[1m", printed)


run_tests(sys.argv)
