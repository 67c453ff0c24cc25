#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sitegen builds documentation that others wrote, and its profile is sane.

Usage: real_markdown.py SITEGEN FOLDER

FOLDER holds the folders `npm` (npm's documentation, with front matter) and `nodejs` (Node.js's API documentation), which
tests/run fetches from the Debian packages npm and nodejs-doc.
"""
import pathlib
import sys

from common import Sitegen, run_tests, tree

PROGRAM, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])

if not (FOLDER / "npm").is_dir() or not (FOLDER / "nodejs").is_dir():
    print(f"skipped: the packages' Markdown is not in {FOLDER}; tests/run fetches it")
    sys.exit(77)


class RealMarkdown(Sitegen):
    def build(self, name, least_pages, least_bytes):
        folder = FOLDER / name
        sources = sorted(path for path in folder.rglob("*.md"))
        self.assertGreaterEqual(len(sources), least_pages)
        self.assertGreaterEqual(sum(path.stat().st_size for path in sources), least_bytes)
        report = self.profile(folder, "--plugin", "toc")
        self.assertEqual(report["items"]["count"], len(sources))
        files = tree(self.output)
        for source in sources:
            page = files[source.relative_to(folder).with_suffix(".html").as_posix()].decode()
            self.assertIn("<article>", page)
            self.assertRegex(page.partition("</header>\n<main>")[2], "<p>|<li>")
        heap = report["heap"]
        # All the Markdown is live while it is rendered; what was freed was allocated first; the site stays in memory.
        text_bytes = sum(path.stat().st_size for path in sources)
        parsing = next(phase for phase in report["phases"] if phase["path"] == "parsing")["heap"]
        self.assertGreaterEqual(parsing["delta"], 0.9 * text_bytes)
        self.assertGreaterEqual(heap["delta"], text_bytes)
        self.assertGreaterEqual(heap["peak_delta"], heap["delta"])
        self.assertEqual(heap["precision"], {"kind": "exact", "bound_bytes": 0})
        self.assertEqual([phase["entries"] for phase in report["phases"]], [1] * 6)
        roots = [phase["heap"]["delta"] for phase in report["phases"] if "/" not in phase["path"]]
        outside = heap["delta"] - sum(roots)
        # What lies outside of the phases is the builder itself: templates loaded before, lists dropped after.
        self.assertLess(abs(outside), 0.02 * heap["peak_delta"])
        self.assertGreater(report["rss"]["peak_delta"], 0)
        again = self.profile(folder, "--plugin", "toc")
        self.assertEqual(again["heap"], heap)
        print(f"{name}: {len(sources)} pages, {text_bytes:,} bytes of Markdown, heap delta {heap['delta']:,}, "
              f"peak {heap['peak_delta']:,}, outside of the phases {outside:,}")

    def test_npm_documentation_with_front_matter(self):
        self.build("npm", 80, 250_000)
        index = tree(self.output)["search.json"].decode()
        self.assertIn('"title":"npm-install"', index)  # from the front matter

    def test_nodejs_api_documentation(self):
        self.build("nodejs", 60, 3_000_000)


run_tests(sys.argv)
