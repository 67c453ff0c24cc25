#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Walks every stack of a 100-page build in each way, and compares (unwinders.cpp).

Usage: check_unwinders.py SITEGEN UNWINDERS
"""
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.argv[1], "new", f"{folder}/site", "--pages", "100"], check=True)
    sys.exit(subprocess.run([sys.argv[2], f"{folder}/site", f"{folder}/output"]).returncode)
