// SPDX-License-Identifier: MIT
// The HTML report in a browser: what it shows against the JSON beside it, and what a person does with it.
//
// Usage: node --test browser.mjs, with PAGES, a folder of html_pages and of a site's report "site.html" and "site.json", and
// CHROMIUM, the browser's program. Screenshots go into PAGES.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const folder = process.env.PAGES;
const json = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
let browser;
before(async () => (browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] })));
after(() => browser.close());

// Whatever the page says to the console or asks of a network, now or at the end of the test, is a failure.
async function open(context, name, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("request", (request) => request.url().startsWith("file:") || request.url().startsWith("blob:") || said.push(request.url()));
  await page.goto(`file://${folder}/${name}.html`);
  await page.waitForSelector("html[data-ready=yes]", { timeout: 20_000 });
  context.after(async () => {
    await page.close();
    assert.deepEqual(said, []);
  });
  return page;
}

const number = (title) => Number(title.replace(/[~,]| bytes/g, ""));

// A figure as people read it is the number within the three digits it has.
function assertReads(text, value) {
  const [, digits, unit] = /^~?\+?(-?[\d,.]+) ?(B|[KMGT]iB)?/.exec(text);
  const scale = unit && unit !== "B" ? 1024 ** ("KMGT".indexOf(unit[0]) + 1) : 1;
  const read = Number(digits.replaceAll(",", "")) * scale;
  assert.ok(scale === 1 ? read === value : Math.abs(read - value) <= Math.abs(value) * 0.00501, `${text} is not ${value}`);
}

// All rows of the table of sites, by place and function, with their numbers by column.
async function tableOf(page) {
  while (await page.locator("#more").isVisible()) await page.click("#more");
  return page.$$eval("#sites tbody tr:has(button)", (rows) => rows.map((row) => {
    const site = row.querySelector("button.site");
    const cells = Object.fromEntries([...row.querySelectorAll("td")].map((cell) => [cell.dataset.column, { title: cell.title, text: cell.textContent }]));
    return { place: site.querySelector("strong").textContent, function: site.title, cells };
  }));
}

// The same from the JSON, by hand.
const MEMBERS = { peak: "at_peak_bytes", "peak-blocks": "at_peak_blocks", end: "delta_bytes", "end-blocks": "delta_blocks", allocated: "allocated_bytes", "allocated-blocks": "allocations" };
const ROW = ["site", "delta_bytes", "delta_blocks", "at_peak_bytes", "at_peak_blocks", "at_peak_born_inside_bytes", "allocated_bytes", "allocations"];
const sitesOf = (phase) => phase.sites.map((row) => Object.fromEntries(ROW.map((name, at) => [name, row[at] ?? 0])));
function linesOf(report, phase) {
  const lines = new Map();
  for (const each of phase === undefined ? report.sites : sitesOf(report.phases[phase])) {
    const site = phase === undefined ? each : report.sites[each.site];
    const key = [site.file ? `${site.file}${site.line > 0 ? `:${site.line}` : ""}` : site.function, site.function].join("|");
    if (!lines.has(key)) lines.set(key, Object.fromEntries(Object.keys(MEMBERS).map((column) => [column, 0])));
    for (const [column, member] of Object.entries(MEMBERS)) lines.get(key)[column] += each[member] ?? 0;
  }
  return lines;
}

async function assertTable(page, report, phase) {
  const expected = linesOf(report, phase);
  const shown = await tableOf(page);
  assert.equal(shown.length, expected.size);
  for (const row of shown) {
    const line = expected.get(`${row.place}|${row.function}`);
    assert.ok(line, `${row.place} ${row.function}`);
    for (const [column, value] of Object.entries(line)) {
      assert.equal(number(row.cells[column].title), value, `${row.place} ${column}`);
      assertReads(row.cells[column].text, value);
    }
  }
}

const flameTotal = (page) => page.locator("#flame button").evaluateAll((all) => all.find((each) => each.style.top === "0px").textContent);
const sum = (sites, member) => sites.reduce((total, each) => total + Math.max(0, each[member] ?? 0), 0);

