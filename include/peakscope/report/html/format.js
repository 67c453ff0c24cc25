// Text for figures: what core/format.hpp makes of the same numbers. A figure that is not exact has "~" before it.

function fixed(value) {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

function formatCount(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function formatBytes(value) {
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  const sign = value < 0 ? "-" : "";
  let scaled = Math.abs(value);
  if (scaled < 1024) return `${sign}${formatCount(Math.round(scaled))} B`;
  let unit = 0;
  for (scaled /= 1024; scaled >= 1023.5 && unit + 1 < units.length; ++unit) scaled /= 1024;
  return `${sign}${scaled >= 999.5 ? formatCount(Math.round(scaled)) : fixed(scaled)} ${units[unit]}`;
}

function formatDuration(nanoseconds) {
  if (nanoseconds < 999.5) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 999.5e3) return `${fixed(nanoseconds / 1e3)} µs`;
  if (nanoseconds < 999.5e6) return `${fixed(nanoseconds / 1e6)} ms`;
  if (nanoseconds < 99.95e9) return `${fixed(nanoseconds / 1e9)} s`;
  const seconds = Math.round(nanoseconds / 1e9);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

function formatPrecision(precision) {
  if (!precision || precision.kind === "unavailable") return "n/a";
  if (precision.kind === "exact") return "exact";
  if (precision.kind === "bounded") return `within ${formatBytes(precision.bound_bytes)}`;
  return `sampled every ${precision.interval_ns > 0 ? formatDuration(precision.interval_ns) : formatBytes(precision.rate_bytes)}`;
}

function isExact(precision) {
  return precision?.kind === "exact";
}

// Of two precisions, the one that holds for both: the worse.
function weaker(left, right) {
  const order = ["exact", "bounded", "sampled", "unavailable"];
  const rank = (precision) => order.indexOf(precision?.kind ?? "unavailable");
  if (rank(left) !== rank(right)) return rank(left) < rank(right) ? right : left;
  return (left?.bound_bytes ?? 0) < (right?.bound_bytes ?? 0) ? right : left;
}

// A figure with what is to be known of it: `signed` puts "+" before what is more than 0.
function figure(value, precision, { signed = false, blocks = false, error = null } = {}) {
  if (value === null || value === undefined) return "n/a";
  const text = blocks ? (value < 0 ? `-${formatCount(-value)}` : formatCount(value)) : formatBytes(value);
  const mark = isExact(precision) ? "" : "~";
  return `${mark}${signed && value > 0 ? "+" : ""}${text}${error === null ? "" : ` ±${formatBytes(error)}`}`;
}

// What a window touched: a range, where it is not known.
function formatTouched({ at_least: least, at_most: most }) {
  const [from, to] = [formatBytes(least), formatBytes(most)];
  if (least === most) return to;
  return from === to ? `~${to}` : `${from} to ${to}`;
}

// A cell of a table, with all of its digits for who points at it.
function amountCell(value, precision, options = {}) {
  const made = make("td", { className: "number" }, figure(value, precision, options));
  if (value !== null && value !== undefined)
    made.title = `${isExact(precision) ? "" : "~"}${value < 0 ? "-" : ""}${formatCount(Math.abs(value))}${options.blocks ? "" : " bytes"}`;
  return made;
}

function percent(part, whole) {
  const share = whole > 0 ? (100 * part) / whole : 0;
  return `${share > 0 && share < 0.1 ? "<0.1" : share.toFixed(share < 9.95 ? 1 : 0)} %`;
}

// Round numbers from 0 up to `most`, about `count` of them: of bytes by powers of two, else by 1, 2 and 5.
function ticks(most, count, inBytes) {
  if (!(most > 0)) return [0];
  let step;
  if (inBytes) {
    step = 2 ** Math.ceil(Math.log2(most / count));
  } else {
    const power = 10 ** Math.floor(Math.log10(most / count));
    step = power * [1, 2, 5, 10].find((each) => each * power * count >= most);
  }
  const made = [];
  for (let at = 0; at <= most; at += step) made.push(at);
  return made;
}

// "plugins/gallery.cpp:38", or as much of it as is known.
function placeOf(site) {
  return site.file ? `${site.file}${site.line > 0 ? `:${site.line}` : ""}` : "";
}

// A function without its arguments: the whole name is where there is room for it.
function shortName(name) {
  const short = name.replaceAll("(anonymous namespace)::", "").replaceAll("[abi:cxx11]", "");
  const open = short.search(/(?<!^|operator)\(/);
  return open < 0 ? short : short.slice(0, open);
}

// An element with properties, attributes where the name has a dash or is a role, and children, texts among them. All of a report's
// text comes into the page through here, as text.
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "for" || key === "scope" || key === "colspan") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

function makeSvg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
