// The smaller tables: phases, births, labels, the work of threads.

function table(caption, heads, rows) {
  return make("table", {}, make("caption", { className: "hidden" }, caption),
    make("thead", {}, make("tr", {}, ...heads.map((head, at) => make("th", { scope: "col", className: at > 0 ? "number" : "" }, head)))),
    make("tbody", {}, ...rows));
}

function cell(text) {
  return make("td", { className: "number" }, text);
}

function lastName(path) {
  return path.split("/").pop();
}

// Peaks are over the baseline, as the console's are: what was there before is not the program's doing here.
function phaseTable(report, selected, select) {
  const highest = report.highWaterPhase();
  const base = report.json.heap.start;
  const rssBase = report.json.rss.start;
  const tells = report.json.rss.touched ? ["Touched"] : []; // nearly no source does
  const over = (value, from) => (value === null || from === null ? null : value - from);
  const row = (window, name, depth) => {
    const { heap, rss, entries, duration_ns: duration } = report.part(window);
    const button = make("button", { type: "button", className: "phase", "aria-pressed": String(window === selected) }, name);
    button.style.paddingInlineStart = `${0.4 + depth}rem`;
    button.addEventListener("click", () => select(window));
    const head = make("th", { scope: "row" }, button);
    if (entries === 0) return make("tr", {}, head, make("td", { colspan: 6 + tells.length }, "never entered"));
    const peak = amountCell(over(heap.peak, base), heap.peak_precision);
    if (window !== null && window === highest) peak.append(make("span", { className: "mark" }, " high-water mark"));
    return make("tr", { className: window === selected ? "selected" : "" }, head,
      amountCell(heap.delta, heap.totals_precision, { signed: true }),
      peak,
      amountCell(rss.delta, rss.totals_precision, { signed: true }),
      amountCell(over(rss.peak, rssBase), rss.peak_precision),
      ...tells.map(() => cell(rss.touched ? formatTouched(rss.touched) : "n/a")),
      cell(window === null ? "" : formatCount(entries)), cell(formatDuration(duration)));
  };
  const rows = [row(null, "the whole measurement", 0)];
  report.phases.forEach((phase, number) => rows.push(row(number, lastName(phase.path), phase.path.split("/").length)));
  return table("Phases", ["Phase", "Δ heap", "Peak heap", "Δ RSS", "Peak RSS", ...tells, "Entered", "Time"], rows);
}

// A heat map that is a table: the stronger a cell's colour, the larger its share of the largest. Rows are windows, columns births.
function heatMap(report, member) {
  const { born_in: births, measurement } = report.json.births;
  const windows = [{ name: member === "freed_in" ? "outside phases" : "the whole measurement", births: measurement, heap: report.json.heap }];
  for (const phase of report.phases) windows.push({ name: phase.path, births: phase.births, heap: phase.heap });
  const rows = windows.filter((each) => each.births?.[member]?.some((value) => value > 0));
  const columns = births.map((name, at) => ({ name, at })).filter(({ at }) => rows.some((row) => row.births[member][at] > 0));
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map((row) => Math.max(...row.births[member])));
  const made = table("Born in, alive in", [member === "freed_in" ? "Allocated in ↓ freed in →" : "Alive in ↓ born in →", ...columns.map((each) => each.name)],
    rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.name), ...columns.map(({ at }) => {
      const value = row.births[member][at] ?? 0;
      const shown = value > 0 ? amountCell(value, member === "at_peak" ? row.heap.peak_precision : row.heap.totals_precision) : cell("");
      shown.classList.add("heat");
      // By the square root: a tenth of the largest must still be seen.
      shown.style.setProperty("--heat", `${value > 0 ? Math.round(8 + 36 * Math.sqrt(value / most)) : 0}%`);
      return shown;
    }))));
  made.className = "heat-map";
  return made;
}

function labelTable(report) {
  const { labels, heap } = report.json;
  return table("Labels", ["Label", "Own peak", "At the peak", "Δ", "Allocated", "Allocations"], labels.map((label) => make("tr", {},
    make("th", { scope: "row" }, label.name), amountCell(label.peak_bytes, heap.peak_precision), amountCell(label.at_peak_bytes, heap.peak_precision),
    amountCell(label.delta_bytes, heap.totals_precision, { signed: true }), amountCell(label.allocated_bytes, heap.totals_precision),
    amountCell(label.allocations, heap.totals_precision, { blocks: true }))));
}

// Counted for the threads themselves, whatever the source.
const EXACT = { kind: "exact" };

function workTable(report) {
  const rows = report.phases.filter((phase) => phase.work).map(({ path, work }) => make("tr", {}, make("th", { scope: "row" }, path),
    cell(formatCount(work.entries)), cell(formatDuration(work.thread_time_ns)), amountCell(work.allocated, EXACT), amountCell(work.freed, EXACT),
    amountCell(work.allocations, EXACT, { blocks: true })));
  return rows.length > 0 ? table("The work of threads", ["Phase", "Scopes", "Thread time", "Allocated", "Freed", "Allocations"], rows) : null;
}