for (const name of ["small", "site"]) {
  test(`${name}: every window and every amount is what the JSON says`, async (context) => {
    const page = await open(context, name);
    const report = json(name);
    await assertTable(page, report);
    for (const [phase, each] of report.phases.entries()) {
      if (each.entries === 0) continue;
      await page.selectOption("#window", String(phase));
      await assertTable(page, report, phase);
      for (const [metric, member] of [["peak", "at_peak_bytes"], ["end", "delta_bytes"], ["allocated", "allocated_bytes"]]) {
        await page.click(`#metrics label:has([value=${metric}])`);
        assertReads(await flameTotal(page), sum(sitesOf(each), member));
      }
    }
  });

  test(`${name}: phases and births are what the JSON says`, async (context) => {
    const page = await open(context, name);
    const report = json(name);
    const rows = await page.$$eval("#phases tbody tr", (all) => all.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.title)));
    for (const [at, part] of [report, ...report.phases].entries()) {
      if (part.entries === 0) continue;
      assert.deepEqual(rows[at].slice(0, 4).map(number),
        [part.heap.delta, part.heap.peak - report.heap.start, part.rss.delta, part.rss.peak - report.rss.start]);
    }
    for (const member of ["at_peak", "at_end", "freed_in"]) {
      await page.selectOption("#births-of", member);
      const shown = await page.$$eval("#births-map td", (cells) => cells.filter((cell) => cell.title).map((cell) => cell.title));
      const windows = [report.births.measurement, ...report.phases.map((phase) => phase.births)];
      assert.deepEqual(shown.map(number), windows.flatMap((each) => (each?.[member] ?? []).filter((value) => value > 0)));
    }
  });
}

test("the headline says where the peak is and what holds most of it", async (context) => {
  const page = await open(context, "small");
  assert.equal(await page.textContent("h1"), "Peak +92.0 MiB in rendering/template; 70.0 MiB of it paint.cpp:38");
  assert.match(await page.textContent("#timeline .peak-text"), /^peak 93.0 MiB at 700 ms$/);
});

test("the table sorts by each column, both ways", async (context) => {
  const page = await open(context, "site");
  for (const column of Object.keys(MEMBERS)) {
    const head = page.locator(`#sites th button[data-column="${column}"]`);
    const rows = async () => (await tableOf(page)).map((row) => number(row.cells[column].title));
    if (column !== "peak") await head.click();
    const down = await rows();
    assert.deepEqual(down, [...down].sort((left, right) => right - left));
    await head.click();
    const up = await rows();
    assert.deepEqual(up, [...up].sort((left, right) => left - right));
    assert.equal(await page.locator(`#sites th:has(button[data-column="${column}"])`).getAttribute("aria-sort"), "ascending");
  }
});

test("a search filters the table and finds in the flame graph", async (context) => {
  const page = await open(context, "site");
  const report = json("site");
  await page.fill("#search", "Gallery");
  await page.waitForFunction(() => document.getElementById("flame-found").textContent !== "");
  assert.ok((await tableOf(page)).every((row) => /gallery/i.test(row.place + row.function)));
  const has = (site) => [site, ...report.stacks[site.stack].map((at) => report.frames[at])].some((frame) => /gallery/i.test(`${frame.function}\n${frame.file}`));
  const found = sum(report.sites.filter(has), "at_peak_bytes");
  assert.ok(found > 0);
  assertReads((await page.textContent("#flame-found")).replace("Found: ", ""), found);
  assert.ok((await page.locator("#flame .found").count()) > 0);
  await page.fill("#search", "");
  await page.waitForFunction(() => document.getElementById("flame-found").textContent === "");
});

test("the flame graph zooms by mouse and by keys, and out again", async (context) => {
  const page = await open(context, "small");
  const at = (name) => page.locator("#flame button", { hasText: name }).first();
  const widths = () => page.$$eval("#flame button", (all) => all.map((each) => [each.textContent, Math.round(Number.parseFloat(each.style.width) * 100) / 100]));
  // 60 MiB of paint called by main; 20 of another function, and 10 of paint called by that.
  assert.deepEqual(await widths(), [["90.0 MiB", 100], ["main", 100], ["paint", 66.67], ["operator<</script><img src=x onerror=throw 2><script>", 33.33], ["paint", 11.11]]);
  await at("operator").click();
  assert.deepEqual((await widths()).slice(-2), [["operator<</script><img src=x onerror=throw 2><script>", 100], ["paint", 33.33]]);
  await page.click("#unzoom");
  assert.equal((await widths()).length, 5);
  await page.locator("#flame button[tabindex='0']").focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "Enter"]) await page.keyboard.press(key);
  assert.equal((await widths()).at(-1)[1], 33.33);
  assert.match(await page.textContent("#flame-said"), /^operator.*30.0 MiB, 33 %$/);
  await page.keyboard.press("Escape");
  assert.equal((await widths()).length, 5);
  await page.check("#library");
  assert.equal((await widths()).filter(([name]) => name === "std::allocator<int>::allocate").length, 2);
  await page.selectOption("#unit", "blocks");
  assert.equal(await flameTotal(page), "13");
});

