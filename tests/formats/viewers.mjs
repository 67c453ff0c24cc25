// SPDX-License-Identifier: MIT
// A report in the pages that show its formats: what they show is what the report's JSON says.
//
// Usage: node --test --test-name-pattern=WHICH viewers.mjs, with REPORT, the path of report.json; FILE, the same report in the
// format of the viewer; TOOLS, a folder with what formats.py lists; DH_VIEW, valgrind's page; and CHROMIUM, the browser's program.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

const { CHROMIUM, DH_VIEW, FILE, REPORT, TOOLS } = process.env;
const { chromium } = createRequire(`${TOOLS}/`)("playwright-core");
const report = JSON.parse(readFileSync(REPORT, "utf8"));
const sum = (values) => values.reduce((total, each) => total + each, 0);
// A stack that shrank has nothing that lives at the end.
const atEnd = (member) => sum(report.sites.map((site) => Math.max(0, site[member])));

let browser;
before(async () => (browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] })));
after(() => browser.close());

// An error that the page does not catch, now or at the end of the test, is a failure.
async function open(context) {
  const page = await browser.newPage({ locale: "en-US" });
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  context.after(async () => {
    await page.close();
    assert.deepEqual(errors, []);
  });
  return page;
}

test("valgrind", async (context) => {
  const page = await open(context);
  await page.goto(`file://${DH_VIEW}`);
  await page.setInputFiles("input[type=file]", FILE);
  const shown = await page.locator("pre").textContent();
  const root = shown.slice(shown.indexOf("PP 1/1 "), shown.indexOf("Allocated at"));
  const figures = Object.fromEntries([...root.matchAll(/^ *(Total|At t-gmax|At t-end): +([\d,]+) bytes .* in ([\d,]+) blocks/gm)]
    .map(([, name, ...values]) => [name, values.map((value) => Number(value.replaceAll(",", "")))]));
  assert.deepEqual(figures, {
    Total: [report.heap.allocated, report.heap.allocations],
    "At t-gmax": [report.heap.peak, sum(report.sites.map((site) => site.at_peak_blocks))],
    "At t-end": [atEnd("delta_bytes"), atEnd("delta_blocks")],
  });
  assert.ok(shown.includes(`Command: ${report.title} `));
  assert.match(shown, new RegExp(`t-end: +${report.duration_ns.toLocaleString("en-US")} ns`));
});

test("speedscope", async (context) => {
  const page = await open(context);
  await page.goto(`file://${TOOLS}/node_modules/speedscope/dist/release/index.html`);
  await page.setInputFiles("input[type=file]", FILE);
  await page.waitForFunction((title) => document.title.startsWith(title), report.title);
  const expected = [
    ["at the peak", report.heap.peak],
    ["live at the end", atEnd("delta_bytes")],
    ["allocated", report.heap.allocated],
    ...report.phases.filter((phase) => phase.entries > 0).map((phase) => [`at the peak of ${phase.path}`, phase.heap.peak]),
  ];
  const chosen = page.getByText(`${expected[0][0]} (1/${expected.length})`);
  await chosen.waitFor();
  await chosen.click();
  const rows = await page.locator("tr:has(td)").evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
  assert.deepEqual(rows.map(([, name]) => name), expected.map(([name]) => name));
  for (const [at, [, name, text]] of rows.entries()) {
    const [, digits, unit] = /^([\d.]+) ([KMG]?)B$/.exec(text);
    const scale = 1024 ** " KMG".indexOf(unit || " ");
    // It shows two places.
    assert.ok(Math.abs(Number(digits) * scale - expected[at][1]) <= 0.00501 * scale, `${name}: ${text} is not ${expected[at][1]}`);
  }
  // To the byte: what it has read, as it writes it.
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Export").click()]);
  const { profiles } = JSON.parse(readFileSync(await download.path(), "utf8"));
  assert.deepEqual(profiles.map(({ name, unit, startValue, endValue }) => [name, unit, endValue - startValue]),
    expected.map(([name, value]) => [name, "bytes", value]));
});

// The page imports HTML from a server, by Go's copy of the polyfill for what browsers no longer have.
const TRACE_VIEWER = `<!doctype html><title>trace</title>
  <script src="/webcomponents.min.js"></script>
  <script>addEventListener("WebComponentsReady", () => (window.ready = true))</script>
  <link rel="import" href="/trace_viewer_full.html">
  <body></body>`;

async function showTrace(text) {
  const model = new tr.Model();
  const options = new tr.importer.ImportOptions();
  options.shiftWorldToZero = false;
  await new tr.importer.Import(model, options).importTracesWithProgressDialog([text]);
  const container = document.createElement("track-view-container");
  container.id = "track_view_container";
  const view = document.createElement("tr-ui-timeline-view");
  view.track_view_container = container;
  Polymer.dom(view).appendChild(container);
  Polymer.dom(document.body).appendChild(view);
  view.model = model;
  const [process, ...others] = Object.values(model.processes);
  const [thread, ...more] = Object.values(process.threads);
  return {
    warnings: model.importWarnings.map((each) => each.message),
    unexpected: others.length + more.length,
    name: process.name,
    thread: thread.name,
    slices: thread.sliceGroup.slices.map((each) => [each.title, each.start, each.duration, each.parentSlice?.title ?? ""]),
    counters: Object.values(process.counters).map((each) => [each.name, each.series.map(({ samples }) => samples.map(({ value }) => value))]),
    peaks: process.instantEvents.map((each) => [each.title, each.args.bytes]),
  };
}

test("catapult", async (context) => {
  const page = await open(context);
  await page.route("http://trace.viewer/**", (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/") return route.fulfill({ contentType: "text/html", body: TRACE_VIEWER });
    if (pathname === "/favicon.ico") return route.fulfill({ status: 204 });
    return route.fulfill({ path: `${TOOLS}/trace_viewer${pathname}` });
  });
  await page.goto("http://trace.viewer/");
  await page.waitForFunction(() => window.ready);
  const shown = await page.evaluate(showTrace, readFileSync(FILE, "utf8"));
  assert.deepEqual(shown.warnings, []);
  assert.equal(shown.unexpected, 0);
  assert.deepEqual([shown.name, shown.thread], [report.title, "phases"]);
  // Its times are milliseconds.
  const nanoseconds = (time) => Math.round(time * 1e6);
  const sorted = (rows) => rows.map((row) => row.join("|")).sort();
  assert.deepEqual(sorted(shown.slices.map(([title, start, duration, parent]) => [title, nanoseconds(start), nanoseconds(duration), parent])),
    sorted(report.timeline.entries.map(([phase, begin, end]) => {
      const { path } = report.phases[phase];
      return [path, begin, end - begin, path.slice(0, Math.max(0, path.lastIndexOf("/")))];
    })));
  const column = (at) => report.timeline.points.map((point) => point[at]).filter((value) => value !== null);
  assert.deepEqual(shown.counters, [["heap", [column(1)]], ["RSS", [column(2)]]]);
  assert.equal(Math.max(...shown.counters[0][1][0]), report.heap.peak);
  assert.deepEqual(sorted(shown.peaks), sorted([["peak", report.heap.peak],
    ...report.phases.filter((phase) => phase.entries > 0).map((phase) => [`peak of ${phase.path}`, phase.heap.peak])]));
  for (const text of [`${report.title} (pid 1)`, "heap:", "RSS:", "phases"])
    await page.waitForFunction((text) => document.body.innerText.includes(text), text);
});
