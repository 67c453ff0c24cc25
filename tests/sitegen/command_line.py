#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sitegen as its users see it: the command line, the pages, the warnings, the exit status.

Usage: command_line.py SITEGEN [CLASS.TEST...]
"""
import gzip
import html.parser
import json
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree as xml

from common import Sitegen, run_tests, tree


class Links(html.parser.HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self, text):
        super().__init__()
        self.addresses, self.anchors, self.open = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.addresses += [attributes[name] for name in ("href", "src") if attributes.get(name)]
        if "id" in attributes:
            self.anchors.add(attributes["id"])


def broken_links(output):
    """Links of the site's pages that lead to no file or no anchor."""
    pages = {path: Links(path.read_text()) for path in output.rglob("*.html")}
    broken = []
    for page, links in pages.items():
        for address in links.addresses:
            if urllib.parse.urlsplit(address).scheme:
                continue
            path, _, anchor = address.partition("#")
            target = (page.parent / urllib.parse.unquote(path)).resolve() if path else page
            if not target.is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                broken.append(f"{page.relative_to(output)}: {address}")
    return broken


class New(Sitegen):
    def test_makes_exactly_as_many_pages_the_same_every_time(self):
        for pages, sections in (1, 4), (7, 3), (100, 4), (25, 12):
            first, second = self.root / f"{pages}-first", self.root / f"{pages}-second"
            self.sitegen("new", first, "--pages", pages, "--sections", sections)
            self.sitegen("new", second, "--pages", pages, "--sections", sections)
            self.assertEqual(len(list(first.rglob("*.md"))), pages)
            self.assertEqual(len(list((first / "content").iterdir())), min(pages, sections))
            self.assertEqual(tree(first), tree(second))

    def test_an_empty_site_builds(self):
        site = self.new_site(0)
        self.sitegen("build", site, "--output", self.root / "out")
        self.assertEqual(json.loads((self.root / "out" / "search.json").read_text()), [])
        xml.parse(self.root / "out" / "feed.xml")

    def test_an_occupied_folder_is_left_alone(self):
        (self.root / "mine").mkdir()
        (self.root / "mine" / "file").write_text("precious")
        ran = self.sitegen("new", self.root / "mine", "--pages", 3, status=2)
        self.assertIn("is there already and not empty", ran.stderr)
        self.assertEqual(tree(self.root / "mine"), {"file": b"precious"})