test("a phase is chosen by its band, its row and the list, and all parts follow", async (context) => {
  const page = await open(context, "small");
  const caption = () => page.textContent("#sites caption");
  await page.locator("#timeline .band[data-phase='0']").click();
  assert.equal(await caption(), "Sites in discovery");
  assert.equal(await page.inputValue("#window"), "0");
  assert.match(await page.locator("#timeline .peak-text").first().textContent(), /^discovery: peak 14.0 MiB at 9.00 ms$/);
  assert.equal(await flameTotal(page), "3.00 MiB");
  await page.click("#metrics label:has([value=end])");
  assert.match(await page.textContent("#flame-text"), /Not drawn: -1.00 MiB, of sites that shrank/);
  await page.click("#phases button:has-text('template')");
  assert.equal(await caption(), "Sites in rendering/template");
  assert.equal(await page.locator("#phases [aria-pressed=true]").textContent(), "template");
  await page.selectOption("#window", "");
  assert.equal(await caption(), "Sites in the whole measurement");
});

test("a row opens to its stacks", async (context) => {
  const page = await open(context, "small");
  await page.click("#sites button.site:has-text('paint.cpp')");
  assert.equal(await page.locator(".stacks ol").count(), 2);
  assert.match(await page.locator(".stacks li").nth(1).textContent(), /^paint\(std::vector<int>&\) \/home\/me\/paint.cpp:38$/);
  await page.click("#sites button.site:has-text('paint.cpp')");
  assert.equal(await page.locator(".stacks").count(), 0);
});

test("the timeline says what is under the pointer, and under the keys", async (context) => {
  const page = await open(context, "small");
  await page.locator("#timeline svg").focus();
  for (let each = 0; each < 20; ++each) await page.keyboard.press("ArrowRight");
  assert.match(await page.textContent("#timeline-said"), /^7\d\.\d ms, discovery: heap 14.0 MiB \(read at 9.00 ms\), RSS ~10.0 MiB/);
  const box = await page.locator("#timeline svg").boundingBox();
  await page.mouse.move(box.x + box.width - 16, box.y + 100);
  assert.match(await page.textContent("#timeline-said"), /outside the phases: heap 49.0 MiB, RSS ~166 MiB$/);
});

test("estimates never look exact", async (context) => {
  const page = await open(context, "sampled");
  assert.equal(await page.textContent("h1"), "Peak ~+92.0 MiB in rendering/template; ~70.0 MiB ±4.24 MiB of it paint.cpp:38");
  const cells = await page.$$eval("#sites td.number", (all) => all.map((cell) => [cell.textContent, cell.title]));
  assert.ok(cells.length > 0 && cells.every(([text, title]) => text.startsWith("~") && title.startsWith("~")));
  assert.match(await page.textContent("#notes"), /~ marks a figure that is not exact: sampled every 512 KiB/);
});

test("a difference shows what has grown, what has shrunk and what is gone", async (context) => {
  const page = await open(context, "difference");
  assert.equal(await page.textContent("h1"), "Peak +92.0 MiB in rendering/template; before it was +87.0 MiB: +5.00 MiB");
  // Paint held 50 and 10 MiB, now 60 and 10; a function of 20 MiB has another name since.
  assert.equal(await flameTotal(page), "+10.0 MiB (80.0 MiB before, 90.0 MiB now)");
  assert.match(await page.locator("#flame .less").getAttribute("aria-label"), /^gone, .*: -20.0 MiB \(20.0 MiB before, 0 B now\)$/);
  const rows = (await tableOf(page)).map((row) => [row.function, ...["peak-before", "peak", "peak-difference"].map((column) => row.cells[column].text)]);
  assert.deepEqual(rows.map((row) => row.slice(1)), [["0 B", "20.0 MiB", "+20.0 MiB"], ["20.0 MiB", "0 B", "-20.0 MiB"], ["60.0 MiB", "70.0 MiB", "+10.0 MiB"]]);
  assert.equal(rows[1][0], "gone");
  await page.click("#metrics label:has([value=allocated])");
  assert.equal(await page.locator("#sites th[aria-sort=descending]").textContent(), "Difference ▼");
});

