#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the JSON that a page of report::html holds. Usage: json_in_page.py PAGE"""
import base64
import pathlib
import re
import sys
import zlib


def json_in(page, script="report"):
    packed = re.search(f'id="{script}">([^<]*)</script>', page).group(1)
    return zlib.decompress(base64.b64decode(packed, validate=True), -15)


if __name__ == "__main__":
    sys.stdout.buffer.write(json_in(pathlib.Path(sys.argv[1]).read_text()))
