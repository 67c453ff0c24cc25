// The page: reads the report, keeps what is chosen, and draws again what depends on it.

const $ = (id) => document.getElementById(id);

function facts(model) {
  const { heap, rss, duration_ns: duration, items, profiler_bytes: profiler } = model.report.json;
  const before = (of, member, precision) => (model.before ? `before: ${figure(model.before.json[of][member], model.before.json[of][precision], { signed: true })}` : "");
  const made = [];
  const fact = (name, text, ...small) => made.push(make("div", {}, make("dt", {}, name), make("dd", {}, text, ...small.filter(Boolean).map((each) => make("small", {}, each)))));
  for (const [name, key, of] of [["Heap", "heap", heap], ["RSS", "rss", rss]]) {
    const source = `${of.source}${of.unit ? `, ${of.unit} bytes` : ""}`;
    fact(`${name} peak`, figure(of.peak_delta, of.peak_precision, { signed: true }), `over a baseline of ${figure(of.start, of.totals_precision)}; ${formatPrecision(of.peak_precision)}`, before(key, "peak_delta", "peak_precision"));
    fact(`${name} Δ`, figure(of.delta, of.totals_precision, { signed: true }), source, formatPrecision(of.totals_precision), before(key, "delta", "totals_precision"));
  }
  if (rss.touched) fact("Touched", formatTouched(rss.touched), `of ${formatBytes(rss.touched.resident)} resident`);
  if (heap.allocated !== null)
    fact("Allocated", figure(heap.allocated, heap.totals_precision), `${figure(heap.allocations, heap.totals_precision, { blocks: true })} allocations`);
  if (items && items.count > 0 && heap.peak_delta !== null)
    fact(`Peak per ${items.name}`, figure(Math.trunc(heap.peak_delta / items.count), heap.peak_precision, { signed: true }), `${formatCount(items.count)} in all`);
  fact("Time", formatDuration(duration), profiler === null ? "" : `the profiler's own: ${formatBytes(profiler)}, not in the heap`);
  return made;
}

function timelineText(report) {
  const { heap, rss, timeline, duration_ns: duration } = report.json;
  if (timeline.points.length === 0) return "No points over time were recorded.";
  const said = [`Over ${formatDuration(duration)}`];
  if (heap.peak !== null) {
    const phase = report.highWaterPhase();
    const when = heap.peak_at_ns === null || heap.peak_at_ns === undefined ? "" : ` at ${formatDuration(heap.peak_at_ns)}`;
    said.push(` the heap goes from ${figure(heap.start, heap.totals_precision)} to ${figure(heap.end, heap.totals_precision)}, with a peak of ${figure(heap.peak, heap.peak_precision)}${when}${phase === null ? "" : ` in ${report.phases[phase].path}`}`);
  }
  if (rss.peak !== null) said.push(`${said.length > 1 ? ";" : ""} RSS peaks at ${figure(rss.peak, rss.peak_precision)}`);
  const left = timeline.entries_left_out > 0 ? ` ${formatCount(timeline.entries_left_out)} entries of phases are not drawn; they are in the figures.` : "";
  return `${said.join("")}. Click a band to see that phase alone below.${left}`;
}

function notes(model) {
  const { json } = model.report;
  const said = [];
  const inexact = model.inexact();
  if (inexact.length > 0) said.push(`~ marks a figure that is not exact: ${inexact.join(", ")}.`);
  said.push(`Heap totals ${formatPrecision(json.heap.totals_precision)}, peak ${formatPrecision(json.heap.peak_precision)}; RSS totals ${formatPrecision(json.rss.totals_precision)}, peak ${formatPrecision(json.rss.peak_precision)}; sites ${formatPrecision(json.sites_precision)}.`);
  said.push("Between two points of the timeline nothing is known. The heap's peaks are points of it; RSS may have been higher between two of its own.");
  return [...said, ...json.notes].map((each) => make("li", {}, each));
}

class Page {
  constructor(model) {
    this.model = model;
    this.window = null;
    this.metric = "peak";
    this.unit = "bytes";
    this.flame = new Flame($("flame"), (text) => ($("flame-said").textContent = text), (isZoomed) => ($("unzoom").hidden = !isZoomed));
    this.flame.differs = Boolean(model.before);
    this.timeline = new Timeline($("timeline"), (text) => ($("timeline-said").textContent = text), (phase) => this.select(phase === this.window ? null : phase));
    this.sites = new SiteTable($("sites"), $("sites-count"), $("more"));
  }