test("short-lived blocks are shown of the measurement, where they were watched", async (context) => {
  const page = await open(context, "watched");
  const short = page.locator("#metrics label:has([value=short])");
  await short.click();
  assert.equal(await flameTotal(page), "220 MiB");
  await page.selectOption("#unit", "blocks");
  assert.equal(await flameTotal(page), "49");
  const rows = (await tableOf(page)).map((row) => [row.place, row.cells.short.text, row.cells["short-blocks"].text]);
  assert.deepEqual(rows, [["a.cpp:5", "180 MiB", "45"], ["paint.cpp:38", "40.0 MiB", "4"]]);
  await page.selectOption("#window", "3");
  assert.equal(await short.isVisible(), false);
  assert.match(await page.textContent("#flame-text"), /^Allocated, in rendering\/template: 7 blocks/);
  assert.equal(await page.isChecked("[value=allocated]"), true);
  await page.selectOption("#window", "");
  assert.equal(await short.isVisible(), true);
  const other = await open(context, "small");
  assert.equal(await other.locator("[value=short]").count(), 0);
});

test("a report of nothing is shown too", async (context) => {
  const page = await open(context, "empty");
  assert.equal(await page.textContent("h1"), "No peak was measured");
  assert.match(await page.textContent("#timeline-text"), /No points/);
});

test("10,000 sites and 100,000 points open in less than 2 s", async (context) => {
  const times = [];
  for (let each = 0; each < 3; ++each) {
    const start = performance.now();
    await open(context, "large");
    times.push(Math.round(performance.now() - start));
  }
  context.diagnostic(`opened in ${times.join(", ")} ms`);
  assert.ok(Math.min(...times) < 2_000, `${times}`);
});

// The contrast that WCAG 2 asks of text, of each text and what is drawn below it.
const tooFaint = () => {
  const channels = (colour) => {
    const found = colour.match(/-?[\d.]+(e-\d+)?/g).map(Number);
    const scale = colour.startsWith("color(") ? 255 : 1;
    return { rgb: found.slice(0, 3).map((each) => each * scale), alpha: found[3] ?? 1 };
  };
  const luminance = (rgb) => rgb.map((each) => each / 255).map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((total, each, at) => total + each * [0.2126, 0.7152, 0.0722][at], 0);
  const below = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const { rgb, alpha } = channels(getComputedStyle(each).backgroundColor);
      if (alpha === 1) return rgb;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *:not(option, script, noscript)")].filter((element) => element.getClientRects().length > 0 && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())).map((element) => {
    const style = getComputedStyle(element);
    const [text, back] = [channels(element instanceof SVGElement ? style.fill : style.color).rgb, below(element)].map(luminance);
    return { name: `${element.tagName} ${element.className.baseVal ?? element.className} ${element.textContent.slice(0, 30)}`, contrast: (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05) };
  }).filter(({ contrast }) => contrast < 4.5);
};

for (const name of ["site", "difference"])
  for (const width of [390, 1440])
    for (const colorScheme of ["light", "dark"])
      test(`${name}, ${width} pixels wide, ${colorScheme}: it fits, and is legible`, async (context) => {
        const page = await open(context, name, { viewport: { width, height: 900 }, colorScheme });
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
        assert.deepEqual(await page.evaluate(tooFaint), []);
        await page.locator("#timeline .band").last().click();
        await page.screenshot({ path: `${folder}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      });

test("it prints", async (context) => {
  const page = await open(context, "site", { colorScheme: "dark" });
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "light");
  assert.ok(!(await page.locator("#controls").isVisible()));
  const pdf = await page.pdf({ path: `${folder}/site.pdf`, format: "A4" });
  assert.ok(pdf.length > 10_000);
});

test("every picture has a text", async (context) => {
  const page = await open(context, "site");
  for (const id of ["timeline-text", "flame-text", "births-text"]) assert.ok((await page.textContent(`#${id}`)).length > 40, id);
  const unnamed = await page.$$eval("button, select, input, svg[role=img]", (all) => all.filter((each) => !each.textContent.trim() && !each.ariaLabel && !each.labels?.length && !each.getAttribute("aria-labelledby")).length);
  assert.equal(unnamed, 0);
});
