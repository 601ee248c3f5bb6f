"use strict";
// One target of a group: picture, numbers, certificate in words, code.

const Target = (() => {
  const G = Geometry, { h, mauguin, order, plural, symbol } = Dom;
  const NEIGHBOURS = 6; // surfaces of other objects drawn at once
  const STRETCH = 0.34; // largest displacement of the body, in units of its radius
  const FRAMES = 6; // pictures in which the body gives way after an object was chosen
  const NAMES = { infinite: "infinitely many" };

  function code(group, target) {
    const call = `sbs.minimal_set(group="${group.symbol}", target="${target.label}")`;
    if (target.size === "infinite") return `import sbs\n\ns = ${call}\nprint(s.size, s.irreps)\nprint(s.sample(5, seed=0))\n`;
    return `import sbs\n\ns = ${call}\nassert s.size == ${target.size} and s.irreps == "${target.irreps}"\nprint(s.objects)\ns.verify()\n`;
  }

  // Why the set is large enough and why no smaller one exists.
  function certificate(group, target) {
    const c = target.certificate, K = target.label, S = group.symbol, M = target.normalizer.symbol, H = target.stabilizer.symbol;
    if (K === S) return `Nothing is broken: the constant object, which all of ${M} fixes, is enough.`;
    if (c.method === "closed") {
      if (target.size === "infinite") {
        return `The generalised normalizer M = ${M} is infinite and turns an object through a continuum of directions that ${S} tells apart ` +
          `but ${K} does not undo, so no finite set is closed under M. Smaller ambient groups, such as the holohedry of a crystal's lattice, make it finite; ` +
          "or draw from the infinite set.";
      }
      return `H = ${H} lies in M = ${M}, meets ${S} in ${K} and has index ${target.size} in M, so ${plural(target.size, "object is", "objects are")} enough; ` +
        `each of the ${target.domain_states.total} equivalent outputs needs an object of its own, so fewer cannot be.`;
    }
    const m = target.normalizer.order, k = target.stabilizer.order;
    const enough = `H = ${H} (order ${k}) meets ${S} in ${K} alone, and an object fixed by H has |M| / |H| = ${m} / ${k} = ${target.size} images under ` +
      `M = ${M}, so ${plural(target.size, "object is", "objects are")} enough`;
    if (c.method === "complement bound" && target.ideal) {
      return `${enough}. H is a complement of ${S} in M${group.subgroup_classes[0].label === K ? "" : ` over ${K}`}: together they make all of M, and they share no more than ${K}. ` +
        `So |H| = |M| |K| / |S| = ${c.bound}, the most that is possible: each equivalent output needs an object of its own, and fewer cannot be.`;
    }
    if (c.method === "complement bound") return `${enough}. |H| reaches the bound |M| |K| / |S| = ${c.bound}, so fewer cannot be.`;
    return `${enough}. The bound |M| |K| / |S| = ${c.bound} is not reached: ${plural(c.refuted.length, "larger class", "larger classes")} of subgroups ` +
      "were searched and excluded one by one, so fewer cannot be.";
  }

  // --- picture -----------------------------------------------------------------------------------------------------

  const isScalar = (blocks) => blocks.every((b) => b.l === 0);
  const isVectorial = (blocks) => blocks.every((b) => b.l <= 1);
  const ASIDE = [0.95, -0.95, -0.9]; // where a number is drawn beside what has a direction

  // Traces of one object: the sum of its blocks drawn at the origin, numbers beside it.
  function objectTraces(object, blocks, role, colors) {
    const main = role === "selected", traces = [], alone = isScalar(blocks);
    for (const block of blocks) {
      const part = object.slice(block.start, block.start + 2 * block.l + 1);
      if (block.l === 0) {
        if (!main) continue;
        const place = { shift: alone ? [0, 0, 0] : ASIDE, length: alone ? 1.3 : 0.8, radius: alone ? 0.28 : 0.18 };
        if (block.parity === "o") traces.push(...Scene.screw(part[0], { color: part[0] > 0 ? colors.selected : colors.other, name: "selected" }, place));
        else traces.push(...Scene.ball(part[0], { positive: colors.selected, negative: colors.negative, text: colors.ink }, { name: "selected", shift: place.shift, size: alone ? 0.4 : 0.2 }));
      } else if (block.l === 1) {
        const style = main ? { color: colors.selected, width: 9, head: 0.24, name: "selected" }
          : role === "orbit" ? { color: colors.other, width: 3, dash: "dash", head: 0.14, name: "same orbit", opacity: 0.8 }
            : { color: colors.far, width: 2, dash: "dot", head: 0.1, name: "other orbits", opacity: 0.7 };
        traces.push(...Scene.arrows([part], style));
      } else if (main) {
        traces.push(...Scene.solid(block.l, part, { positive: colors.selected, negative: colors.negative }, { name: "selected" }));
      } else {
        traces.push(...Scene.wire(block.l, part, role === "orbit" ? { color: colors.other, name: "same orbit" }
          : { color: colors.far, dash: "dot", name: "other orbits" }));
      }
    }
    return traces;
  }

  // Arrows of many objects in two traces instead of two each.
  function otherTraces(objects, orbits, index, blocks, colors) {
    const traces = [];
    for (const role of ["orbit", "far"]) {
      const list = objects.map((_, i) => i).filter((i) => i !== index && (orbits[i] === orbits[index]) === (role === "orbit"));
      if (isVectorial(blocks)) {
        const style = role === "orbit" ? { color: colors.other, width: 3, dash: "dash", head: 0.14, name: "same orbit", opacity: 0.85 }
          : { color: colors.far, width: 2, dash: "dot", head: 0.1, name: "other orbits", opacity: 0.7 };
        for (const block of blocks.filter((b) => b.l === 1)) {
          traces.push(...Scene.arrows(list.map((i) => objects[i].slice(block.start, block.start + 3)), style));
        }
      } else if (list.length <= NEIGHBOURS) {
        for (const i of list) traces.push(...objectTraces(objects[i], blocks, role, colors));
      }
    }
    return traces;
  }

  // An object of an infinite set, turned about the axis, and the circle that it runs through.
  function turned(object, blocks, degrees) {
    const turn = G.rotation([0, 0, 1], degrees * Math.PI / 180), result = object.slice();
    for (const block of blocks.filter((b) => b.l > 0)) {
      const n = 2 * block.l + 1, d = G.wigner(block.l, turn), part = object.slice(block.start, block.start + n);
      d.forEach((row, i) => { result[block.start + i] = row.reduce((sum, x, j) => sum + x * part[j], 0); });
    }
    return result;
  }

  function circle(object, blocks, colors) {
    const vector = blocks.find((b) => b.l === 1), part = vector ? object.slice(vector.start, vector.start + 3) : [1.15, 0, 0];
    return Scene.ring(Math.hypot(part[0], part[1]) || 1.15, vector ? part[2] : 0, { color: colors.other, width: 5, name: "circle of objects" });
  }

  // The points of the body when an object is given, as far as the slider says.
  function bodyPoints(group, target, index, amount) {
    const orbit = target.orbits ? target.orbits[index] : 0, { body, field } = target.distortions[orbit], { points, edges } = group.bodies[body];
    const matrix = group.elements[target.movers ? target.movers[index] : 0].matrix;
    const moved = points.map(() => [0, 0, 0]);
    points.forEach((p, i) => {
      const image = G.apply(matrix, p), u = G.apply(matrix, field[i]);
      const j = points.findIndex((q) => G.same(q, image));
      moved[j] = u;
    });
    return { edges, points: points.map((p, i) => G.add(G.scale(p, 0.92), G.scale(moved[i], STRETCH * amount))) };
  }

  function legend(blocks, objects, infinite) {
    const words = [], alone = isScalar(blocks), vectorial = isVectorial(blocks);
    if (blocks.some((b) => b.l === 1)) words.push("thick solid arrow");
    if (blocks.some((b) => b.l > 1)) words.push("solid surface, orange where positive and blue where negative");
    if (blocks.some((b) => b.l === 0 && b.parity === "e")) words.push("ball with the sign of its number");
    if (blocks.some((b) => b.l === 0 && b.parity === "o")) words.push(`${alone ? "" : "beside it the pseudoscalar as a "}screw, right-handed (R) where positive, left-handed (L) where negative`);
    const many = !vectorial && objects.length - 1 > NEIGHBOURS;
    const others = objects.length === 1 || infinite || alone ? ""
      : many ? ` The other ${objects.length - 1} objects are not drawn at once; step through them.`
        : ` The others of its orbit: ${vectorial ? "thin dashed arrows" : "nets of thin lines"}${state.others ? "" : " (hidden)"}.`;
    const pseudo = blocks.some((b) => b.l > 0 && (b.parity === "e") !== (b.l % 2 === 0));
    return `The object given: ${words.join("; ")}.${others}${infinite ? " The circle is the set: each of its points is an object." : ""}` +
      " The body has the symmetry of the input and gives way to that of the output. Solid axes and filled mirrors survive; “C₄ → C₂” says what is left of an axis." +
      (state.broken ? " Dashed axes and dotted mirror outlines are broken." : "") +
      (pseudo ? " A pseudotensor block changes sign under mirrors in addition to what the picture shows, as a screw does." : "");
  }

  // --- the panel ---------------------------------------------------------------------------------------------------

  // State survives redrawing (theme, toggles) of the same target.
  const state = { key: "", index: 0, body: true, axes: true, mirrors: true, others: true, broken: false, amount: 0.6, azimuth: 0 };

  // chosen: number of the object that the address asks for, from 0; onChoose(number): the reader took another one.
  function render(host, group, target, options) {
    const { announce, chosen, onChoose } = options, key = `${group.symbol}/${target.label}`;
    const infinite = target.size === "infinite", objects = infinite ? [target.samples[0]] : target.objects;
    if (state.key !== key) Object.assign(state, { key, index: 0, azimuth: 0 });
    if (chosen !== null && chosen < objects.length) state.index = chosen;
    const listed = group.subgroup_classes.find((c) => c.label === target.label), blocks = G.parseIrreps(target.irreps);
    const { view, plot } = Scene.frame(`Picture of the symmetry-breaking set of ${group.symbol} to ${target.label}`);
    const note = h("p", { class: "legend" }), values = h("dl", { class: "values" });
    const current = () => (infinite ? turned(objects[0], blocks, state.azimuth) : objects[state.index]);
    const redraw = (whole = true) => {
      Scene.draw(plot, picture(group, target, objects, current()), { flat: whole });
      if (!whole) return;
      note.textContent = legend(blocks, objects, infinite);
      values.replaceChildren(...current().flatMap((x, i) => [h("dt", {}, target.components[i]), h("dd", {}, number(x))]));
      host.querySelectorAll(".chip").forEach((chip, i) => chip.setAttribute("aria-pressed", String(i === state.index)));
    };
    const slide = h("input", { type: "range", min: 0, max: 100, value: Math.round(100 * state.amount), id: "amount", oninput: () => { state.amount = slide.value / 100; redraw(false); }, onchange: () => redraw() });
    const choose = (i) => { state.index = i; onChoose(i); giveWay(redraw, slide); };
    host.replaceChildren(
      h("h2", {}, symbol(group.symbol), " → ", symbol(target.label)),
      h("p", { class: "lead", id: "summary" }, symbol(group.symbol), " (", mauguin(group.hermann_mauguin), ") breaks to ", symbol(target.label), " (", mauguin(listed.hermann_mauguin), infinite
        ? ") by infinitely many objects: no finite set is equivariant."
        : `) by ${plural(target.size, "object")} of irreps ${target.irreps}.`),
      view, toggles(redraw),
      h("label", { class: "slide" }, "symmetry of the input ", slide, " of the output"),
      infinite ? azimuth(redraw) : chips(target, objects, choose), note,
      h("h3", {}, "Components of the object"), values,
      numbers(group, target, listed),
      h("h3", {}, "Certificate"), h("p", { id: "certificate" }, certificate(group, target)),
      h("h3", {}, "Code"), Dom.code(code(group, target), announce, { id: "python", button: "copy" }),
    );
    redraw();
  }

  const number = (x) => String(Math.round(x * 1e6) / 1e6).replace("-", "−");

  // The body gives way in a few steps, unless the reader asked for less motion.
  function giveWay(redraw, slide) {
    const goal = Math.max(0.3, state.amount);
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) { state.amount = goal; slide.value = Math.round(100 * goal); redraw(); return; }
    let step = 0;
    const next = () => {
      step += 1;
      state.amount = goal * step / FRAMES;
      slide.value = Math.round(100 * state.amount);
      redraw(step === 1 || step === FRAMES);
      if (step < FRAMES) setTimeout(next, 40);
    };
    next();
  }

  function picture(group, target, objects, object) {
    const colors = Scene.palette(), blocks = G.parseIrreps(target.irreps), index = Math.min(state.index, objects.length - 1);
    const orbits = target.orbits || objects.map(() => 0), traces = [...Scene.triad(colors)];
    const listed = group.subgroup_classes.find((c) => c.label === target.label);
    const kept = new Set(target.fixed_by ? target.fixed_by[index] : listed.elements);
    if (state.body) {
      const { points, edges } = bodyPoints(group, target, index, state.amount);
      traces.push(...Scene.body(points, edges, colors));
    }
    if (state.mirrors) traces.push(...Scene.mirrors(group.mirrors, kept, colors, state.broken));
    if (state.axes) traces.push(...Scene.axes(group.axes, kept, colors, state.broken));
    if (target.size === "infinite") traces.push(...circle(object, blocks, colors));
    else if (state.others) traces.push(...otherTraces(objects, orbits, index, blocks, colors));
    traces.push(...objectTraces(object, blocks, "selected", colors));
    return traces;
  }

  function toggles(redraw) {
    const box = (name, text) => h("label", {}, h("input", { type: "checkbox", checked: state[name], name,
      onchange: (event) => { state[name] = event.target.checked; redraw(); } }), ` ${text}`);
    return h("div", { class: "toggles" }, box("body", "body"), box("axes", "axes"), box("mirrors", "mirrors"), box("broken", "what is broken"), box("others", "other objects"));
  }

  function azimuth(redraw) {
    const out = h("output", {}, `${state.azimuth}°`);
    const input = h("input", { type: "range", min: 0, max: 355, step: 5, value: state.azimuth, id: "azimuth", oninput: () => { state.azimuth = Number(input.value); out.textContent = `${state.azimuth}°`; redraw(); } });
    return h("label", { class: "slide" }, "take another object of the circle ", input, out);
  }

  function chips(target, objects, choose) {
    const shapes = "●▲■◆★✚▼⬟";
    const list = h("div", { class: "chips", role: "group", "aria-label": "Objects; the shape tells the orbit" });
    objects.forEach((_, i) => {
      const orbit = target.orbits[i];
      list.append(h("button", { class: "chip", type: "button", title: `object ${i + 1}, orbit ${orbit + 1}`, "aria-label": `object ${i + 1} of orbit ${orbit + 1}`, tabindex: i === state.index ? "0" : "-1",
        onclick: () => choose(i) }, `${shapes[orbit % shapes.length]} ${i + 1}`));
    });
    Dom.oneStop(list, ".chip", (key, items, now) => {
      const i = items.indexOf(now), to = { ArrowRight: i + 1, ArrowLeft: i - 1, Home: 0, End: items.length - 1 }[key];
      return items[to];
    });
    return list;
  }

  function numbers(group, target, listed) {
    const d = target.domain_states;
    const rows = [
      ["objects", `${NAMES[target.size] || target.size}${target.ideal ? " (ideal: one for each equivalent output)" : ""}`],
      ["degeneracy", h("span", {}, `${plural(target.degeneracy, "orbit")} under `, symbol(group.symbol))],
      ["irreps", target.irreps],
      ["carried by", h("span", {}, ...target.carriers.flatMap((name, i) => [i ? ", " : "", symbol(name)]), " of ", symbol(group.symbol))],
      ["target K", h("span", {}, symbol(target.label), `, ${order(listed.order)}, ${plural(listed.size, "conjugate")}`)],
      ["normalizer M", h("span", {}, symbol(target.normalizer.symbol), `, ${order(target.normalizer.order)}`)],
      ["stabilizer H", h("span", {}, symbol(target.stabilizer.symbol), `, ${order(target.stabilizer.order)}`)],
      ["domain states", `${d.total}; told apart by polarisation: ${d.ferroelectric}, by strain: ${d.ferroelastic}`],
    ];
    if (target.aizu) rows.push(["Aizu species", target.aizu]);
    return h("dl", { class: "numbers" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  return { certificate, code, render };
})();
