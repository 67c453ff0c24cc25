// The timeline: the heap's live bytes and RSS over time, with a lane of bands for each depth of phases below.

const LANE = 22;
const CHART = 230;
const MARGIN = { left: 66, right: 14, top: 26, axis: 24 };

// A line through points, reduced to what differs on the screen: of each column of pixels the first, lowest, highest and last.
function reduced(points, x, y) {
  const kept = [];
  let column = null;
  const flush = () => {
    if (!column) return;
    for (const at of [...new Set([column.first, column.low, column.high, column.last])].sort((left, right) => left - right)) kept.push(at);
  };
  points.forEach(([time, value], at) => {
    const pixel = Math.floor(x(time));
    if (column?.pixel !== pixel) {
      flush();
      column = { pixel, first: at, low: at, high: at, last: at };
    }
    if (value < points[column.low][1]) column.low = at;
    if (value > points[column.high][1]) column.high = at;
    column.last = at;
  });
  flush();
  return kept.map((at) => `${x(points[at][0]).toFixed(1)} ${y(points[at][1]).toFixed(1)}`);
}

class Timeline {
  constructor(place, say, select) {
    this.place = place;
    this.say = say;
    this.select = select;
    this.cursor = null;
    place.addEventListener("pointermove", (event) => this.point(event.clientX - place.getBoundingClientRect().left));
    place.addEventListener("pointerleave", () => this.unpoint());
    place.addEventListener("keydown", (event) => this.key(event));
    place.addEventListener("click", (event) => {
      const phase = event.target.closest("[data-phase]")?.getAttribute("data-phase");
      if (phase !== undefined && phase !== null) this.select(Number(phase));
    });
  }

  set(report) {
    this.report = report;
    const { timeline, duration_ns: duration } = report.json;
    this.heap = timeline.points.filter((point) => point[1] !== null).map(([time, value]) => [time, value]);
    this.rss = timeline.points.filter((point) => point[2] !== null).map(([time, , value]) => [time, value]);
    this.length = timeline.points.concat(timeline.entries.map((entry) => [entry[2]])).reduce((most, each) => Math.max(most, each[0]), duration);
    this.most = [...this.heap, ...this.rss].reduce((most, each) => Math.max(most, each[1]), 0);
    this.byPhase = new Map();
    for (const entry of timeline.entries) {
      if (!this.byPhase.has(entry[0])) this.byPhase.set(entry[0], []);
      this.byPhase.get(entry[0]).push(entry);
    }
    for (const entries of this.byPhase.values()) entries.sort((left, right) => left[1] - right[1]);
    this.depths = report.phases.map((phase) => phase.path.split("/").length - 1);
    this.lanes = [...this.byPhase.keys()].reduce((most, phase) => Math.max(most, this.depths[phase] + 1), 0);
  }

  draw(selected) {
    this.selected = selected;
    const width = Math.max(this.place.clientWidth, 280);
    const height = MARGIN.top + CHART + MARGIN.axis + this.lanes * LANE + 4;
    this.width = width;
    this.x = (time) => MARGIN.left + (time / Math.max(this.length, 1)) * (width - MARGIN.left - MARGIN.right);
    this.y = (value) => MARGIN.top + CHART * (1 - value / Math.max(this.most * 1.04, 1));
    const svg = makeSvg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-labelledby": "timeline-text", tabindex: 0 });
    svg.append(...this.bands(), ...this.axes(width), ...this.curves(), ...this.peaks());
    this.pointer = makeSvg("g", { class: "pointer" });
    svg.append(this.pointer);
    this.place.replaceChildren(svg);
  }

  // The entries of a phase as one path, those that touch on the screen drawn together.
  bands() {
    const drawn = [];
    for (const [phase, entries] of this.byPhase) {
      const depth = this.depths[phase];
      const top = MARGIN.top + CHART + MARGIN.axis + depth * LANE;
      const spans = [];
      for (const [, begin, end] of entries) {
        const from = this.x(begin);
        const to = Math.max(this.x(end), from + 1);
        const last = spans[spans.length - 1];
        if (last && from - last[1] < 0.5) last[1] = Math.max(last[1], to);
        else spans.push([from, to]);
      }
      const shape = (y, tall) => spans.map(([from, to]) => `M${from.toFixed(1)} ${y}H${to.toFixed(1)}V${y + tall}H${from.toFixed(1)}Z`).join("");
      const hue = this.hue(phase);
      const isSelected = phase === this.selected ? " selected" : "";
      if (depth === 0 || isSelected) drawn.push(makeSvg("path", { class: `shade${isSelected}`, d: shape(MARGIN.top, CHART), style: `--hue: ${hue}`, "data-phase": phase }));
      const { path } = this.report.phases[phase];
      const band = makeSvg("path", { class: `band${isSelected}`, d: shape(top, LANE - 3), style: `--hue: ${hue}`, "data-phase": phase });
      band.append(makeSvg("title", {}, this.phaseText(phase)));
      drawn.push(band);
      const widest = spans.reduce((best, span) => (span[1] - span[0] > best[1] - best[0] ? span : best));
      const name = path.split("/").pop();
      const room = Math.floor((widest[1] - widest[0] - 8) / 6.8);
      if (room >= Math.min(name.length, 4))
        drawn.push(makeSvg("text", { class: "band-name", x: widest[0] + 4, y: top + LANE - 9, "data-phase": phase }, name.length > room ? `${name.slice(0, room - 1)}…` : name));
    }
    return drawn;
  }

