"use strict";
// The live pictures of the Concepts page. Each draws into a frame for turning pictures or, if it is flat, into SVG.

const Concepts = (() => {
  const G = Geometry, { h, svg, symbol } = Dom;

  function slider(text, options, onInput) {
    const output = h("output", {}, options.shown || "");
    delete options.shown;
    const input = h("input", { type: "range", ...options, oninput: () => onInput(Number(input.value), output) });
    return { node: h("label", {}, text, input, output), input, output };
  }

  function choice(text, entries, onChange) {
    const select = h("select", { onchange: () => onChange(select.value) }, ...entries.map(([value, name]) => h("option", { value }, name)));
    return { node: h("label", {}, text + " ", select), select };
  }

  const fixed = (x) => (Math.abs(x) < 0.0005 ? "0" : x.toFixed(3).replace("-", "−"));
  const matrixText = (m) => m.map((row) => row.map((x) => fixed(x).padStart(7)).join("")).join("\n");

  // --- 1 representation --------------------------------------------------------------------------------------------

  const FEATURES = { 1: [0.48, 0.6, 0.64], 2: [0.35, -0.3, 0.6, 0.2, 0.62], 3: [0.1, 0.6, -0.2, 0.3, 0.4, -0.3, 0.5] };

  function representation(plot, panel) {
    const state = { l: 2, angle: 0 }, axis = G.unit([1, 1, 1]);
    const numbers = h("pre", {}), feature = h("output", {});
    const draw = (options) => {
      const colors = Scene.palette(), turn = G.rotation(axis, state.angle * Math.PI / 180), d = G.wigner(state.l, turn);
      const b = d.map((row) => row.reduce((sum, x, j) => sum + x * FEATURES[state.l][j], 0));
      const traces = state.l === 1 ? Scene.arrows([b], { color: colors.selected, width: 9, head: 0.24 })
        : Scene.solid(state.l, b, { positive: colors.selected, negative: colors.negative });
      traces.push(...Scene.segments([[G.scale(axis, -1.5), G.scale(axis, 1.5)]], { color: colors.kept, width: 4 }));
      Scene.draw(plot, traces, options);
      numbers.textContent = matrixText(d);
      feature.textContent = `D(g) b = (${b.map(fixed).join(", ")})`;
    };
    panel.append(
      choice("feature of degree", [[1, "l = 1, an arrow"], [2, "l = 2"], [3, "l = 3"]], (v) => { state.l = Number(v); draw(); }).node,
      slider("turn about the axis", { min: 0, max: 360, value: 0, shown: "0°" }, (v, out) => { state.angle = v; out.textContent = `${v}°`; draw(); }).node,
      h("p", { class: "legend" }, "D(g):"), numbers, feature);
    panel.querySelector("select").value = "2";
    return draw;
  }

  // --- 2 irreps ----------------------------------------------------------------------------------------------------

  const AXIS = G.unit([1, 2, 3]);

  // Nine products of components: R ⊗ R. In the basis of irreps: the blocks of degree 0, 1 and 2.
  function nine(angle, blocks) {
    const r = G.rotation(AXIS, angle * Math.PI / 180), m = Array.from({ length: 9 }, () => new Array(9).fill(0));
    if (!blocks) { for (let i = 0; i < 9; i++) for (let j = 0; j < 9; j++) m[i][j] = r[Math.floor(i / 3)][Math.floor(j / 3)] * r[i % 3][j % 3]; return m; }
    let start = 0;
    for (const l of [0, 1, 2]) {
      G.wigner(l, r).forEach((row, i) => row.forEach((x, j) => { m[start + i][start + j] = x; }));
      start += 2 * l + 1;
    }
    return m;
  }

  function irreps(host, panel) {
    const state = { angle: 40, blocks: false }, words = h("p", { class: "verdict", id: "irreps-verdict" });
    const draw = () => {
      const m = nine(state.angle, state.blocks), root = svg("svg", { viewBox: "-8 -8 286 286", role: "img", "aria-label": "A matrix of nine rows and nine columns" });
      m.forEach((row, i) => row.forEach((x, j) => {
        const size = 28 * Math.sqrt(Math.min(1, Math.abs(x)));
        root.append(svg("rect", { x: 30 * j, y: 30 * i, width: 29, height: 29, class: "cell" }));
        if (size > 1) root.append(svg("rect", { x: 30 * j + 14.5 - size / 2, y: 30 * i + 14.5 - size / 2, width: size, height: size, class: x > 0 ? "plus" : "minus" }));
      }));
      if (state.blocks) for (const [at, n] of [[0, 1], [1, 3], [4, 5]]) root.append(svg("rect", { x: 30 * at - 1, y: 30 * at - 1, width: 30 * n + 1, height: 30 * n + 1, class: "block" }));
      host.replaceChildren(root);
      const zero = m.flat().filter((x) => Math.abs(x) < 1e-9).length;
      words.textContent = state.blocks ? `${zero} of the 81 entries are zero: all outside the blocks of 1, 3 and 5.` : zero ? `${zero} of the 81 entries are zero at this angle.` : "None of the 81 entries is zero: everything mixes.";
    };
    panel.append(
      choice("basis", [["products", "nine products of components"], ["blocks", "irreps 0, 1, 2"]], (v) => { state.blocks = v === "blocks"; draw(); }).node,
      slider("turn", { min: 0, max: 360, value: 40, shown: "40°" }, (v, out) => { state.angle = v; out.textContent = `${v}°`; draw(); }).node, words,
      h("p", { class: "legend" }, "The larger a square, the larger the entry; orange is positive, blue negative."));
    return draw;
  }

  // --- 3 harmonics -------------------------------------------------------------------------------------------------

  function harmonics(plot, panel) {
    const state = { l: 2, m: 2 };
    const components = slider("component", { min: 0, max: 4, value: 2, shown: "number 3 of 5" }, (v, out) => { state.m = v; out.textContent = `number ${v + 1} of ${2 * state.l + 1}`; draw(); });
    const draw = (options) => {
      const colors = Scene.palette(), one = new Array(2 * state.l + 1).fill(0);
      one[state.m] = 1;
      const look = { positive: colors.selected, negative: colors.negative, text: colors.ink };
      Scene.draw(plot, state.l === 0 ? Scene.ball(1, look, { size: 0.8 }) : Scene.solid(state.l, one, look), options);
    };
    const degree = slider("degree l", { min: 0, max: 5, value: 2, shown: "l = 2: 5 numbers" }, (v, out) => {
      state.l = v; state.m = v;
      out.textContent = `l = ${v}: ${2 * v + 1} number${v ? "s" : ""}`;
      components.input.max = String(2 * v); components.input.value = String(v);
      components.output.textContent = `number ${v + 1} of ${2 * v + 1}`;
      draw();
    });
    panel.append(degree.node, components.node);
    return draw;
  }

  // --- 4 tensor product --------------------------------------------------------------------------------------------

  function product(plot, panel) {
    const state = { angle: 60, part: "2e" }, words = h("output", {});
    const draw = (options) => {
      const colors = Scene.palette(), t = state.angle * Math.PI / 180, a = [1, 0, 0], b = [Math.cos(t), Math.sin(t), 0];
      const dot = G.dot(a, b), cross = G.cross(a, b);
      // f(v) = (a·v)(b·v) − (a·b)/3 on the sphere; its coefficients are integrals, here by a fine sum.
      const c2 = project(2, (v) => G.dot(a, v) * G.dot(b, v) - dot / 3);
      const traces = [...Scene.arrows([a], { color: colors.ink, width: 6, head: 0.16 }), ...Scene.arrows([b], { color: colors.other, width: 6, dash: "dash", head: 0.16 }),
        Scene.label(G.scale(a, 1.12), "a", { color: colors.ink, size: 16 }), Scene.label(G.scale(b, 1.14), "b", { color: colors.other, size: 16 })];
      const look = { positive: colors.selected, negative: colors.negative, text: colors.ink };
      if (state.part === "0e") traces.push(...(Math.abs(dot) > 0.02 ? Scene.ball(dot, look, { size: 0.5 * Math.sqrt(Math.abs(dot)) }) : []));
      if (state.part === "1e") traces.push(...Scene.arrows([cross], { color: colors.selected, width: 9, head: 0.22 }));
      if (state.part === "2e") traces.push(...Scene.solid(2, c2, look, { size: 0.9 * G.norm(c2) / 0.8, opacity: 0.85 }));
      Scene.draw(plot, traces, options);
      words.textContent = `0e: a·b = ${fixed(dot)};  1e: |a×b| = ${fixed(G.norm(cross))};  2e: norm ${fixed(G.norm(c2))}`;
    };
    panel.append(
      slider("angle between a and b", { min: 0, max: 180, value: 60, shown: "60°" }, (v, out) => { state.angle = v; out.textContent = `${v}°`; draw(); }).node,
      choice("show", [["2e", "2e, degree 2"], ["1e", "1e, cross product"], ["0e", "0e, dot product"]], (v) => { state.part = v; draw(); }).node, words);
    return draw;
  }

  // Coefficients of a function of degree at most 2 l on the sphere, by a product rule exact for it.
  function project(l, f) {
    const result = new Array(2 * l + 1).fill(0), n = 24;
    for (let i = 0; i < n; i++) {
      const z = -1 + (2 * i + 1) / n, s = Math.sqrt(1 - z * z);
      for (let j = 0; j < n; j++) {
        const phi = 2 * Math.PI * (j + 0.5) / n, v = [s * Math.cos(phi), s * Math.sin(phi), z], y = G.sphericalHarmonics(l, v), value = f(v);
        for (let m = 0; m < y.length; m++) result[m] += y[m] * value * 4 * Math.PI / (n * n);
      }
    }
    return result;
  }

  // --- 5 obstacle --------------------------------------------------------------------------------------------------

  const CORNERS = [-1, 1].flatMap((x) => [-1, 1].flatMap((y) => [-1, 1].map((z) => [0.7 * x, 0.7 * y, 0.7 * z])));
  const CUBE = CORNERS.flatMap((a) => CORNERS.filter((b) => G.norm(G.add(a, G.scale(b, -1))) < 1.5 && b.join() > a.join()).map((b) => [a, b]));

  async function obstacle(plot, panel, { unpack }) {
    const group = await unpack("Oh"), matrices = group.elements.map((e) => e.matrix), v = G.unit([0.25, 0.45, 0.86]);
    const state = { k: 1 }, words = h("p", { class: "verdict" });
    const draw = (options) => {
      const colors = Scene.palette(), copies = matrices.slice(0, state.k).map((m) => G.apply(m, v));
      const mean = G.scale(copies.reduce(G.add, [0, 0, 0]), 1 / state.k), length = G.norm(mean);
      Scene.draw(plot, [...Scene.segments(CUBE, { color: colors.faint, width: 2 }), ...Scene.points(CORNERS, { color: colors.faint, size: 5 }),
        ...Scene.arrows(copies, { color: colors.other, width: 2, dash: "dash", head: 0.1, opacity: 0.7 }),
        ...Scene.arrows(length > 0.01 ? [mean] : [], { color: colors.selected, width: 10, head: 0.24 }),
        ...Scene.points(length > 0.01 ? [] : [[0, 0, 0]], { color: colors.selected, size: 9 })], options);
      words.textContent = length > 0.01 ? `The mean of ${state.k} ${state.k === 1 ? "copy" : "copies"} still has length ${fixed(length)}.` : `The mean of ${state.k} copies is exactly zero${state.k === group.order ? ": no arrow survives the whole group" : ", and moves away again with the next"}.`;
    };
    panel.append(slider("copies of one arrow, one for each element of Oh", { min: 1, max: 48, value: 1, shown: "1 of 48" },
      (k, out) => { state.k = k; out.textContent = `${k} of 48`; draw(); }).node, words);
    return draw;
  }

  // --- 6 set -------------------------------------------------------------------------------------------------------

  async function set(plot, panel, { unpack }) {
    const group = await unpack("Oh"), target = group.targets.find((t) => t.label === "C4v"), objects = target.objects;
    const state = { index: 0 };
    const buttons = objects.map((_, i) => h("button", { class: "chip", type: "button", onclick: () => { state.index = i; draw(); } }, `b${i + 1}`));
    const words = h("p", { class: "verdict" });
    const draw = (options) => {
      const colors = Scene.palette(), b = objects[state.index], centre = G.scale(b, 0.3);
      const rest = objects.filter((_, i) => i !== state.index);
      Scene.draw(plot, [...Scene.segments(CUBE, { color: colors.faint, width: 2 }), ...Scene.points(CORNERS, { color: colors.faint, size: 6 }),
        ...Scene.arrows(rest, { color: colors.other, width: 3, dash: "dash", head: 0.13 }), ...Scene.arrows([b], { color: colors.selected, width: 9, head: 0.22 }),
        ...Scene.points([centre], { color: colors.kept, size: 12 })], options);
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === state.index)));
      words.textContent = `f(cube, b${state.index + 1}) moves the central atom along (${b.join(", ").replaceAll("-", "−")}). Symmetries left: ${target.fixed_by[state.index].length} of ${group.order}.`;
    };
    panel.append(h("p", {}, "object given to the network:"), h("div", { class: "chips" }, ...buttons), words,
      h("p", {}, h("a", { href: "#Oh/C4v" }, symbol("Oh"), " → ", symbol("C4v"), " in the explorer")));
    return draw;
  }

  // --- 7 normalizer ----------------------------------------------------------------------------------------------------

  const inPlane = (degrees, z = 0) => { const t = degrees * Math.PI / 180; return G.unit([Math.cos(t), Math.sin(t), z]); };
  const SETS = {
    closed: [30, 90, 150, 210, 270, 330].map((d) => inPlane(d)),
    open: [0, 120, 240].flatMap((d) => [inPlane(d, 0.6), inPlane(d, -0.6)]),
  };
  const PRISM = [0, 120, 240].flatMap((d) => [0.45, -0.45].map((z) => { const v = inPlane(d); return [0.8 * v[0], 0.8 * v[1], z]; }));

  function closed(plot, panel) {
    const state = { kind: "open", angle: 0 }, words = h("p", { class: "verdict", id: "closed-verdict" });
    const draw = (options) => {
      const colors = Scene.palette(), g = G.rotation([0, 0, 1], state.angle * Math.PI / 180), P = SETS[state.kind];
      const turned = P.map((v) => G.apply(g, v)), corners = PRISM.map((v) => G.apply(g, v));
      const edges = [[0, 2], [2, 4], [4, 0], [1, 3], [3, 5], [5, 1], [0, 1], [2, 3], [4, 5]].map(([a, b]) => [corners[a], corners[b]]);
      const agree = turned.every((v) => P.some((p) => G.same(p, v)));
      const normal = state.angle % 60 === 0;
      const wrong = normal ? turned.filter((v) => !P.some((p) => G.same(p, v))) : [];
      Scene.draw(plot, [...Scene.segments(edges, { color: colors.faint, width: 5 }), ...corners.flatMap((c) => Scene.screw(-1, { color: colors.kept, width: 3, name: "mark" }, { shift: c, length: 0.34, radius: 0.09, bare: true })),
        ...(normal ? Scene.arrows(P, { color: colors.other, width: 4, dash: "dash", head: 0.13 }) : []),
        ...Scene.arrows(turned, { color: colors.selected, width: 8, head: 0.2 }),
        ...Scene.crosses(wrong, { color: colors.ink, name: "not in P" })], options);
      words.textContent = !normal ? `Turned by ${state.angle}°: another symmetry group, another set; no question arises. Try 60°.`
        : agree ? `Turned by ${state.angle}°: the symmetry group is the same, and gP = P. The two demands agree.`
          : `Turned by ${state.angle}°: the symmetry group is the same, but ${wrong.length} of the ${P.length} arrows of gP (crosses) are not in P. The two demands contradict each other.`;
    };
    const turnTo = (v) => { state.angle = v; angle.input.value = String(v); angle.output.textContent = `${v}°`; draw(); };
    const angle = slider("turn the prism", { min: 0, max: 180, step: 10, value: 0, shown: "0°" }, turnTo);
    panel.append(
      choice("set", [["open", "three directions, up and down"], ["closed", "six directions in the plane"]], (v) => { state.kind = v; draw(); }).node,
      angle.node,
      h("button", { type: "button", id: "turn-60", onclick: () => turnTo((state.angle + 60) % 180) }, "Turn by 60°"), words,
      h("p", {}, h("a", { href: "#D3/C1" }, symbol("D3"), " → ", symbol("C1"), " in the explorer")));
    return draw;
  }

  // --- 8 degeneracy ------------------------------------------------------------------------------------------------

  function degeneracy(host, panel, { degenerate }) {
    const { objects, orbits } = degenerate, known = new Set(), words = h("p", { class: "verdict", id: "degeneracy-verdict" });
    const draw = () => {
      const root = svg("svg", { viewBox: "0 0 420 250", role: "img", "aria-label": `Objects and outputs; known are ${known.size ? [...known].map((i) => i + 1).join(", ") : "none"}` });
      objects.forEach((_, i) => {
        const x = 60 + 100 * i, orbit = orbits[i], answered = [...known].some((j) => orbits[j] === orbit), told = known.has(i);
        const mark = orbit ? svg("rect", { x: x - 18, y: 32, width: 36, height: 36, class: `orbit${orbit}` }) : svg("circle", { cx: x, cy: 50, r: 20, class: `orbit${orbit}` });
        const name = svg("text", { x, y: 55, class: "on" }), answer = svg("text", { x, y: 193 }), note = svg("text", { x, y: 225, class: "small" });
        name.textContent = `b${i + 1}`;
        answer.textContent = answered ? `y${i + 1}` : "?";
        note.textContent = told ? "shown" : answered ? "follows" : "";
        root.append(mark, name, svg("path", { d: `M${x} 76 V158`, class: answered ? "arrow known" : "arrow" }), svg("rect", { x: x - 22, y: 166, width: 44, height: 40, rx: 6, class: answered ? "answer known" : "answer" }), answer, note);
      });
      host.replaceChildren(root);
      const answered = objects.filter((_, i) => [...known].some((j) => orbits[j] === orbits[i])).length;
      words.textContent = answered === objects.length ? `${known.size} pair${known.size === 1 ? "" : "s"} shown; all ${objects.length} answers are known.` : `${known.size} pair${known.size === 1 ? "" : "s"} shown; ${answered} of ${objects.length} answers are known.`;
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(known.has(i))));
    };
    const buttons = objects.map((_, i) => h("button", { class: "chip", type: "button", onclick: () => { if (known.has(i)) known.delete(i); else known.add(i); draw(); } }, `pair ${i + 1}`));
    panel.append(h("p", {}, "pairs that the network is shown:"), h("div", { class: "chips" }, ...buttons), words,
      h("p", { class: "legend" }, `The objects are those of ${degenerate.code}.`));
    return draw;
  }

  // --- 9 data efficiency -------------------------------------------------------------------------------------------

  function efficiency(host, panel, { curves }) {
    const state = { n: 1 }, list = h("ul", { id: "efficiency-values" }), LOW = -17, HIGH = 1, DASH = ["", "8 4", "2 4"];
    const x = (n) => 50 + 64 * (n - 1), y = (v) => 20 + 240 * (HIGH - Math.max(LOW, Math.log10(v))) / (HIGH - LOW);
    const draw = () => {
      const root = svg("svg", { viewBox: "0 0 420 310", role: "img", "aria-label": "Error after training on n pairs, on a logarithmic scale" });
      for (let e = 0; e >= -16; e -= 4) {
        const text = svg("text", { x: 42, y: y(10 ** e) + 4, class: "small end" });
        text.textContent = e ? `1e−${-e}` : "1";
        root.append(svg("line", { x1: 48, x2: 380, y1: y(10 ** e), y2: y(10 ** e), class: "rule" }), text);
      }
      for (let n = 1; n <= 6; n++) { const text = svg("text", { x: x(n), y: 282, class: "small" }); text.textContent = String(n); root.append(text); }
      const axis = svg("text", { x: 210, y: 304, class: "small" });
      axis.textContent = "pairs shown (n)";
      root.append(axis, svg("line", { x1: x(state.n), x2: x(state.n), y1: 16, y2: 264, class: "now" }));
      curves.forEach((curve, i) => {
        root.append(svg("polyline", { points: curve.shown.map((n, k) => `${x(n)},${y(curve.mismatch[k]).toFixed(1)}`).join(" "), class: `curve curve${i}`, "stroke-dasharray": DASH[i] || null }));
        curve.shown.forEach((n, k) => root.append(svg("circle", { cx: x(n), cy: y(curve.mismatch[k]).toFixed(1), r: 4, class: `dot${i}` })));
      });
      host.replaceChildren(root);
      list.replaceChildren(...curves.map((c, i) => h("li", { class: `curve${i}` }, `${["solid", "dashed", "dotted"][i]}: ${c.name}: `, state.n <= c.objects ? `error ${c.mismatch[state.n - 1].toExponential(0).replace("-", "−")}` : `has only ${c.objects} pairs`)));
    };
    panel.append(slider("pairs shown", { min: 1, max: 6, value: 1, shown: "n = 1" }, (v, out) => { state.n = v; out.textContent = `n = ${v}`; draw(); }).node, list);
    return draw;
  }

  // --- the page ----------------------------------------------------------------------------------------------------

  const DEMOS = { representation, irreps, harmonics, product, obstacle, set, closed, degeneracy, efficiency };
  const FLAT = new Set(["irreps", "degeneracy", "efficiency"]);
  let demos = null; // [{plot, draw, stale}], once the page is built
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) refresh(demos.find((d) => d.plot === entry.target));
  }, { rootMargin: "200px" });

  // Turning pictures are drawn when they come into view, because six scenes at once would hold up the page.
  function refresh(demo) {
    if (!demo.stale) return;
    demo.stale = false;
    demo.draw();
  }

  async function render(host, section, tools) {
    if (!demos) await build(host, tools);
    for (const demo of demos) {
      if (demo.flat) { demo.draw(); continue; }
      if (!demo.plot.dataset.drawn) demo.draw({ later: true });
      demo.stale = true;
      watcher.unobserve(demo.plot);
      watcher.observe(demo.plot);
    }
    if (tools.stay) return;
    const wanted = section && document.getElementById(`concept-${section}`);
    if (wanted) wanted.scrollIntoView(); else window.scrollTo(0, 0);
  }

  async function build(host, tools) {
    const made = [], parts = [], contents = h("ul", { class: "contents" });
    for (const concept of ConceptText) {
      const panel = h("div", {}), flat = FLAT.has(concept.id);
      const { view, plot } = flat ? { view: h("div", { class: "drawing" }), plot: null } : Scene.frame(`Live picture: ${concept.title}`);
      contents.append(h("li", {}, h("a", { href: `#concepts/${concept.id}` }, concept.title)));
      parts.push(h("section", { id: `concept-${concept.id}` }, h("h3", {}, concept.title), ...concept.before.map((text) => h("p", {}, ...Formula.prose(text))),
        h("div", { class: "formula" }, Formula.math(concept.formula, true)),
        h("p", {}, h("strong", {}, "Try: "), concept.try), h("div", { class: "demo" }, view, panel), ...concept.after.map((text) => h("p", {}, ...Formula.prose(text)))));
      made.push({ plot: plot || view, flat, stale: true, draw: await DEMOS[concept.id](plot || view, panel, tools) });
    }
    demos = made;
    host.replaceChildren(h("h2", {}, "Concepts"), h("p", {}, "How a network is made to respect symmetry, why that keeps it from choosing, and how a symmetry-breaking set lets it choose: nine ideas, each with a picture and one thing to try. " +
      "Pictures in space can be turned with the mouse or, when they have the focus, with the arrow keys."), contents, ...parts);
  }

  return { render };
})();
