// SPDX-License-Identifier: MIT
// Made by embed.py of flame.js: change that, and run it again.
// clang-format off
#pragma once

#include <string_view>

namespace peakscope::report::detail {

inline constexpr std::string_view script_flame = R"page(// The flame graph, drawn downwards: the outermost frame on top. Frames are buttons, of which one can be reached by Tab and
// the others from it by the arrow keys.

const FRAME_HEIGHT = 22;
const NARROWEST = 2; // pixels: what is narrower is left out, and said, but for what is searched for
const MOST_SLIVERS = 500;

class Flame {
  constructor(place, say, zoomed) {
    this.place = place;
    this.say = say;
    this.zoomed = zoomed;
    this.search = "";
    place.addEventListener("keydown", (event) => this.key(event));
    place.addEventListener("click", (event) => this.zoom(this.nodes.get(event.target.closest("button"))));
    const describe = (event) => this.describe(this.nodes?.get(event.target.closest?.("button")));
    place.addEventListener("pointerover", describe);
    place.addEventListener("focusin", describe);
  }

  // `show` makes the text of a node's amount.
  set(tree, show) {
    const path = this.focus ? this.pathOf(this.focus) : [];
    this.root = tree.root;
    this.show = show;
    this.focus = this.root;
    // The same frame of the new tree, as far as it is there.
    for (const key of path) {
      const child = this.focus.children.get(key);
      if (!child || child.width === 0) break;
      this.focus = child;
    }
    this.draw();
  }

  pathOf(node) {
    const path = [];
    for (let each = node; each.parent; each = each.parent)
      path.unshift([...each.parent.children].find(([, child]) => child === each)[0]);
    return path;
  }

  find(text) {
    this.search = text;
    this.draw();
  }

  zoom(node) {
    if (!node) return;
    this.focus = node;
    this.draw();
    this.buttons.get(node)?.focus({ preventScroll: true });
  }

  matches(node) {
    return `${node.name}\n${placeOf(node.frame)}`.toLowerCase().includes(this.search);
  }

  draw() {
    this.nodes = new Map();
    this.buttons = new Map();
    this.hidden = 0;
    this.found = 0;
    this.slivers = 0;
    this.deepest = 0;
    const pixels = Math.max(this.place.clientWidth, 300);
    const drawn = document.createDocumentFragment();
    for (let each = this.focus.parent; each; each = each.parent) drawn.append(this.button(each, 0, 1, false, false, pixels));
    this.add(drawn, this.focus, 0, 1, pixels, false);
    this.place.replaceChildren(drawn);
    this.place.style.height = `${(this.deepest + 1) * FRAME_HEIGHT}px`;
    this.zoomed(this.focus !== this.root);
    const entry = this.buttons.get(this.focus);
    if (entry) entry.tabIndex = 0;
    this.describe(this.focus);
  }

  add(drawn, node, left, share, pixels, inFound) {
    const isFound = this.search !== "" && this.matches(node);
    if (isFound && !inFound) this.found += node.after;
    const wide = share * pixels >= NARROWEST;
    const visible = wide || (isFound && this.slivers++ < MOST_SLIVERS);
    if (visible) drawn.append(this.button(node, left, share, isFound, inFound, share * pixels));
    else ++this.hidden;
    if (!wide && this.search === "") return;
    for (const child of node.ordered) {
      const part = node.width > 0 ? (share * child.width) / node.width : 0;
      if (child.width > 0) this.add(drawn, child, left, part, pixels, inFound || isFound);
      left += part;
    }
  }

  button(node, left, share, isFound, inFound, pixels) {
    const name = node.parent ? shortName(node.name) : this.show(node);
    const button = make("button", { type: "button", tabIndex: -1, className: this.classOf(node) }, pixels < 25 ? "" : name);
    if (this.search !== "") button.classList.add(isFound ? "found" : inFound ? "in-found" : "dim");
    if (this.focus.depth > node.depth) button.classList.add("above");
    button.setAttribute("aria-label", this.text(node));
    button.style.left = isFound ? `min(${100 * left}%, calc(100% - 3px))` : `${100 * left}%`;
    button.style.width = `${100 * share}%`;
    button.style.top = `${node.depth * FRAME_HEIGHT}px`;
    const difference = node.after - node.before;
    if (this.differs) button.style.setProperty("--change", `${Math.min(100, Math.round((100 * Math.abs(difference)) / Math.max(node.width, 1)))}%`);
    this.deepest = Math.max(this.deepest, node.depth);
    this.nodes.set(button, node);
    this.buttons.set(node, button);
    return button;
  }

  classOf(node) {
    if (this.differs) return node.after > node.before ? "frame more" : node.after < node.before ? "frame less" : "frame same";
    // Grey is what comes from elsewhere: without lines, from the system's folders, or from the C library's.
    const isOwn = node.parent && node.frame.file && !/^(\/usr\/|\.\.\/(sysdeps|csu|nptl)\/)/.test(node.frame.file);
    return `frame ${isOwn ? `tone-${node.name.length % 4}` : "library"}`;
  }

  text(node) {
    const place = placeOf(node.frame);
    return `${node.name}${place ? `, ${place}` : ""}${node.frame.inlined ? ", inlined" : ""}: ${this.show(node)}`;
  }

  describe(node) {
    if (node) this.say(this.text(node));
  }

  // Up and down along the stack, left and right among what one frame calls, Enter or Space to zoom in, Escape to zoom out.
  key(event) {
    const node = this.nodes.get(event.target);
    if (!node) return;
    const beside = (step) => {
      const all = (node.parent?.ordered ?? [node]).filter((each) => this.buttons.has(each));
      return all[all.indexOf(node) + step];
    };
    const next = {
      ArrowUp: () => node.parent,
      ArrowDown: () => node.ordered.find((each) => this.buttons.has(each)),
      ArrowLeft: () => beside(-1),
      ArrowRight: () => beside(1),
    }[event.key];
    if (next) {
      event.preventDefault();
      this.buttons.get(next())?.focus();
    } else if (event.key === "Escape") {
      this.zoom(this.root);
    }
  }
}
)page";

} // namespace peakscope::report::detail