  hue(phase) {
    const root = this.report.numbers.get(this.report.phases[phase].path.split("/")[0]) ?? phase;
    return (210 + root * 67 + (phase - root) * 24) % 360;
  }

  phaseText(phase) {
    const { path, entries, duration_ns: duration, heap } = this.report.phases[phase];
    const times = entries === 1 ? "" : `, entered ${formatCount(entries)} times`;
    return `${path}: ${formatDuration(duration)}${times}, heap peak ${figure(heap.peak, heap.peak_precision)}`;
  }

  axes(width) {
    const bottom = MARGIN.top + CHART;
    const drawn = [];
    for (const value of ticks(this.most * 1.04, 5, true)) {
      drawn.push(makeSvg("line", { class: "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: this.y(value), y2: this.y(value) }));
      drawn.push(makeSvg("text", { class: "tick", x: MARGIN.left - 6, y: this.y(value) + 4, "text-anchor": "end" }, value === 0 ? "0" : formatBytes(value).replace(/\.0+ /, " ")));
    }
    for (const time of ticks(this.length, Math.max(4, Math.floor(width / 150)), false)) {
      const x = this.x(time);
      if (x > width - 40) break;
      drawn.push(makeSvg("line", { class: "grid", x1: x, x2: x, y1: bottom, y2: bottom + 4 }));
      drawn.push(makeSvg("text", { class: "tick", x, y: bottom + 17, "text-anchor": "middle" }, time === 0 ? "0" : formatDuration(time).replace(/\.0+ /, " ").replace(/(\.\d)0 /, "$1 ")));
    }
    return drawn;
  }

  curves() {
    const drawn = [];
    const line = (points, name) => {
      if (points.length === 0) return;
      const at = reduced(points, this.x, this.y);
      if (name === "heap") drawn.push(makeSvg("path", { class: "area", d: `M${this.x(points[0][0])} ${this.y(0)}L${at.join("L")}L${this.x(points[points.length - 1][0])} ${this.y(0)}Z` }));
      drawn.push(makeSvg("path", { class: `curve ${name}`, d: `M${at.join("L")}` }));
    };
    line(this.heap, "heap");
    line(this.rss, "rss");
    return drawn;
  }

  // The peak of the measurement, and that of the phase that is selected.
  peaks() {
    const drawn = [];
    const mark = ({ heap }, name) => {
      if (heap.peak === null || heap.peak_at_ns === null || heap.peak_at_ns === undefined) return;
      const x = this.x(heap.peak_at_ns);
      const y = this.y(heap.peak);
      const anchor = x > this.width * 0.6 ? "end" : x < this.width * 0.3 ? "start" : "middle";
      const text = `${name} ${figure(heap.peak, heap.peak_precision)} at ${formatDuration(heap.peak_at_ns)}`;
      drawn.push(makeSvg("circle", { class: "peak", cx: x, cy: y, r: 5 }));
      drawn.push(makeSvg("text", { class: "peak-text", x, y: Math.max(y - 11, 14), "text-anchor": anchor }, text));
    };
    const whole = this.report.json.heap;
    const chosen = this.selected === null ? null : this.report.phases[this.selected];
    if (chosen && chosen.heap.peak_at_ns !== whole.peak_at_ns) mark(chosen, `${chosen.path.split("/").pop()}: peak`);
    mark(this.report.json, "peak");
    return drawn;
  }

  // What is known at a time, or the last that is known before it.
  point(x) {
    const span = this.width - MARGIN.left - MARGIN.right;
    const time = Math.min(Math.max(((x - MARGIN.left) / span) * this.length, 0), this.length);
    this.cursor = x = Math.min(Math.max(x, MARGIN.left), this.width - MARGIN.right);
    const nearest = (points) => {
      let low = 0;
      let high = points.length - 1;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        if (points[middle][0] < time) low = middle + 1;
        else high = middle;
      }
      return low > 0 && time - points[low - 1][0] < points[low][0] - time ? points[low - 1] : points[low];
    };
    const { heap, rss } = this.report.json;
    const said = [];
    const marks = [makeSvg("line", { x1: x, x2: x, y1: MARGIN.top, y2: MARGIN.top + CHART })];
    for (const [points, name, precision] of [[this.heap, "heap", heap.peak_precision], [this.rss, "RSS", rss.peak_precision]]) {
      if (points.length === 0) continue;
      const [when, value] = nearest(points);
      marks.push(makeSvg("circle", { class: `dot ${name.toLowerCase()}`, cx: this.x(when), cy: this.y(value), r: 3.5 }));
      said.push(`${name} ${figure(value, precision)}${Math.abs(when - time) > this.length / 200 ? ` (read at ${formatDuration(when)})` : ""}`);
    }
    const inside = [...this.byPhase].filter(([, entries]) => entries.some(([, begin, end]) => begin <= time && time <= end)).map(([phase]) => phase);
    inside.sort((left, right) => this.depths[right] - this.depths[left]);
    this.pointer.replaceChildren(...marks);
    this.say(`${formatDuration(time)}, ${inside.length > 0 ? this.report.phases[inside[0]].path : "outside the phases"}: ${said.join(", ")}`);
  }

  unpoint() {
    this.cursor = null;
    this.pointer?.replaceChildren();
    this.say("");
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
    if (!step) return;
    event.preventDefault();
    this.point((this.cursor ?? MARGIN.left) + step * 4);
  }
}