class Build(Sitegen):
    def test_writes_pages_lists_sitemap_feed_and_search_index_and_every_link_leads_somewhere(self):
        site, out = self.new_site(60), self.root / "out"
        ran = self.sitegen("build", site, "--output", out, "--plugin", "toc", "--plugin", "related", "--plugin", "gallery")
        self.assertEqual(ran.stdout, "")
        self.assertIn("60 pages built", ran.stderr)
        sources = sorted(path.relative_to(site / "content").with_suffix(".html").as_posix() for path in site.rglob("*.md"))
        files = tree(out)
        self.assertLessEqual(set(sources), set(files))
        for wanted in "index.html", "guides/index.html", "tags/C++.html", "style.css":
            self.assertIn(wanted, files)
        self.assertEqual(broken_links(out), [])
        page = files[sources[0]].decode()
        for part in '<nav class="toc">', "<aside>", 'class="cover"', "<time datetime=":
            self.assertIn(part, page)

        space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
        locations = {each.text for each in xml.parse(out / "sitemap.xml").iter(space + "loc")}
        self.assertEqual(locations, {"https://example.org/" + urllib.parse.quote(path) for path in files if path.endswith(".html")})
        atom = "{http://www.w3.org/2005/Atom}"
        feed = xml.parse(out / "feed.xml").getroot()
        dates = [each.text for each in feed.iterfind(f"{atom}entry/{atom}updated")]
        self.assertEqual(len(dates), 20)
        self.assertEqual(dates, sorted(dates, reverse=True))
        index = json.loads(files["search.json"])
        self.assertEqual(sorted(urllib.parse.unquote(each["url"]) for each in index), sources)
        self.assertTrue(all(each["title"] and each["text"] and each["tags"] for each in index))

    def test_parallel_rendering_writes_the_same_site(self):
        site = self.new_site(80)
        plugins = ["--plugin", "toc", "--plugin", "related"]
        self.sitegen("build", site, "--output", self.root / "one", "--jobs", 1, *plugins)
        self.sitegen("build", site, "--output", self.root / "four", "--jobs", 4, *plugins)
        self.sitegen("build", site, "--output", self.root / "pipeline", "--jobs", 4, "--pipeline", *plugins)
        self.assertEqual(tree(self.root / "one"), tree(self.root / "four"))
        self.assertEqual(tree(self.root / "one"), tree(self.root / "pipeline"))

    def test_static_files_are_copied(self):
        site = self.new_site(2)
        (site / "static" / "images").mkdir(parents=True)
        (site / "static" / "images" / "dot.png").write_bytes(b"\x89PNG")
        self.sitegen("build", site, "--output", self.root / "out")
        self.assertEqual((self.root / "out" / "images" / "dot.png").read_bytes(), b"\x89PNG")

    def test_output_inside_the_folder_is_not_read_again(self):
        folder = self.root / "docs"
        folder.mkdir()
        (folder / "a.md").write_text("# A\n")
        for _ in range(2):
            ran = self.sitegen("build", folder, "--output", folder / "out")
            self.assertIn("1 pages built", ran.stderr)
            (folder / "out" / "stray.md").write_text("not content\n")

    def test_drafts_only_when_asked_for(self):
        folder = self.root / "docs"
        folder.mkdir()
        (folder / "draft.md").write_text("---\ndraft: true\n---\nSoon.\n")
        self.sitegen("build", folder, "--output", self.root / "out")
        self.assertFalse((self.root / "out" / "draft.html").exists())
        self.sitegen("build", folder, "--output", self.root / "out", "--drafts")
        self.assertTrue((self.root / "out" / "draft.html").exists())

    def test_text_is_escaped_and_markdown_links_lead_to_pages(self):
        folder = self.root / "docs"
        (folder / "deep er").mkdir(parents=True)
        (folder / "a.md").write_text('---\ntitle: "<b> & \\"quotes\\""\ntags: ["a/b", "<i>"]\n---\n'
                                     "## Same\n\n## Same\n\n[there](deep%20er/b.md#x) [away](https://x.org/y.md)\n")
        (folder / "deep er" / "b.md").write_text("## x\n\n[back](../a.md)\n")
        self.sitegen("build", folder, "--output", self.root / "out", "--plugin", "toc")
        page = (self.root / "out" / "a.html").read_text()
        self.assertIn("&lt;b&gt; &amp;", page)
        self.assertNotIn("<b> &", page)
        self.assertIn('href="https://x.org/y.md"', page)
        self.assertIn('id="same"', page)
        self.assertIn('id="same-2"', page)
        self.assertEqual(broken_links(self.root / "out"), [])


