#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The HTML report as a text: what it holds is what report::json writes, nothing in it is taken for markup, and its size.
zlib reads what report/deflate.hpp writes. browser.mjs opens it.

Usage: check_html.py HTML_PAGES EMBED
"""
import html.parser
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zlib

from json_in_page import json_in

pages, embed = sys.argv[1:3]


class Page(html.parser.HTMLParser):
    """The elements of a page, what is in its scripts by id, and its texts."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.titles, self.open, self.addresses = [], {}, [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open.append((tag, dict(attributes).get("id")))
        self.elements.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "data", "action")]

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, text):
        if self.open and self.open[-1][0] == "script":
            self.scripts[self.open[-1][1]] = self.scripts.get(self.open[-1][1], "") + text
        if self.open and self.open[-1][0] == "title":
            self.titles.append(text)


class Html(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.made.name)
        subprocess.run([pages, cls.folder], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.made.cleanup()

    def page(self, name):
        return Page((self.folder / f"{name}.html").read_text())

    def test_zlib_reads_what_is_deflated(self):
        texts = sorted(self.folder.glob("text?"))
        self.assertEqual(len(texts), 8)
        for text in texts:
            inflater = zlib.decompressobj(-15)
            self.assertEqual(inflater.decompress(text.with_suffix(".deflated").read_bytes()), text.read_bytes(), text)
            self.assertTrue(inflater.eof)
            self.assertEqual(inflater.unused_data, b"")
        self.assertLess((self.folder / "text3.deflated").stat().st_size, 1_000)  # 100,000 times the same letter
        self.assertLess((self.folder / "text4.deflated").stat().st_size, 36_000)  # 32,768 bytes of noise, twice
        self.assertGreater((self.folder / "text5.deflated").stat().st_size, 65_000)  # one more: out of reach

    def test_a_page_holds_the_very_text_of_the_json_report(self):
        for name in "small", "sampled", "watched", "empty", "large":
            held = json_in((self.folder / f"{name}.html").read_text())
            self.assertEqual(held, (self.folder / f"{name}.json").read_bytes(), name)
            self.assertNotIn("before", self.page(name).scripts)

    def test_a_difference_holds_both_reports(self):
        page = (self.folder / "difference.html").read_text()
        titles = [json.loads(json_in(page, each))["title"] for each in ("before", "report")]
        self.assertEqual(titles, ["the day before", '<b>pages</b> & "more" </title><script>throw 1</script>'])

    def test_a_reports_own_text_is_never_markup_and_nothing_is_fetched(self):
        plain, hostile = self.page("empty"), self.page("small")
        self.assertEqual(hostile.elements, plain.elements)
        self.assertEqual(hostile.titles, ['Memory: <b>pages</b> & "more" </title><script>throw 1</script>'])
        self.assertEqual(hostile.addresses, [])
        script = hostile.scripts[None]
        for never in "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch(", "import(", "http://", "https://":
            self.assertNotIn(never, script.replace("http://www.w3.org/2000/svg", ""), never)

    def test_sizes(self):
        self.assertLess((self.folder / "empty.html").stat().st_size, 100_000)
        self.assertLess((self.folder / "large.html").stat().st_size, 5_000_000)

    def test_the_headers_are_what_embed_makes_of_the_files(self):
        ran = subprocess.run([sys.executable, embed, "--check"], capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stdout), (0, ""), ran.stderr)


unittest.main(argv=sys.argv[:1], verbosity=1)
