"use strict";
// Diagram of the subgroup classes, in the places that were laid out when the page was written. Nodes are links, so that
// click, Enter and deep links are one thing; one Tab stop, and arrow keys go along the lines.

const Hasse = (() => {
  const { svg, symbolSvg } = Dom;
  const BOX = { width: 80, height: 40 };
  const LEAST_SCALE = 0.8; // smaller than this the labels are hard to read, and the diagram scrolls

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

  // Everything that lines lead to from a class, upwards or downwards.
  function reached(edges, start, from, to) {
    const found = new Set([start]);
    for (let grown = true; grown;) {
      grown = false;
      for (const e of edges) if (found.has(e[from]) && !found.has(e[to])) { found.add(e[to]); grown = true; }
    }
    return found;
  }

  // Draws into `host`; link(label) gives the address of a target.
  function draw(host, group, selected, mode, link) {
    const classes = group.subgroup_classes, { width, height, places, edges } = group.diagram;
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `Classes of subgroups of ${group.symbol}, larger groups higher` });
    Object.assign(root.style, { width: "100%", minWidth: `${LEAST_SCALE * width}px`, maxWidth: `${width}px`, height: "auto" });
    const chosen = classes.findIndex((c) => c.label === selected);
    const above = reached(edges, chosen, "lower", "upper"), below = reached(edges, chosen, "upper", "lower");
    const lines = svg("g", { class: "edges" }), nodes = svg("g");
    for (const e of edges) {
      const lit = (above.has(e.upper) && above.has(e.lower)) || (below.has(e.upper) && below.has(e.lower));
      const line = svg("polyline", { points: e.line.map((p) => p.join(",")).join(" "), "data-upper": classes[e.upper].label, "data-lower": classes[e.lower].label,
        class: lit ? "lit" : "" });
      if (lit) lines.append(line); else lines.prepend(line);
    }
    const finite = group.targets.map((t) => (mode === "degeneracy" ? t.degeneracy : t.size)).filter(Number.isFinite);
    const largest = Math.max(2, ...finite);
    classes.forEach((c, i) => {
      const target = group.targets[i], [x, y] = places[i], cone = above.has(i) || below.has(i);
      const anchor = svg("a", { href: link(c.label), class: `node ${paint(target, mode, largest)}${i === chosen ? " selected" : cone ? " lit" : ""}`, "data-label": c.label,
        tabindex: i === chosen ? "0" : "-1", "aria-label": `${c.label}, order ${c.order}, ${caption(target, "size")}, ${caption(target, "ideal")}`, "aria-current": i === chosen ? "true" : null });
      const box = { x: x - BOX.width / 2, y: y - BOX.height / 2, width: BOX.width, height: BOX.height, rx: 7 };
      anchor.append(svg("rect", { ...box, class: "ground" }), svg("rect", { ...box, class: "face" }));
      const name = svg("text", { x, y: y - 4, class: c.label.length > 9 ? "name long" : "name" }, ...symbolSvg(c.label));
      const note = svg("text", { x, y: y + 14, class: "note" });
      note.textContent = caption(target, mode);
      anchor.append(name, note);
      nodes.append(anchor);
    });
    root.append(lines, nodes);
    host.replaceChildren(root);
  }

  // The neighbour that an arrow key leads to: along a line upwards or downwards, or sideways in the row.
  function neighbour(group, label, key) {
    const { places, edges } = group.diagram, i = group.subgroup_classes.findIndex((c) => c.label === label), [x, y] = places[i];
    const nearest = (list) => list.sort((a, b) => Math.abs(places[a][0] - x) - Math.abs(places[b][0] - x) || a - b)[0];
    let next;
    if (key === "ArrowUp") next = nearest(edges.filter((e) => e.lower === i).map((e) => e.upper));
    if (key === "ArrowDown") next = nearest(edges.filter((e) => e.upper === i).map((e) => e.lower));
    const row = places.map((_, j) => j).filter((j) => j !== i && Math.abs(places[j][1] - y) < 1);
    if (key === "ArrowLeft") next = nearest(row.filter((j) => places[j][0] < x));
    if (key === "ArrowRight") next = nearest(row.filter((j) => places[j][0] > x));
    return next === undefined ? null : group.subgroup_classes[next].label;
  }

  // Scrolls the box, not the page, until the selected node is inside.
  function reveal(host) {
    const now = host.querySelector("a.selected");
    if (!now) return;
    const a = now.getBoundingClientRect(), b = host.getBoundingClientRect();
    host.scrollLeft += (a.left + a.right - b.left - b.right) / 2;
    host.scrollTop += (a.top + a.bottom - b.top - b.bottom) / 2;
  }

  return { draw, neighbour, reveal };
})();
