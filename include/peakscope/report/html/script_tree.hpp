// SPDX-License-Identifier: MIT
// Made by embed.py of tree.js: change that, and run it again.
// clang-format off
#pragma once

#include <string_view>

namespace peakscope::report::detail {

inline constexpr std::string_view script_tree = R"page(// Call trees: what sites allocated or held, summed up from the outermost frame inwards.

class TreeNode {
  constructor(parent, frame) {
    this.parent = parent;
    this.frame = frame;
    this.depth = parent ? parent.depth + 1 : 0;
    this.children = new Map();
    this.byFrame = new Map(); // a report has each frame once, so that most need no key made
    this.own = { after: 0, before: 0 };
    this.after = 0;
    this.before = 0;
    this.width = 0;
  }

  get name() {
    return this.frame.function || placeOf(this.frame) || (this.frame.address ? `0x${this.frame.address.toString(16)}` : "unknown");
  }

  // The child a frame belongs to. Calls from different lines of a function are one frame, as in other flame graphs.
  child(frame) {
    let found = this.byFrame.get(frame);
    if (found) return found;
    const key = frame.function ? `${frame.function}\n${frame.file}` : `\n${frame.file}\n${frame.line}\n${frame.address ?? ""}`;
    found = this.children.get(key);
    if (!found) this.children.set(key, (found = new TreeNode(this, frame)));
    this.byFrame.set(frame, found);
    return found;
  }

  // Of two reports, a place is as wide as the larger of its two amounts, so that what is gone is seen too.
  sum() {
    ({ after: this.after, before: this.before } = this.own);
    this.width = Math.max(this.after, this.before);
    for (const child of this.children.values()) {
      child.sum();
      this.after += child.after;
      this.before += child.before;
      this.width += child.width;
    }
    this.ordered = [...this.children.values()].sort((left, right) => right.width - left.width);
  }
}

// `left` is what a picture of areas cannot show: amounts less than 0, of sites that shrank.
function treeOf(model, window, member, withLibrary) {
  const root = new TreeNode(null, { function: "all", file: "", line: 0 });
  let left = 0;
  const add = (report, of, side) => {
    if (of === undefined) return;
    for (const { site, of: amounts } of report.amounts(of)) {
      const value = amounts[member] ?? 0;
      if (value < 0 && side === "after") left += value;
      if (value <= 0) continue;
      let node = root;
      for (const frame of report.stack(site, withLibrary)) node = node.child(frame);
      node.own[side] += value;
    }
  };
  add(model.report, window, "after");
  if (model.before) add(model.before, model.windowBefore(window), "before");
  root.sum();
  return { root, left };
}
)page";

} // namespace peakscope::report::detail
