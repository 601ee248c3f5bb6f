"use strict";
// The fifteen simple tilt systems of perovskites: a list, and the octahedra of the one that is chosen.

const Tilts = (() => {
  const G = Geometry, { h, mauguin, plural } = Dom;
  const CORNERS = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]];
  const state = { amount: 0.7 };

  // a+b-b- with the signs set high.
  const glazer = (text) => h("span", { class: "symbol" }, ...(text.match(/[a-c][0+-]/g) || []).flatMap((part) => [h("i", {}, part[0]), h("sup", {}, part[1].replace("-", "−"))]));

  // Octahedra of 2 × 2 × 2 cells, turned: the same sign along an axis for turns in phase, alternating for turns out of phase.
  function octahedra(turns, amount) {
    const list = [];
    for (let i = 0; i < 2; i++) for (let j = 0; j < 2; j++) for (let k = 0; k < 2; k++) {
      const cell = [i, j, k], sum = i + j + k;
      const turn = turns.map(([angle, sign], axis) => amount * angle * (-1) ** (sign < 0 ? sum : sum - cell[axis]));
      const centre = cell.map((x) => x - 0.5);
      list.push({ corners: CORNERS.map((c) => G.add(centre, G.add(G.scale(c, 0.5), G.scale(G.cross(turn, c), 0.5)))), turn, centre });
    }
    return list;
  }

  function traces(turns, amount) {
    const colors = Scene.palette(), list = octahedra(turns, amount), edges = [[], []];
    for (const { corners, turn } of list) {
      const kind = turn.find((x) => x) < 0 ? 1 : 0;
      corners.forEach((a, i) => corners.slice(i + 1).forEach((b) => { if (G.dot(G.add(a, G.scale(b, -1)), G.add(a, G.scale(b, -1))) < 0.75) edges[kind].push([a, b]); }));
    }
    return [...Scene.triad(colors), ...Scene.segments(edges[0], { color: colors.selected, width: 4, name: "octahedra that turn one way" }),
      ...(edges[1].length ? Scene.segments(edges[1], { color: colors.other, width: 4, name: "octahedra that turn the other way" }) : []),
      ...Scene.points(list.map((o) => o.centre), { color: colors.body, size: 4, name: "centres" })];
  }

  const code = (row) => (row.index === 1 ? 'import numpy as np\nimport sbs\n\nsites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]\ncrystal = sbs.detect((4 * np.eye(3), sites, [20, 22, 8, 8, 8]), supercell=(2, 2, 2))\nprint(sbs.isotropy(crystal, "M3+", "R4+"))\n'
    : `import numpy as np\nimport sbs\n\nsites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]\ncrystal = sbs.detect((4 * np.eye(3), sites, [20, 22, 8, 8, 8]), supercell=(2, 2, 2))\n` +
      `row = next(r for r in sbs.isotropy(crystal, "M3+", "R4+") if r.direction == "${row.direction}")\nassert row.space_group.symbol == "${row.space_group}"\n` +
      "states = sbs.distortions(crystal, row.target).domain_states(0.3)\nprint(len(states))\n");

  function render(host, rows, wanted, announce) {
    const row = rows.find((r) => r.space_group === wanted) || rows.find((r) => r.space_group === "Pnma");
    const { view, plot } = Scene.frame(`Octahedra of the tilt system ${row.glazer}`);
    const slide = h("input", { type: "range", min: 0, max: 100, value: 100 * state.amount, id: "tilt-amount", oninput: () => { state.amount = slide.value / 100; draw(); } });
    const draw = () => Scene.draw(plot, traces(row.turns, state.amount));
    const states = row.orientation_states * row.antiphase_states;
    const facts = [["tilt system", glazer(row.glazer)], ["space group", h("span", {}, mauguin(row.space_group), ` (${row.number})`)],
      ["order parameter", `${row.direction} of M3+ | R4+`], ["index", String(row.index)],
      ["domain states", `${states}: ${row.orientation_states} orientation × ${row.antiphase_states} antiphase`],
      ["primitive cell", `${row.cell} × that of the parent`], ["free tilt angles", String(row.free)]];
    host.replaceChildren(h("h2", {}, "Tilt systems of perovskites"),
      h("p", {}, "Octahedra that share corners turn about x, y and z: in phase along the axis (+, the order parameter M3+) or out of phase (−, R4+). If no axis carries both, fifteen systems are possible, the untilted parent among them. ",
        "Each is a target of the parent’s space group in a cell of 2 × 2 × 2; an object that leads there is a field on the sites, one for each domain state."),
      h("div", { class: "columns" },
        h("section", { class: "panel" }, Tables.table(["system", "space group", "no.", "direction", "index", "domain states", "free"],
          rows.map((r) => [h("a", { href: `#tilts/${encodeURIComponent(r.space_group)}`, "aria-current": r === row ? "true" : null }, glazer(r.glazer)), mauguin(r.space_group), r.number, r.direction, r.index, r.orientation_states * r.antiphase_states, r.free]),
          { id: "tilt-list", caption: "The fifteen simple tilt systems" })),
        h("section", { class: "panel", id: "tilt", "aria-label": "tilt system" }, h("h3", {}, glazer(row.glazer), "  ", mauguin(row.space_group)), view,
          h("label", { class: "slide" }, "no tilt ", slide, " tilted"),
          h("dl", { class: "numbers" }, ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
          h("h3", {}, "Code"), Dom.code(code(row), announce, { id: "python", button: "copy" }))),
      h("p", { class: "legend" }, "C. J. Howard and H. T. Stokes, Acta Cryst. B 54, 782 (1998). On the command line: sbs isotropy perovskite.cif M3+ R4+ --supercell 2."));
    draw();
  }

  return { octahedra, render };
})();
