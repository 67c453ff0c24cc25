// The table of sites: sorted by any of its columns, filtered, a page of rows at a time; a row opens to show the stacks of its line.

const ROWS = 20;

class SiteTable {
  constructor(place, count, more) {
    this.place = place;
    this.count = count;
    this.more = more;
    this.filter = "";
    this.sorted = { column: "peak", down: true };
    more.addEventListener("click", () => {
      this.shown += 10 * ROWS;
      this.draw();
    });
    this.place.addEventListener("click", (event) => {
      const head = event.target.closest("thead button");
      const row = event.target.closest("button.site");
      if (head) this.sort(head.dataset.column);
      else if (row) this.open(row);
    });
  }

  set(model, window, metric) {
    this.model = model;
    this.window = window;
    this.lines = model.lines(window);
    this.shown = ROWS;
    this.columns = [{ id: "site", name: "Site", value: (line) => `${placeOf(line.site)} ${line.site.function}`.toLowerCase() }];
    const amount = (id, name, member, options, precision, error) => {
      if (model.before) {
        this.columns.push({ id: `${id}-before`, name: `${name}, before`, value: (line) => line.before[member] ?? 0, options, precision, error: (line) => line.before[error] });
        this.columns.push({ id, name, value: (line) => line.after[member] ?? 0, options, precision, error: (line) => line.after[error] });
        this.columns.push({ id: `${id}-difference`, name: "Difference", value: (line) => (line.after[member] ?? 0) - (line.before[member] ?? 0), options: { ...options, signed: true }, precision,
          // Two estimates that know nothing of each other.
          error: (line) => (line.after[error] === undefined && line.before[error] === undefined ? undefined : Math.hypot(line.after[error] ?? 0, line.before[error] ?? 0)) });
      } else {
        this.columns.push({ id, name, value: (line) => line.after[member], options, precision, error: (line) => line.after[error] });
      }
    };
    for (const [id, each] of Object.entries(model.metrics(window))) {
      if (model.before && id !== metric) continue;
      const precision = model.precision(window, id);
      amount(id, each.name, each.bytes, { signed: each.signed }, precision, each.error);
      amount(`${id}-blocks`, id === "allocated" ? "Allocations" : "Blocks", each.blocks, { signed: each.signed, blocks: true }, precision);
    }
    const wanted = model.before ? `${metric}-difference` : metric;
    if (metric !== this.metric || !this.columns.some((each) => each.id === this.sorted.column)) this.sorted = { column: wanted, down: true };
    this.metric = metric;
    this.draw();
  }

  find(text) {
    this.filter = text;
    this.shown = ROWS;
    this.draw();
  }

  sort(column) {
    const down = this.sorted.column === column ? !this.sorted.down : column !== "site";
    this.sorted = { column, down };
    this.draw();
    this.place.querySelector(`th button[data-column="${column}"]`)?.focus();
  }

  draw() {
    const by = this.columns.find((each) => each.id === this.sorted.column) ?? this.columns[1];
    // By how much, for differences: what has gone counts as much as what has come.
    const key = by.id.endsWith("-difference") ? (line) => Math.abs(by.value(line)) : by.value;
    const rows = this.lines.filter((line) => `${placeOf(line.site)} ${line.site.function}`.toLowerCase().includes(this.filter));
    const sign = this.sorted.down ? -1 : 1;
    rows.sort((left, right) => {
      const [a, b] = [key(left), key(right)];
      return a === b ? 0 : sign * (a < b ? -1 : 1);
    });
    const head = make("tr", {}, ...this.columns.map((column) => this.head(column)));
    const body = rows.slice(0, this.shown).map((line) => this.row(line));
    this.place.replaceChildren(
      make("caption", { className: "hidden" }, `Sites in ${this.model.report.windowName(this.window)}`),
      make("thead", {}, head),
      make("tbody", {}, ...(body.length > 0 ? body : [make("tr", {}, make("td", { colspan: this.columns.length }, "No site"))])),
    );
    this.count.textContent = `${formatCount(Math.min(rows.length, this.shown))} of ${formatCount(rows.length)} sites${rows.length < this.lines.length ? `, of ${formatCount(this.lines.length)} in all` : ""}`;
    this.more.hidden = rows.length <= this.shown;
  }

  head(column) {
    const isSorted = this.sorted.column === column.id;
    const button = make("button", { type: "button" }, column.name, make("span", { "aria-hidden": "true" }, isSorted ? (this.sorted.down ? " ▼" : " ▲") : ""));
    button.dataset.column = column.id;
    return make("th", { scope: "col", className: column.id === "site" ? "" : "number", "aria-sort": isSorted ? (this.sorted.down ? "descending" : "ascending") : "none" }, button);
  }

  row(line) {
    const place = placeOf(line.site);
    const button = make("button", { type: "button", className: "site", title: line.site.function, "aria-expanded": "false" }, make("strong", {}, place || line.site.function), place ? make("span", {}, shortName(line.site.function)) : "");
    button.line = line;
    const cells = this.columns.slice(1).map((column) => {
      const made = amountCell(column.value(line), column.precision, { ...column.options, error: column.error?.(line) ?? null });
      made.dataset.column = column.id;
      return made;
    });
    return make("tr", {}, make("th", { scope: "row" }, button), ...cells);
  }

  open(button) {
    const row = button.closest("tr");
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) {
      row.nextElementSibling.remove();
      return;
    }
    const metric = METRICS[this.metric];
    const stacks = [...button.line.sites].sort((left, right) => right.of[metric.bytes] - left.of[metric.bytes]);
    const most = 5;
    const shown = stacks.slice(0, most).map(({ site, of }) => {
      const amount = figure(of[metric.bytes], this.model.precision(this.window, this.metric), { signed: metric.signed, error: of[metric.error] ?? null });
      const frames = this.model.report.stack(site, true).reverse();
      return make("div", {}, make("p", {}, `${amount}, ${metric.name.toLowerCase()}`), make("ol", {}, ...frames.map((frame) =>
        make("li", {}, frame.function || (frame.address ? `0x${frame.address.toString(16)}` : "unknown"), make("span", {}, ` ${placeOf(frame)}${frame.inlined ? ", inlined" : ""}`)))));
    });
    if (stacks.length > most) shown.push(make("p", {}, `and ${formatCount(stacks.length - most)} more stacks`));
    if (stacks.length === 0) shown.push(make("p", {}, "Gone: only the report before has it."));
    row.after(make("tr", { className: "stacks" }, make("td", { colspan: this.columns.length }, ...shown)));
  }
}
