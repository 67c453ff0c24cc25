#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes headers of the page's files, for report/html.hpp: to be run after each change of one.

Usage: embed.py [--check | --script]
--check changes nothing and fails where a header is not what would be made; --script writes the module, for a linter.

page.html, page.css and parts.css become page_html.hpp, page_css.hpp and parts_css.hpp. The script's files, in the order of SCRIPTS, are one module:
each becomes a header, and page_js.hpp puts them together.
"""
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
SCRIPTS = ["format.js", "model.js", "tree.js", "timeline.js", "flame.js", "table.js", "tables.js", "page.js"]
HEADER = """// SPDX-License-Identifier: MIT
// Made by embed.py of {source}: change that, and run it again.
// clang-format off
#pragma once
{includes}
#include <string_view>

namespace peakscope::report::detail {{

{body}

}} // namespace peakscope::report::detail
"""


def header(source, body, includes=""):
    return HEADER.format(source=source, body=body, includes=includes)


def literal(text):
    assert ')page"' not in text
    return f'R"page({text})page"'


def name_of(file):
    return file.replace(".", "_")


def headers():
    """Name and text of each header."""
    for file in ["page.html", "page.css", "parts.css", *SCRIPTS]:
        constant = "script_" + file.removesuffix(".js") if file.endswith(".js") else name_of(file)
        text = (FOLDER / file).read_text()
        yield f"{'script_' if file.endswith('.js') else ''}{name_of(file.removesuffix('.js'))}.hpp", header(
            file, f"inline constexpr std::string_view {constant} = {literal(text)};")
    names = ["script_" + file.removesuffix(".js") for file in SCRIPTS]
    includes = "".join(f"#include <peakscope/report/html/{name}.hpp>\n" for name in sorted(names))
    yield "page_js.hpp", header("its list of the script's files", "inline constexpr std::array<std::string_view, " + str(len(names)) + "> page_js{\n    "
                                + ",\n    ".join(names) + ",\n};", f"\n{includes}\n#include <array>")


def main():
    if "--script" in sys.argv[1:]:
        print("".join((FOLDER / file).read_text() for file in SCRIPTS), end="")
        return 0
    stale = []
    for name, text in headers():
        path = FOLDER / name
        if path.is_file() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv[1:]:
            path.write_text(text)
    for name in stale:
        print(name, "is not what embed.py makes" if "--check" in sys.argv[1:] else "made")
    return 1 if stale and "--check" in sys.argv[1:] else 0


sys.exit(main())
