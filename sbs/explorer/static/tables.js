"use strict";
// Character table, elements, site symmetries and the list of targets of a group.

const Tables = (() => {
  const h = Target.h;

  function table(head, rows, options = {}) {
    const cell = (tag) => (text) => (text instanceof Node ? h(tag, {}, text) : h(tag, {}, text === "infinite" ? "∞" : String(text)));
    return h("div", { class: "scroll", tabindex: 0 }, h("table", options, h("thead", {}, h("tr", {}, ...head.map(cell("th")))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...row.map(cell("td")))))));
  }

  function characters(group) {
    const t = group.character_table, real = t.real;
    const complexRows = new Map(t.complex.map((row) => [row.name, row]));
    const rows = [];
    for (const irrep of real) {
      const functions = [...irrep.linear, ...irrep.rotation].join(", ");
      if (irrep.complex.length === 1) { rows.push([irrep.name, ...irrep.exact, functions, irrep.quadratic.join(", ")]); continue; }
      irrep.complex.forEach((name, i) => rows.push([i ? "" : irrep.name, ...complexRows.get(name).exact, i ? "" : functions, i ? "" : irrep.quadratic.join(", ")]));
    }
    const node = table([group.symbol, ...t.columns, "linear, rotations", "quadratic"], rows, { id: "characters" });
    if (!t.epsilon) return [node];
    return [node, h("p", { class: "legend" }, `ε = ${t.epsilon}. Two rows beside one name are complex conjugates; over the real numbers they are one representation of dimension 2.`)];
  }

  function elements(group) {
    const matrix = (rows) => h("span", { class: "matrix" }, ...rows.map((row) => h("span", {}, row.join("  "))));
    const rows = group.elements.map((e, i) => [i, e.symbol, group.element_classes[e.class].label, e.order, matrix(e.exact)]);
    return [table(["no.", "symbol", "class", "order", "matrix"], rows, { id: "elements" })];
  }

  function sites(group) {
    const rows = group.vector_sites.map((s) => [s.label, s.multiplicity,
      ["the origin", "on an axis", "on a plane", "anywhere (general vector)"][s.freedom],
      s.direction ? "(" + s.direction.map((x) => Number(x.toFixed(3))).join(", ") + ")" : "(0, 0, 0)"]);
    return [table(["site symmetry", "equivalent vectors", "where", "for example"], rows)];
  }

  function targets(group, link) {
    const rows = group.targets.map((t, i) => {
      const c = group.subgroup_classes[i];
      return [h("a", { href: link(t.label) }, t.label), c.hermann_mauguin, c.order, t.size, t.ideal ? "yes" : "no", t.degeneracy, t.irreps,
        t.stabilizer.symbol, t.aizu || ""];
    });
    return [table(["target", "HM", "order", "objects", "ideal", "orbits", "irreps", "H", "species"], rows)];
  }

  return { characters, elements, sites, table, targets };
})();
