"use strict";
// Character table, elements, site symmetries, splittings, products and the list of targets of a group.

const Tables = (() => {
  const { h, mauguin, symbol } = Dom;
  const asCell = (text) => (text instanceof Node ? text : text === "infinite" ? "∞" : String(text));

  function table(head, rows, options = {}) {
    const { firstIsHead, caption, ...attributes } = options;
    const cells = (row) => row.map((text, i) => h(firstIsHead && i === 0 ? "th" : "td", firstIsHead && i === 0 ? { scope: "row" } : {}, asCell(text)));
    return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, h("table", attributes,
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, asCell(text))))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...cells(row))))));
  }

  const sum = (text) => (text ? h("span", {}, ...text.split(" + ").flatMap((term, i) => [i ? " + " : "", symbol(term)])) : "–");

  function characters(group) {
    const t = group.character_table, columns = group.column_order, pick = (list) => columns.map((c) => list[c].replaceAll("-", "−"));
    const complexRows = new Map(t.complex.map((row) => [row.name, row])), rows = [];
    for (const irrep of t.real) {
      const functions = [...irrep.linear, ...irrep.rotation].join(", "), quadratic = irrep.quadratic.join(", ");
      if (irrep.complex.length === 1) { rows.push([symbol(irrep.name), ...pick(irrep.exact), functions, quadratic]); continue; }
      irrep.complex.forEach((name, i) => rows.push([i ? "" : symbol(irrep.name), ...pick(complexRows.get(name).exact), i ? "" : functions, i ? "" : quadratic]));
    }
    const node = table([symbol(group.symbol), ...columns.map((c) => symbol(t.columns[c])), "linear, rotations", "quadratic"], rows,
      { id: "characters", firstIsHead: true, caption: `Character table of ${group.symbol}` });
    if (!t.epsilon) return [node];
    return [node, h("p", { class: "legend" }, `ε = ${t.epsilon}. Two rows beside one name are complex conjugates; over the real numbers they are one representation of dimension 2.`)];
  }

  function elements(group) {
    const matrix = (rows) => h("span", { class: "matrix" }, ...rows.map((row) => h("span", {}, row.join("  "))));
    const rows = group.elements.map((e, i) => [i, symbol(e.symbol), symbol(group.element_classes[e.class].label), e.order, matrix(e.exact)]);
    return [table(["no.", "symbol", "class", "order", "matrix"], rows, { id: "elements", caption: `Elements of ${group.symbol}` })];
  }

  function sites(group) {
    const rows = group.vector_sites.map((s) => [symbol(s.label), s.multiplicity,
      ["the origin", "on an axis", "on a plane", "anywhere (general vector)"][s.freedom],
      s.direction ? "(" + s.direction.map((x) => Number(x.toFixed(3))).join(", ") + ")" : "(0, 0, 0)"]);
    return [table(["site symmetry", "equivalent vectors", "where", "for example"], rows, { caption: `Site symmetries of vectors under ${group.symbol}` })];
  }

  // What l and each irrep of S become in K.
  function correlation(group, target) {
    const degrees = group.degrees.map((d, i) => [d.irrep, sum(d.content), sum(target.correlation.degrees[i])]);
    const irreps = group.character_table.real.map((irrep, i) => [symbol(irrep.name), irrep.dimension, sum(target.correlation.irreps[i]),
      target.carriers.includes(irrep.name) ? "carries the object" : ""]);
    return [
      table([h("span", {}, "irrep of ", symbol(group.symbol)), "dimension", h("span", {}, "in ", symbol(target.label)), "order parameter"], irreps,
        { id: "correlation", firstIsHead: true, caption: `Correlation table of ${group.symbol} and ${target.label}` }),
      table(["irrep of O(3)", h("span", {}, "in ", symbol(group.symbol)), h("span", {}, "in ", symbol(target.label))], degrees,
        { id: "degrees", firstIsHead: true, caption: `Irreps of O(3) in ${group.symbol} and ${target.label}` }),
      h("p", { class: "legend" }, "An irrep of the group that holds the trivial one of the target has vectors that the target keeps: an order parameter can lie there. Names of the target's irreps are those of its standard setting, turned to where it lies."),
    ];
  }

  function products(group) {
    const names = group.character_table.real.map((irrep) => irrep.name);
    const rows = group.products.map((row, i) => [symbol(names[i]), ...row.map((cell) => sum(cell))]);
    return [table(["⊗", ...names.map((n) => symbol(n))], rows, { id: "products", firstIsHead: true, caption: `Products of irreps of ${group.symbol}` })];
  }

  function targets(group, link) {
    const rows = group.targets.map((t, i) => {
      const c = group.subgroup_classes[i];
      return [h("a", { href: link(t.label) }, symbol(t.label)), mauguin(c.hermann_mauguin), c.order, t.size, t.ideal ? "yes" : "no", t.degeneracy, t.irreps,
        symbol(t.stabilizer.symbol), t.aizu || ""];
    });
    return [table(["target", "HM", "order", "objects", "ideal", "orbits", "irreps", "H", "species"], rows, { caption: `Targets of ${group.symbol}` })];
  }

  return { characters, correlation, elements, products, sites, sum, table, targets };
})();
