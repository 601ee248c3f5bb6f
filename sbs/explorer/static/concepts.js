"use strict";
// The live pictures of the Concepts page.

const Concepts = (() => {
  const G = Geometry, h = Target.h;

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
    const draw = () => {
      const colors = Scene.palette(), turn = G.rotation(axis, state.angle * Math.PI / 180), d = G.wigner(state.l, turn);
      const b = d.map((row) => row.reduce((sum, x, j) => sum + x * FEATURES[state.l][j], 0));
      const traces = state.l === 1 ? Scene.arrows([b], { color: colors.selected, width: 9, head: 0.24 })
        : Scene.solid(state.l, b, { positive: colors.selected, negative: colors.negative });
      traces.push(...Scene.segments([[G.scale(axis, -1.5), G.scale(axis, 1.5)]], { color: colors.kept, width: 4 }));
      Scene.draw(plot, traces);
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

  function irreps(plot, panel) {
    const state = { l: 2, m: 2 };
    const components = slider("component", { min: 0, max: 4, value: 2, shown: "number 3 of 5" }, (v, out) => { state.m = v; out.textContent = `number ${v + 1} of ${2 * state.l + 1}`; draw(); });
    const draw = () => {
      const colors = Scene.palette(), one = new Array(2 * state.l + 1).fill(0);
      one[state.m] = 1;
      const look = { positive: colors.selected, negative: colors.negative, text: colors.ink };
      Scene.draw(plot, state.l === 0 ? Scene.ball(1, look, { size: 0.8 }) : Scene.solid(state.l, one, look));
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

  // --- 3 tensor product --------------------------------------------------------------------------------------------

  function product(plot, panel) {
    const state = { angle: 60, part: "2e" }, words = h("output", {});
    const draw = () => {
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
      Scene.draw(plot, traces);
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

  // --- 4 obstacle --------------------------------------------------------------------------------------------------

  const CORNERS = [-1, 1].flatMap((x) => [-1, 1].flatMap((y) => [-1, 1].map((z) => [0.7 * x, 0.7 * y, 0.7 * z])));
  const CUBE = CORNERS.flatMap((a) => CORNERS.filter((b) => G.norm(G.add(a, G.scale(b, -1))) < 1.5 && b.join() > a.join()).map((b) => [a, b]));

  async function obstacle(plot, panel, unpack) {
    const group = await unpack("Oh"), matrices = group.elements.map((e) => e.matrix), v = G.unit([0.25, 0.45, 0.86]);
    const state = { k: 1 }, words = h("p", { class: "verdict" });
    const draw = () => {
      const colors = Scene.palette(), copies = matrices.slice(0, state.k).map((m) => G.apply(m, v));
      const mean = G.scale(copies.reduce(G.add, [0, 0, 0]), 1 / state.k), length = G.norm(mean);
      Scene.draw(plot, [...Scene.segments(CUBE, { color: colors.faint, width: 2 }), ...Scene.points(CORNERS, { color: colors.faint, size: 5 }),
        ...Scene.arrows(copies, { color: colors.other, width: 2, dash: "dash", head: 0.1, opacity: 0.7 }),
        ...Scene.arrows(length > 0.01 ? [mean] : [], { color: colors.selected, width: 10, head: 0.24 }),
        ...Scene.points(length > 0.01 ? [] : [[0, 0, 0]], { color: colors.selected, size: 9 })]);
      words.textContent = length > 0.01 ? `The mean of ${state.k} ${state.k === 1 ? "copy" : "copies"} still has length ${fixed(length)}.` : `The mean of ${state.k} copies is exactly zero.`;
    };
    panel.append(slider("copies of one arrow, turned by the first elements of Oh", { min: 1, max: 48, value: 1, shown: "1 of 48" },
      (k, out) => { state.k = k; out.textContent = `${k} of 48`; draw(); }).node, words);
    return draw;
  }

  // --- 5 set -------------------------------------------------------------------------------------------------------

  async function set(plot, panel, unpack) {
    const group = await unpack("Oh"), target = group.targets.find((t) => t.label === "C4v"), objects = target.objects;
    const state = { index: 0 };
    const buttons = objects.map((_, i) => h("button", { class: "chip", type: "button", onclick: () => { state.index = i; draw(); } }, `b${i + 1}`));
    const words = h("p", { class: "verdict" });
    const draw = () => {
      const colors = Scene.palette(), b = objects[state.index], centre = G.scale(b, 0.3);
      const rest = objects.filter((_, i) => i !== state.index);
      Scene.draw(plot, [...Scene.segments(CUBE, { color: colors.faint, width: 2 }), ...Scene.points(CORNERS, { color: colors.faint, size: 6 }),
        ...Scene.arrows(rest, { color: colors.other, width: 3, dash: "dash", head: 0.13 }), ...Scene.arrows([b], { color: colors.selected, width: 9, head: 0.22 }),
        ...Scene.points([centre], { color: colors.kept, size: 12, symbol: "diamond" })]);
      buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === state.index)));
      words.textContent = `f(cube, b${state.index + 1}) moves the central atom along (${b.join(", ").replaceAll("-", "−")}). Symmetries left: ${target.fixed_by[state.index].length} of ${group.order}.`;
    };
    panel.append(h("p", {}, "object given to the network:"), h("div", { class: "chips" }, ...buttons), words,
      h("p", {}, h("a", { href: "#Oh/C4v" }, "Oh → C4v in the explorer")));
    return draw;
  }

  // --- 6 closed ----------------------------------------------------------------------------------------------------

  const inPlane = (degrees, z = 0) => { const t = degrees * Math.PI / 180; return G.unit([Math.cos(t), Math.sin(t), z]); };
  const SETS = {
    closed: [30, 90, 150, 210, 270, 330].map((d) => inPlane(d)),
    open: [0, 120, 240].flatMap((d) => [inPlane(d, 0.6), inPlane(d, -0.6)]),
  };
  const PRISM = [0, 120, 240].flatMap((d) => [0.45, -0.45].map((z) => { const v = inPlane(d); return [0.8 * v[0], 0.8 * v[1], z]; }));

  function closed(plot, panel) {
    const state = { kind: "open", angle: 0 }, words = h("p", { class: "verdict", id: "closed-verdict" });
    const draw = () => {
      const colors = Scene.palette(), g = G.rotation([0, 0, 1], state.angle * Math.PI / 180), P = SETS[state.kind];
      const turned = P.map((v) => G.apply(g, v)), corners = PRISM.map((v) => G.apply(g, v));
      const edges = [[0, 2], [2, 4], [4, 0], [1, 3], [3, 5], [5, 1], [0, 1], [2, 3], [4, 5]].map(([a, b]) => [corners[a], corners[b]]);
      const agree = turned.every((v) => P.some((p) => G.same(p, v)));
      const normal = state.angle % 60 === 0;
      const wrong = normal ? turned.filter((v) => !P.some((p) => G.same(p, v))) : [];
      Scene.draw(plot, [...Scene.segments(edges, { color: colors.faint, width: 5 }), ...Scene.points(corners, { color: colors.faint, size: 8, symbol: "square" }),
        ...(normal ? Scene.arrows(P, { color: colors.other, width: 4, dash: "dash", head: 0.13 }) : []),
        ...Scene.arrows(turned, { color: colors.selected, width: 8, head: 0.2 }),
        ...Scene.points(wrong, { color: colors.selected, symbol: "x", size: 9 })]);
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
      h("p", {}, h("a", { href: "#D3/C1" }, "D3 → C1 in the explorer")));
    return draw;
  }

  // --- the page ----------------------------------------------------------------------------------------------------

  const DEMOS = { representation, irreps, product, obstacle, set, closed };
  let demos = null; // [{plot, draw, stale}], once the page is built
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) refresh(demos.find((d) => d.plot === entry.target));
  }, { rootMargin: "200px" });

  // Pictures are drawn when they come into view: six scenes at once would hold up the page.
  function refresh(demo) {
    if (!demo.stale) return;
    demo.stale = false;
    demo.draw();
  }

  async function render(host, section, unpack) {
    if (!demos) await build(host, unpack);
    for (const demo of demos) { demo.stale = true; watcher.unobserve(demo.plot); watcher.observe(demo.plot); }
    const wanted = section && document.getElementById(`concept-${section}`);
    if (wanted) wanted.scrollIntoView(); else window.scrollTo(0, 0);
  }

  async function build(host, unpack) {
    demos = [];
    const contents = h("ul", { class: "contents" });
    const parts = [];
    for (const concept of ConceptText) {
      const plot = h("div", { class: "plot", role: "img", "aria-label": `Live picture: ${concept.title}; arrow keys turn it` }), panel = h("div", {});
      contents.append(h("li", {}, h("a", { href: `#concepts/${concept.id}` }, concept.title)));
      parts.push(h("section", { id: `concept-${concept.id}` }, h("h3", {}, concept.title), ...concept.before.map((text) => h("p", {}, text)),
        h("div", { class: "demo" }, plot, panel), ...concept.after.map((text) => h("p", {}, text))));
      Scene.makeTurnable(plot);
      demos.push({ plot, stale: true, draw: await DEMOS[concept.id](plot, panel, unpack) });
    }
    host.replaceChildren(h("h2", {}, "Concepts"), h("p", {}, "Six ideas, each with a picture that you can turn with the mouse or, when it has the focus, with the arrow keys."), contents, ...parts);
  }

  return { render };
})();
