"use strict";
// Every target of every group in one list, to sort and to sieve; and the pages of infinite groups.

const Overview = (() => {
  const { h, mauguin, symbol } = Dom;
  const SHOWN = 100; // rows drawn at first
  const COLUMNS = [["group", "group"], ["target", "target"], ["order", "order of group"], ["index", "outputs"], ["size", "objects"], ["ideal", "ideal"], ["degeneracy", "orbits"], ["irreps", "irreps"], ["aizu", "species"]];
  const state = { text: "", ideal: "any", system: "any", sort: "position", down: false, all: false };
  const magnitude = (v) => (v === "infinite" ? Infinity : v === true ? 1 : v === false ? 0 : v);

  function select(label, id, entries, onChange) {
    const node = h("select", { id, onchange: () => onChange(node.value) }, ...entries.map(([value, text]) => h("option", { value, selected: state[id.slice(5)] === value }, text)));
    return h("label", {}, `${label} `, node);
  }

  const kept = (rows) => rows.filter((r) => (state.ideal === "any" || (state.ideal === "ideal") === r.ideal || (state.ideal === "infinite" && r.size === "infinite")) &&
    (state.ideal !== "infinite" || r.size === "infinite") && (state.ideal !== "not" || !r.ideal) &&
    (state.system === "any" || (r.system || "not crystallographic") === state.system) &&
    (!state.text || `${r.group} ${r.target} ${r.irreps} ${r.aizu || ""}`.toLowerCase().includes(state.text)));

  function sorted(rows) {
    const key = state.sort, sign = state.down ? -1 : 1;
    return rows.slice().sort((a, b) => {
      const x = magnitude(a[key]), y = magnitude(b[key]);
      if (x === null || x === undefined) return y === null || y === undefined ? a.position - b.position : 1;
      if (y === null || y === undefined) return -1;
      return (x < y ? -sign : x > y ? sign : a.position - b.position);
    });
  }

  function render(host, rows, announce) {
    const body = h("tbody", {}), count = h("p", { id: "targets-count", role: "status" }), more = h("button", { type: "button", onclick: () => { state.all = true; fill(); } });
    const heads = COLUMNS.map(([key, text]) => {
      const button = h("button", { type: "button", class: "sort", onclick: () => { state.down = state.sort === key ? !state.down : false; state.sort = key; fill(); } }, text);
      return h("th", { scope: "col", "data-key": key }, button);
    });
    const fill = () => {
      const list = sorted(kept(rows)), shown = state.all ? list : list.slice(0, SHOWN);
      count.textContent = `${list.length} of ${rows.length} targets`;
      more.textContent = `show all ${list.length}`;
      more.hidden = shown.length === list.length;
      heads.forEach((th) => th.setAttribute("aria-sort", th.dataset.key === state.sort ? (state.down ? "descending" : "ascending") : "none"));
      body.replaceChildren(...shown.map((r) => h("tr", {},
        h("td", {}, symbol(r.group)), h("td", {}, h("a", { href: `#${encodeURIComponent(r.group)}/${encodeURIComponent(r.target)}` }, symbol(r.target))),
        ...[r.order, r.index, r.size === "infinite" ? "∞" : r.size, r.ideal ? "yes" : "no", r.degeneracy === "infinite" ? "∞" : r.degeneracy, r.irreps, r.aizu || ""].map((x) => h("td", {}, String(x))))));
    };
    const systems = [...new Set(rows.map((r) => r.system || "not crystallographic"))];
    const text = h("input", { type: "search", id: "find-text", value: state.text, placeholder: "C4v, 1x1o, m-3mF…", oninput: () => { state.text = text.value.trim().toLowerCase(); fill(); } });
    host.replaceChildren(h("h2", {}, "All targets of all groups"),
      h("p", {}, "Each row is a question, “which objects take an input of this symmetry to an output of that one?”, and its answer. ",
        "A set is ideal if it has one object for each symmetry-equivalent output."),
      h("div", { class: "sieve" }, h("label", {}, "containing ", text),
        select("sets", "find-ideal", [["any", "all"], ["ideal", "ideal"], ["not", "all that are not ideal"], ["infinite", "infinite"]], (v) => { state.ideal = v; fill(); }),
        select("crystal system", "find-system", [["any", "all"], ...systems.map((s) => [s, s])], (v) => { state.system = v; fill(); })),
      count,
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "All targets" }, h("table", { id: "all-targets" }, h("caption", { class: "unseen" }, "All targets of all groups"), h("thead", {}, h("tr", {}, ...heads)), body)), more);
    fill();
    announce(count.textContent);
  }

  // A group with infinitely many elements.
  function infinite(host, group, announce) {
    const rows = group.targets.map((t) => [symbol(t.target), t.size === "infinite" ? "∞" : t.size, t.shape, t.ideal ? "yes" : "no", t.irreps,
      h("code", {}, `sbs.minimal_set("${group.symbol}", "${t.target}")`)]);
    host.replaceChildren(h("h2", {}, symbol(group.symbol), "  ", mauguin(group.hermann_mauguin)),
      h("p", {}, `${group.about} It has infinitely many elements and infinitely many classes of subgroups, so there is no diagram; a set for any target is found on the spot.`),
      h("p", {}, "Normalizer in O(3): ", symbol(group.normalizer), ". An infinite set is ideal if it is one orbit of the group: then one pair (object, output) still teaches all of them."),
      Tables.table(["target", "objects", "the set is", "ideal", "irreps", "in Python"], rows, { id: "infinite-targets", caption: `Some targets of ${group.symbol}` }),
      h("h3", {}, "Code"), Dom.code(`import sbs\n\ns = sbs.minimal_set("${group.symbol}", "${group.targets[0].target}")\nprint(s)\nprint(s.sample(5, seed=0))\n`, announce, { id: "python", button: "copy" }));
  }

  return { infinite, render };
})();
