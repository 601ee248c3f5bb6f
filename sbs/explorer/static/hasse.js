"use strict";
// Hasse diagram of the subgroup classes: SVG whose nodes are links, so that click, Tab, Enter and deep links are one thing.

const Hasse = (() => {
  const NODE = { width: 80, height: 38, gapX: 8, gapY: 34 };
  const LEAST_SCALE = 0.75; // smaller than this the labels are hard to read, and the diagram scrolls
  const SVG = "http://www.w3.org/2000/svg";

  const make = (name, attributes, parent) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (parent) parent.appendChild(node);
    return node;
  };

  // Rows of node numbers, lowest order first, ordered so that few edges cross (barycentre sweeps).
  function layers(classes) {
    const orders = [...new Set(classes.map((c) => c.order))].sort((a, b) => a - b);
    const rows = orders.map((order) => classes.map((c, i) => i).filter((i) => classes[i].order === order));
    const number = new Map(classes.map((c, i) => [c.label, i]));
    const below = classes.map((c) => c.maximal_subgroups.map((label) => number.get(label)));
    const above = classes.map((_, i) => classes.map((c, j) => j).filter((j) => below[j].includes(i)));
    const place = [];
    const settle = () => rows.forEach((row) => row.forEach((i, k) => { place[i] = (k + 0.5) / row.length; }));
    settle();
    for (let sweep = 0; sweep < 12; sweep++) {
      const neighbours = sweep % 2 ? below : above;
      for (const row of sweep % 2 ? rows : [...rows].reverse()) {
        const mean = new Map(row.map((i) => {
          const near = neighbours[i];
          return [i, near.length ? near.reduce((s, j) => s + place[j], 0) / near.length : place[i]];
        }));
        row.sort((a, b) => mean.get(a) - mean.get(b) || a - b);
        row.forEach((i, k) => { place[i] = (k + 0.5) / row.length; });
      }
    }
    return { rows, below };
  }

  // Class of a node for the chosen colouring, and the words that say the same without colour.
  function paint(target, mode, largest) {
    const infinite = target.size === "infinite";
    if (mode === "ideal") return target.ideal ? "yes" : infinite ? "infinite" : "no";
    const value = mode === "size" ? target.size : target.degeneracy;
    if (value === "infinite") return "infinite";
    return `level${Math.min(5, Math.round(5 * Math.log2(value) / Math.max(1, Math.log2(largest))))}`;
  }

  function caption(target, mode) {
    if (mode === "degeneracy") return target.degeneracy === "infinite" ? "∞ orbits" : target.degeneracy === 1 ? "1 orbit" : `${target.degeneracy} orbits`;
    if (mode === "ideal") return target.ideal ? "ideal" : "not ideal";
    return target.size === "infinite" ? "∞ objects" : target.size === 1 ? "1 object" : `${target.size} objects`;
  }

  // Draws into `host`; link(label) gives the address of a target.
  function draw(host, group, selected, mode, link) {
    host.replaceChildren();
    const classes = group.subgroup_classes, { rows, below } = layers(classes);
    const width = Math.max(...rows.map((row) => row.length)) * (NODE.width + NODE.gapX);
    const height = rows.length * (NODE.height + NODE.gapY);
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
      "aria-label": `Subgroup classes of ${group.symbol}, larger groups higher` }, host);
    svg.style.width = "100%";
    svg.style.minWidth = `${LEAST_SCALE * width}px`;
    svg.style.maxWidth = `${width}px`;
    svg.style.height = "auto";
    const position = [];
    rows.forEach((row, r) => row.forEach((i, k) => {
      position[i] = [width * (k + 0.5) / row.length, height - (r + 0.5) * (NODE.height + NODE.gapY)];
    }));
    const edges = make("g", { class: "edges" }, svg), nodes = make("g", {}, svg);
    const chosen = classes.findIndex((c) => c.label === selected);
    below.forEach((list, i) => list.forEach((j) => {
      const [x1, y1] = position[i], [x2, y2] = position[j], near = i === chosen || j === chosen;
      make("line", { x1, y1: y1 + NODE.height / 2, x2, y2: y2 - NODE.height / 2, class: near ? "near" : "" }, edges);
    }));
    const finite = group.targets.map((t) => (mode === "degeneracy" ? t.degeneracy : t.size)).filter(Number.isFinite);
    const largest = Math.max(2, ...finite);
    classes.forEach((c, i) => {
      const target = group.targets[i], [x, y] = position[i], state = paint(target, mode, largest);
      const anchor = make("a", { href: link(c.label), class: `node ${state}${i === chosen ? " selected" : ""}`, "data-label": c.label,
        "aria-label": `${c.label}, order ${c.order}, ${caption(target, "size")}, ${caption(target, "ideal")}` }, nodes);
      if (i === chosen) anchor.setAttribute("aria-current", "true");
      make("rect", { x: x - NODE.width / 2, y: y - NODE.height / 2, width: NODE.width, height: NODE.height, rx: 7 }, anchor);
      const name = make("text", { x, y: y - 4, class: "name" }, anchor);
      name.textContent = c.label;
      if (c.label.length > 11) { name.setAttribute("textLength", NODE.width - 6); name.setAttribute("lengthAdjust", "spacingAndGlyphs"); }
      make("text", { x, y: y + 13, class: "note" }, anchor).textContent = caption(target, mode);
      anchor.addEventListener("keydown", (event) => move(event, host, rows, classes, i));
    });
  }

  // Arrow keys go to the neighbour in a row, or to the nearest node one row up or down.
  function move(event, host, rows, classes, i) {
    const r = rows.findIndex((row) => row.includes(i)), k = rows[r].indexOf(i);
    let next;
    if (event.key === "ArrowLeft") next = rows[r][k - 1];
    if (event.key === "ArrowRight") next = rows[r][k + 1];
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (step && rows[r + step]) {
      const row = rows[r + step];
      next = row[Math.min(row.length - 1, Math.floor((k + 0.5) / rows[r].length * row.length))];
    }
    if (next === undefined) return;
    event.preventDefault();
    host.querySelectorAll("a.node")[next].focus();
  }

  return { draw };
})();