class BadInput(Sitegen):
    def folder_of_everything(self):
        folder = self.root / "docs"
        (folder / "deep" / "deeper").mkdir(parents=True)
        good = {
            "plain.md": b"Just text.\n",
            "titled.md": b"# From the heading\n\nText.\n",
            "empty.md": b"",
            "front-only.md": b"---\ntitle: Nothing else\n---\n",
            "empty-front.md": b"---\n---\nText.\n",
            "windows.md": b"---\r\ntitle: CRLF\r\n---\r\nText.\r\n",
            "bom.md": b"\xef\xbb\xbf---\ntitle: With a mark\n---\nText.\n",
            "deep/deeper/nested.markdown": "# Schön\n\n日本語\n".encode(),
            "rule.md": b"Text.\n\n---\n\nMore.\n",
        }
        # name: content, line of the warning, words of it
        bad = {
            "yaml.md": (b"---\ntitle: fine\ntags: [one\n---\nText.\n", 4, "broken front matter"),
            "colon.md": (b"---\ntitle: a: b: c\n---\nText.\n", 2, "broken front matter"),
            "unclosed.md": (b"---\ntitle: never ends\n\nText.\n", 1, "no line '---' ends it"),
            "list.md": (b"---\n- one\n- two\n---\nText.\n", 2, "'name: value' lines"),
            "date.md": (b"---\ntitle: x\ndate: yesterday\n---\nText.\n", 3, "'date' must be a date"),
            "impossible.md": (b"---\ndate: 2023-02-30\n---\nText.\n", 2, "'date' must be a date"),
            "title.md": (b"---\ntitle:\n  - a list\n---\n", 3, "'title' must be a text"),
            "draft.md": (b"---\ndraft: perhaps\n---\n", 2, "'draft' must be true or false"),
            "latin1.md": (b"# Title\n\nSch\xf6n\n", 3, "not UTF-8"),
            "truncated.md": (b"One\nTwo\n\xe2\x82", 3, "not UTF-8"),
            "surrogate.md": (b"\xed\xa0\x80\n", 1, "not UTF-8"),
            "plain.markdown": (b"The same place.\n", None, "would be written to the same place as 'plain.md'"),
        }
        for name, content in {**good, **{name: each[0] for name, each in bad.items()}}.items():
            (folder / name).write_bytes(content)
        return folder, good, bad

    def test_each_broken_page_is_named_with_its_line_and_skipped_and_the_others_are_built(self):
        folder, good, bad = self.folder_of_everything()
        # "plain.markdown" sorts before "plain.md": whichever comes first is the page.
        ran = self.sitegen("build", folder, "--output", self.root / "out", status=1)
        warnings = [line for line in ran.stderr.splitlines() if line.startswith("warning: ")]
        self.assertEqual(len(warnings), len(bad), ran.stderr)
        for name, (_, line, words) in bad.items():
            if name == "plain.markdown":
                self.assertTrue(any("would be written to the same place" in each for each in warnings))
                continue
            place = f"warning: {folder / name}:{line}: "
            self.assertTrue(any(each.startswith(place) and words in each for each in warnings), (name, warnings))
        for name in good:
            self.assertTrue((self.root / "out" / pathlib.Path(name).with_suffix(".html")).is_file(), name)
        self.assertIn(f"{len(good)} pages built, {len(bad)} skipped", ran.stderr)
        self.assertIn("<h1>empty</h1>", (self.root / "out" / "empty.html").read_text())
        self.assertIn("<h1>From the heading</h1>", (self.root / "out" / "titled.html").read_text())
        self.assertIn("<h1>CRLF</h1>", (self.root / "out" / "windows.html").read_text())
        self.assertIn("<h1>With a mark</h1>", (self.root / "out" / "bom.html").read_text())
        self.assertEqual(broken_links(self.root / "out"), [])

    def test_an_unreadable_page_is_skipped(self):
        folder = self.root / "docs"
        folder.mkdir()
        (folder / "good.md").write_text("Text.\n")
        (folder / "gone.md").symlink_to("nowhere.md")
        (folder / "loop").symlink_to(folder)
        self.sitegen("build", folder, "--output", self.root / "out")
        self.assertTrue((self.root / "out" / "good.html").is_file())

    def test_a_broken_configuration_ends_the_build_with_file_and_line(self):
        site = self.new_site(1)
        (site / "site.yaml").write_text("title: ok\nbase_url: [\n")
        ran = self.sitegen("build", site, "--output", self.root / "out", status=2)
        self.assertRegex(ran.stderr, r"error: .*site\.yaml:3: ")

    def test_wrong_use_says_what_to_do(self):
        site = self.new_site(1)
        out = self.root / "out"
        for arguments, words in (
            (["build", self.root / "nowhere", "--output", out], "there is no folder"),
            (["build", site], "--output is required"),
            (["build", site, "--output", out, "--plugin", "nonsense"], "toc,related,gallery"),
            (["build", site, "--output", out, "--jobs", "0"], "--jobs"),
            (["build", site, "--output", out, "--theme", self.root], "page.html"),
            (["build", site, "--output", out, "--profile-memory=nonsense"], "pprof,speedscope,trace,none"),
            (["build", site, "--output", out, "--profile-output", "x"], "--profile-memory"),
            (["new", self.root / "x"], "--pages is required"),
            (["new", self.root / "x", "--pages", "-1"], "--pages"),
            ([], "subcommand is required"),
        ):
            ran = self.sitegen(*arguments, status=2)
            self.assertIn(words, ran.stderr, arguments)
        (self.root / "file").write_text("")
        ran = self.sitegen("build", site, "--output", self.root / "file", status=2)
        self.assertIn("Not a directory", ran.stderr)

    def test_help_is_help(self):
        self.assertIn("--profile-memory", self.sitegen("build", "--help").stdout)