  show() {
    const { report, before } = this.model;
    $("headline").textContent = this.model.headline();
    if (before) $("report-title").textContent = `${report.json.title}, against ${before.json.title}`;
    $("facts").append(...facts(this.model));
    document.querySelector("main").hidden = false;
    this.timeline.set(report);
    $("timeline-text").textContent = timelineText(report);
    $("window").append(make("option", { value: "" }, "the whole measurement"), ...report.phases.flatMap((phase, number) => (phase.entries > 0 ? [make("option", { value: number }, phase.path)] : [])));
    for (const [id, { name }] of Object.entries(this.model.metrics(null))) {
      const input = make("input", { type: "radio", name: "metric", value: id, checked: id === this.metric });
      input.addEventListener("change", () => this.choose({ metric: id }));
      $("metrics").append(make("label", {}, input, name));
    }
    $("window").addEventListener("change", (event) => this.select(event.target.value === "" ? null : Number(event.target.value)));
    $("unit").addEventListener("change", (event) => this.choose({ unit: event.target.value }));
    $("library").addEventListener("change", () => this.drawFlame());
    $("unzoom").addEventListener("click", () => this.flame.zoom(this.flame.root));
    $("births-of").addEventListener("change", () => this.drawBirths());
    let waiting = 0;
    $("search").addEventListener("input", (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.find(event.target.value.trim().toLowerCase()), 120);
    });
    this.drawBirths();
    $("labels").hidden = report.json.labels.length === 0;
    $("labels").querySelector(".wide").append(labelTable(report));
    const work = workTable(report);
    $("work").hidden = work === null;
    if (work) $("work").querySelector(".wide").append(work);
    $("notes").append(...notes(this.model));
    this.choose({});
    let width = $("timeline").clientWidth;
    new ResizeObserver(() => {
      if ($("timeline").clientWidth === width) return;
      width = $("timeline").clientWidth;
      this.timeline.draw(this.window);
      this.flame.draw();
    }).observe($("timeline"));
  }

  select(window) {
    this.choose({ window });
  }

  choose(what) {
    Object.assign(this, what);
    const { report } = this.model;
    const metrics = this.model.metrics(this.window);
    if (!metrics[this.metric]) this.metric = "allocated";
    for (const input of $("metrics").querySelectorAll("input")) {
      input.closest("label").hidden = !metrics[input.value];
      input.checked = input.value === this.metric;
    }
    this.timeline.draw(this.window);
    const inPhases = $("phases").contains(document.activeElement);
    $("phases").replaceChildren(phaseTable(report, this.window, (window) => this.select(window)));
    if (inPhases) $("phases").querySelector("[aria-pressed=true]")?.focus();
    $("window").value = this.window === null ? "" : String(this.window);
    this.drawFlame();
    this.sites.set(this.model, this.window, this.metric);
  }

  find(text) {
    this.flame.find(text);
    this.sites.find(text);
    this.sayFound();
  }

  drawFlame() {
    const metric = METRICS[this.metric];
    const precision = this.model.precision(this.window, this.metric);
    const { root, left } = treeOf(this.model, this.window, metric[this.unit], $("library").checked);
    const blocks = this.unit === "blocks";
    const amount = (value, signed) => figure(value, precision, { blocks, signed });
    this.amount = amount;
    const shown = (node) => {
      const share = node.parent ? `, ${percent(node.after, root.after)}` : "";
      if (!this.model.before) return `${amount(node.after)}${share}`;
      return `${amount(node.after - node.before, true)} (${amount(node.before)} before, ${amount(node.after)} now)`;
    };
    this.flame.set({ root }, shown);
    const name = this.model.report.windowName(this.window);
    const largest = root.ordered.length > 0 ? this.largest(root) : null;
    const parts = [`${metric.name}, in ${name}: ${shown(root)}${blocks ? " blocks" : ""} in all of the sites.`];
    if (this.model.before) parts.push("A place is as wide as the larger of its two amounts; red has grown, blue has shrunk.");
    if (largest) parts.push(`Most of it under ${shortName(largest.name)}: ${shown(largest)}.`);
    if (left < 0) parts.push(`Not drawn: ${amount(left)}, of sites that shrank.`);
    if (this.flame.hidden > 0) parts.push("What is narrower than 2 pixels is not drawn: zoom in.");
    if (root.width === 0) parts.push("There is nothing to draw.");
    $("flame-text").textContent = parts.join(" ");
    this.sayFound();
  }

  // The innermost frame that still holds more than half of everything.
  largest(root) {
    let node = root;
    while (node.ordered[0] && node.ordered[0].width > root.width / 2) node = node.ordered[0];
    return node.parent ? node : root.ordered[0];
  }

  sayFound() {
    const { root, found, search } = this.flame;
    $("flame-found").textContent = search === "" ? "" : `Found: ${this.amount(found)}, ${percent(found, root.after)}.`;
  }

  drawBirths() {
    const { report } = this.model;
    const member = $("births-of").value;
    const isThere = report.json.births.born_in.length > 0;
    $("births").hidden = !isThere;
    if (!isThere) return;
    const map = heatMap(report, member);
    $("births-map").replaceChildren(map ?? "Nothing.");
    const text = {
      at_peak: "Each row is a window, each column the phase in which what was alive at that window's peak had been allocated.",
      at_end: "Each row is a window, each column the phase in which what was alive at its end had been allocated.",
      freed_in: "Each row is what a phase allocated, each column the phase in which it was freed.",
    };
    $("births-text").textContent = `${text[member]} The stronger the colour, the more.`;
  }
}

try {
  const [report, before] = await Promise.all(["report", "before"].map(async (id) => ($(id).textContent === "" ? null : new Report(await unpacked($(id).textContent)))));
  new Page(new Model(report, before)).show();
  document.documentElement.dataset.ready = "yes";
} catch (error) {
  $("headline").textContent = `This report cannot be shown: ${error.message}. The page needs a browser of 2023 or later.`;
  throw error;
}
