"use strict";
// The first page: what this is, in one picture, and three ways on.

const Start = (() => {
  const { h, svg, symbol } = Dom;
  const DIRECTIONS = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, -1], [-1, 0, 0], [0, -1, 0]];
  const NAMES = ["+z", "+x", "+y", "−z", "−x", "−y"];
  const CORNERS = [-1, 1].flatMap((x) => [-1, 1].flatMap((y) => [-1, 1].map((z) => [x, y, z])));
  const FACES = [[[1, 0, 0], "side"], [[0, 1, 0], "front"], [[0, 0, 1], "top"]];

  const flat = ([x, y, z], size) => [size * (0.87 * (y - x)), size * (0.42 * (x + y) - z)];

  // A cube whose central atom moves by `amount` along a direction, and which stretches along with it.
  function cube(size, direction, amount, colors = "cube") {
    const stretch = (p) => p.map((x, i) => x * (1 + (direction[i] ? 0.22 * amount : -0.08 * amount)));
    const node = svg("g", { class: colors });
    for (const [normal, name] of FACES) {
      const axis = normal.findIndex((x) => x), face = CORNERS.filter((c) => c[axis] === 1), [a, b] = [0, 1, 2].filter((i) => i !== axis);
      face.sort((p, q) => Math.atan2(p[b], p[a]) - Math.atan2(q[b], q[a]));
      node.append(svg("polygon", { class: name, points: face.map((c) => flat(stretch(c), size).map((x) => x.toFixed(2)).join(",")).join(" ") }));
    }
    const centre = flat(direction.map((x) => 0.45 * amount * x), size), tip = flat(direction.map((x) => (0.45 + 0.75) * amount * x), size);
    if (amount > 0.05) node.append(svg("line", { class: "arrow", x1: centre[0], y1: centre[1], x2: tip[0], y2: tip[1] }));
    node.append(svg("circle", { class: "atom", cx: centre[0], cy: centre[1], r: size / 5 }));
    return node;
  }

  // The cube in the middle, its six outputs around it; a click makes the one in the middle follow.
  function picture(announce) {
    const root = svg("svg", { viewBox: "-320 -150 640 300", role: "group", "aria-label": "A cube and its six tetragonal outputs", class: "outputs" });
    const middle = svg("g", { transform: "translate(-200 0)" });
    let amount = 0, chosen = 0, timer = 0;
    const draw = () => middle.replaceChildren(cube(62, DIRECTIONS[chosen], amount));
    const follow = (i) => {
      chosen = i; amount = 0;
      clearInterval(timer);
      if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) amount = 1;
      else timer = setInterval(() => { amount = Math.min(1, amount + 0.1); draw(); if (amount >= 1) clearInterval(timer); }, 30);
      draw();
      root.querySelectorAll(".output").forEach((node, j) => node.setAttribute("aria-pressed", String(i === j)));
      announce(`Given the object ${NAMES[i]}, the cube stretches along it.`);
    };
    root.append(middle);
    DIRECTIONS.forEach((direction, i) => {
      const place = svg("g", { class: "output", transform: `translate(${20 + 110 * (i % 3)} ${i < 3 ? -72 : 72})`, role: "button", tabindex: i ? "-1" : "0", "aria-label": `give the object ${NAMES[i]}`, "aria-pressed": "false" });
      place.append(svg("rect", { x: -50, y: -64, width: 100, height: 128, rx: 8 }), cube(24, direction, 1));
      const name = svg("text", { x: 0, y: 58 });
      name.textContent = NAMES[i];
      place.append(name);
      place.addEventListener("click", () => follow(i));
      place.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); follow(i); } });
      root.append(place);
    });
    Dom.oneStop(root, ".output", (key, items, now) => items[items.indexOf(now) + ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: 3, ArrowUp: -3 }[key] || 99)]);
    const arrow = svg("path", { class: "way", d: "M-86 0 H-42 M-53 -8 L-41 0 L-53 8" });
    root.append(arrow);
    draw();
    return root;
  }

  // Two pickers; the second offers what the first allows.
  function pair(index, unpack, go) {
    const target = h("select", { id: "pick-target" }), answer = h("p", { class: "legend", id: "pick-answer", role: "status" });
    const group = h("select", { id: "pick-group" }, ...index.map((g) => h("option", { value: g.symbol, selected: g.symbol === "Oh" }, `${g.symbol}  ${g.hermann_mauguin}${g.system ? `  ${g.system}` : ""}`)));
    let table = null;
    const tell = () => {
      const t = table.targets.find((row) => row.label === target.value);
      answer.textContent = t.size === "infinite" ? `Infinitely many objects (${t.irreps}).` : `${Dom.plural(t.size, "object")} of irreps ${t.irreps}, ${t.ideal ? "ideal" : "not ideal"}.`;
    };
    const offer = async () => {
      table = await unpack(group.value);
      const wanted = group.value === "Oh" ? "C4v" : table.targets[Math.max(0, table.targets.length - 2)].label;
      target.replaceChildren(...table.targets.map((t, i) => h("option", { value: t.label, selected: t.label === wanted }, `${t.label}  ${table.subgroup_classes[i].hermann_mauguin}`)));
      tell();
    };
    group.addEventListener("change", offer);
    target.addEventListener("change", tell);
    offer();
    return [h("p", {}, h("label", {}, "The input has the symmetry ", group)), h("p", {}, h("label", {}, "the wanted output ", target)), answer,
      h("button", { type: "button", id: "pick-go", class: "main", onclick: () => go(group.value, target.value) }, "Show the set")];
  }

  function render(host, data, tools) {
    const { about, index } = data, { announce, unpack, go } = tools;
    host.replaceChildren(
      h("section", { class: "hero" },
        h("h2", {}, "An equivariant network cannot choose among equivalent outputs. A symmetry-breaking set tells it which one."),
        h("p", {}, "A cubic crystal has six equivalent tetragonal distortions, and the network’s output is never less symmetric than its input. ",
          "Give it one of six objects as a second input, and it can take any of them. ", h("code", {}, "sbs"), " finds the smallest such set for every pair of symmetries, and proves it."),
        picture(announce),
        h("p", { class: "legend" }, "Choose an object: the cube (", symbol("Oh"), ") becomes the output (", symbol("C4v"), ") that the object points to. ", h("a", { href: "#Oh/C4v" }, "The same set in full"), ".")),
      h("div", { class: "doors" },
        h("section", { class: "panel" }, h("h3", {}, "What is this?"), h("p", {}, "Nine ideas on live pictures: representation, irreps, spherical harmonics, tensor products, why outputs keep symmetry, how a set breaks it, the normalizer, degeneracy, data efficiency."),
          h("p", {}, h("a", { href: "#concepts", class: "main" }, "Read the concepts"))),
        h("section", { class: "panel" }, h("h3", {}, "Find my pair"), ...pair(index, unpack, go),
          h("p", {}, h("a", { href: "#targets" }, "or sieve all targets of all groups"))),
        h("section", { class: "panel" }, h("h3", {}, "From my crystal"), h("p", {}, "The page reads no files; the command does. It finds the symmetry of a structure, and the set between two of them."),
          Dom.code("sbs detect crystal.cif\nsbs between cubic.cif tetragonal.cif --write domains\n", announce, { name: "Copy" }),
          Dom.code('import sbs\n\ncrystal = sbs.detect("crystal.cif")\nprint(sbs.minimal_set(crystal, "C4v"))\n', announce))),
      h("section", { class: "about" }, h("p", {}, "Theory: ", h("cite", {}, about.paper), ". ", `sbs ${about.version}, licence ${about.licence}. To cite:`), Dom.code(about.bibtex, announce, { name: "Copy BibTeX", id: "bibtex" })));
  }

  return { cube, render };
})();