class Profile(Sitegen):
    PHASES = ["discovery", "parsing", "rendering", "rendering/markdown", "rendering/template", "postprocess"]

    def test_the_report_is_on_standard_output_and_all_else_is_not(self):
        site = self.new_site(30)
        ran = self.sitegen("build", site, "--output", self.root / "out", "--profile-memory")
        self.assertTrue(ran.stdout.startswith("building site-30\n  Heap "), ran.stdout)
        self.assertIn("<- the high-water mark", ran.stdout)
        self.assertIn("Per page", ran.stdout)
        self.assertNotIn("\x1b", ran.stdout)
        self.assertEqual(ran.stderr, "30 pages built\n")

    def test_json_names_every_phase_and_their_sum_is_the_measurement(self):
        report = self.profile(self.new_site(30))
        self.assertEqual([phase["path"] for phase in report["phases"]], self.PHASES)
        self.assertEqual([phase["entries"] for phase in report["phases"]], [1] * 6)
        self.assertEqual(report["items"], {"name": "page", "count": 30})
        self.assertIn(report["heap"]["source"], ("malloc_counting", "counting")) # the latter where a sanitizer has malloc
        self.assertEqual(report["heap"]["precision"], {"kind": "exact", "bound_bytes": 0})
        self.assertEqual(report["rss"]["source"], "procfs")
        self.assertGreater(report["rss"]["peak"], 0)
        self.assertGreater(report["profiler_bytes"], 0)

    def test_a_file_of_its_own(self):
        site, file = self.new_site(5), self.root / "report.json"
        ran = self.sitegen("build", site, "--output", self.root / "out", "--profile-memory=json", "--profile-output", file)
        self.assertEqual(ran.stdout, "")
        self.check_report(json.loads(file.read_text()))
        ran = self.sitegen("build", site, "--output", self.root / "out", "--profile-memory=json", "--profile-output",
                           self.root / "no" / "report.json", status=2)
        self.assertIn("report.json': No such file or directory", ran.stderr)

    def test_a_page_for_a_browser(self):
        site, file = self.new_site(5), self.root / "report.html"
        self.sitegen("build", site, "--output", self.root / "out", "--profile-memory=html", "--profile-output", file)
        page = file.read_text()
        self.assertTrue(page.startswith("<!doctype html>"))
        self.assertIn("<title>Memory: building site-5</title>", page)

    def test_every_backend_that_is_offered_writes(self):
        site = self.new_site(5)
        offered = re.search(r"\{([a-z,]*none)\}", self.sitegen("build", "--help").stdout).group(1).split(",")
        self.assertGreaterEqual(len(offered), 10)
        for backend in offered:
            file = self.root / f"report.{backend}"
            self.sitegen("build", site, "--output", self.root / "out", f"--profile-memory={backend}", "--profile-output", file)
            self.assertEqual(file.is_file() and file.stat().st_size > 0, backend != "none", backend)
        for backend in ("dhat", "firefox", "json", "speedscope", "trace"):
            json.loads((self.root / f"report.{backend}").read_text())
        self.assertIn(b"phase_peak_bytes", gzip.decompress((self.root / "report.pprof").read_bytes()))

    def test_profile_memory_leaves_a_following_argument_alone(self):
        site = self.new_site(3)
        ran = self.sitegen("build", "--output", self.root / "out", "--profile-memory", site)
        self.assertIn("3 pages built", ran.stderr)

    def test_with_jobs_the_totals_stay_exact_and_the_peak_says_how_far_it_may_be_off(self):
        site = self.new_site(200)
        report = self.profile(site, "--jobs", 3)
        self.assertEqual(report["heap"]["totals_precision"]["kind"], "exact")
        self.assertEqual(report["heap"]["peak_precision"]["kind"], "bounded")
        self.assertEqual(report["phases"][1]["heap"]["peak_precision"]["kind"], "exact")  # parsing is on one thread

    def test_steps_that_go_on_at_the_same_time_have_their_work(self):
        """A page takes what it takes on whatever thread; each thread that writes pages makes a theme of its own."""
        site = self.new_site(200)
        steps = {phase["path"]: phase["heap"] for phase in self.profile(site)["phases"]}
        one = self.work_of(self.profile(site, "--pipeline"))
        three = self.work_of(self.profile(site, "--pipeline", "--jobs", 3))
        for name in "allocated", "allocations", "freed", "deallocations":
            for step in "rendering/markdown", "rendering/template":
                self.assertEqual(one[step][name], steps[step][name], (step, name))
            self.assertEqual(three["rendering/markdown"][name], one["rendering/markdown"][name], name)
            self.assertGreaterEqual(three["rendering/template"][name], one["rendering/template"][name], name)
        self.assertEqual([three[step]["entries"] for step in steps if step.startswith("rendering/")], [200, 202])

    def work_of(self, report):
        phases = {phase["path"]: phase for phase in report["phases"]}
        self.assertEqual([phases[step]["entries"] for step in ("rendering/markdown", "rendering/template")], [0, 0])
        return {path: phase["work"] for path, phase in phases.items()}

    def test_the_gallery_is_hungry(self):
        site = self.new_site(20)
        plain, hungry = self.profile(site), self.profile(site, "--plugin", "gallery")
        covers = 20 * 1280 * 960 * 3
        grown = hungry["heap"]["peak_delta"] - plain["heap"]["peak_delta"]
        self.assertGreater(grown, covers)
        self.assertLess(grown, covers * 1.02)

    def test_skipped_pages_do_not_spoil_the_report(self):
        site = self.new_site(10)
        (site / "content" / "bad.md").write_bytes(b"\xff")
        report = self.profile(site, status=1)
        self.assertEqual(report["items"]["count"], 10)


run_tests(sys.argv, names=sys.argv[2:])
