"use strict";
// One target of a group: picture, numbers, certificate in words, code.

const Target = (() => {
  const G = Geometry;
  const NEIGHBOURS = 6; // surfaces of other objects drawn at once
  const NAMES = { infinite: "infinitely many" };

  const h = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value !== false && value !== null) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.filter((c) => c !== null && c !== undefined));
    return node;
  };

  const count = (value, one, many) => `${NAMES[value] || value} ${value === 1 ? one : many}`;
  const order = (value) => (value === "infinite" ? "infinite order" : `order ${value}`);

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
      return `H = ${H} lies in M = ${M}, meets ${S} in ${K} and has index ${target.size} in M, so ${count(target.size, "object is", "objects are")} enough; ` +
        `each of the ${target.domain_states.total} equivalent outputs needs an object of its own, so fewer cannot be.`;
    }
    const m = target.normalizer.order, k = target.stabilizer.order;
    const enough = `H = ${H} (order ${k}) meets ${S} in ${K} alone, and an object fixed by H has |M| / |H| = ${m} / ${k} = ${target.size} images under ` +
      `M = ${M}, so ${count(target.size, "object is", "objects are")} enough`;
    if (c.method === "complement bound" && target.ideal) {
      return `${enough}. H is a complement of ${S} in M${group.subgroup_classes[0].label === K ? "" : ` over ${K}`}: together they make all of M, and they share no more than ${K}. ` +
        `So |H| = |M| |K| / |S| = ${c.bound}, the most that is possible: each equivalent output needs an object of its own, and fewer cannot be.`;
    }
    if (c.method === "complement bound") return `${enough}. |H| reaches the bound |M| |K| / |S| = ${c.bound}, so fewer cannot be.`;
    return `${enough}. The bound |M| |K| / |S| = ${c.bound} is not reached: ${count(c.refuted.length, "larger class", "larger classes")} of subgroups ` +
      "were searched and excluded one by one, so fewer cannot be.";
  }

  // --- picture -----------------------------------------------------------------------------------------------------

  function isVectorial(blocks) { return blocks.every((b) => b.l <= 1); }

  // Traces of one object: the sum of its blocks drawn at the origin.
  function objectTraces(object, blocks, role, colors) {
    const main = role === "selected", traces = [];
    for (const block of blocks) {
      const part = object.slice(block.start, block.start + 2 * block.l + 1);
      if (block.l === 0) {
        if (main) traces.push(...Scene.ball(part[0], { positive: colors.selected, negative: colors.negative, text: colors.ink }, { name: "selected" }));
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

  function legend(blocks, objects, show) {
    const many = !isVectorial(blocks) && objects.length - 1 > NEIGHBOURS;
    const selected = isVectorial(blocks) ? "thick solid arrow" : "solid surface, dark where positive and light where negative";
    const other = isVectorial(blocks) ? "thin dashed arrows" : "nets of thin lines";
    const pseudo = blocks.some((b) => (b.parity === "e") !== (b.l % 2 === 0));
    return `The selected object: ${selected}. ` +
      (objects.length === 1 ? "" : many ? `The other ${objects.length - 1} objects are not drawn at once; step through them. `
        : `The others of its orbit: ${other}${show ? "" : " (hidden)"}. `) +
      "Solid axes and filled mirrors survive in the output; dashed axes and dotted mirror outlines are broken." +
      (pseudo ? " A pseudotensor block changes sign under mirrors in addition to what the picture shows, as a screw does." : "");
  }

  // --- the panel ---------------------------------------------------------------------------------------------------

  // State survives redrawing (theme, toggles) of the same target.
  const state = { key: "", index: 0, axes: true, mirrors: true, others: true };

  function render(host, group, target, announce) {
    const key = `${group.symbol}/${target.label}`;
    if (state.key !== key) Object.assign(state, { key, index: 0 });
    const objects = target.objects || target.samples, infinite = target.size === "infinite";
    const listed = group.subgroup_classes.find((c) => c.label === target.label);
    const plot = h("div", { class: "plot", "aria-label": `Picture of the symmetry-breaking set of ${group.symbol} to ${target.label}; arrow keys turn it`, role: "img" });
    const note = h("p", { class: "legend" });
    const values = h("code", { class: "values" });
    const redraw = () => {
      picture(plot, group, target, objects);
      note.textContent = (infinite ? `${objects.length} objects drawn at random from infinitely many. ` : "") + legend(G.parseIrreps(target.irreps), objects, state.others);
      values.textContent = "[" + objects[state.index].join(", ") + "]";
      host.querySelectorAll(".chip").forEach((chip, i) => chip.setAttribute("aria-pressed", String(i === state.index)));
    };
    host.replaceChildren(
      h("h2", {}, `${group.symbol} → ${target.label}`),
      h("p", { class: "lead", id: "summary" }, infinite
        ? `${group.symbol} (${group.hermann_mauguin}) breaks to ${target.label} (${listed.hermann_mauguin}) by infinitely many objects: no finite set is equivariant.`
        : `${group.symbol} (${group.hermann_mauguin}) breaks to ${target.label} (${listed.hermann_mauguin}) by ${count(target.size, "object", "objects")} of irreps ${target.irreps}.`),
      plot, toggles(redraw), chips(target, objects, redraw), note,
      h("p", {}, h("span", { class: "label" }, `object ${infinite ? "" : "components "}`), values),
      numbers(group, target, listed),
      h("h3", {}, "Certificate"), h("p", { id: "certificate" }, certificate(group, target)),
      h("h3", {}, "Code"), codeBlock(code(group, target), announce),
    );
    Scene.makeTurnable(plot);
    redraw();
  }

  function picture(plot, group, target, objects) {
    const colors = Scene.palette(), blocks = G.parseIrreps(target.irreps), index = Math.min(state.index, objects.length - 1);
    const orbits = target.orbits || objects.map(() => 0);
    const listed = group.subgroup_classes.find((c) => c.label === target.label);
    const kept = new Set(target.fixed_by ? target.fixed_by[index] : listed.elements);
    const elements = G.symmetryElements(group.elements);
    const traces = [];
    if (state.mirrors) traces.push(...Scene.mirrors(elements.mirrors, kept, colors));
    if (state.axes) traces.push(...Scene.axes(elements.axes, kept, colors));
    if (state.others) traces.push(...otherTraces(objects, orbits, index, blocks, colors));
    traces.push(...objectTraces(objects[index], blocks, "selected", colors));
    Scene.draw(plot, traces);
  }

  function toggles(redraw) {
    const box = (name, text) => h("label", {}, h("input", { type: "checkbox", checked: state[name],
      onchange: (event) => { state[name] = event.target.checked; redraw(); } }), ` ${text}`);
    return h("div", { class: "toggles" }, box("axes", "axes"), box("mirrors", "mirrors"), box("others", "other objects"));
  }

  function chips(target, objects, redraw) {
    const shapes = "●▲■◆★✚▼⬟";
    const list = h("div", { class: "chips", role: "group", "aria-label": "Objects; the shape tells the orbit" });
    objects.forEach((_, i) => {
      const orbit = target.orbits ? target.orbits[i] : 0;
      list.append(h("button", { class: "chip", type: "button", title: target.orbits ? `object ${i + 1}, orbit ${orbit + 1}` : `draw ${i + 1}`,
        onclick: () => { state.index = i; redraw(); } }, `${shapes[orbit % shapes.length]} ${i + 1}`));
    });
    return list;
  }

  function numbers(group, target, listed) {
    const d = target.domain_states;
    const rows = [
      ["objects", `${NAMES[target.size] || target.size}${target.ideal ? " (ideal: one for each equivalent output)" : ""}`],
      ["degeneracy", `${count(target.degeneracy, "orbit", "orbits")} under ${group.symbol}`],
      ["irreps", target.irreps],
      ["target K", `${target.label}, ${order(listed.order)}, ${count(listed.size, "conjugate", "conjugates")}`],
      ["normalizer M", `${target.normalizer.symbol}, ${order(target.normalizer.order)}`],
      ["stabilizer H", `${target.stabilizer.symbol}, ${order(target.stabilizer.order)}`],
      ["domain states", `${d.total}; told apart by polarisation: ${d.ferroelectric}, by strain: ${d.ferroelastic}`],
    ];
    if (target.aizu) rows.push(["Aizu species", target.aizu]);
    return h("dl", { class: "numbers" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
  }

  function codeBlock(text, announce) {
    const button = h("button", { type: "button", id: "copy", onclick: async () => {
      await copy(text);
      button.textContent = "Copied";
      announce("The Python code is in the clipboard.");
      setTimeout(() => { button.textContent = "Copy as Python"; }, 2000);
    } }, "Copy as Python");
    return h("div", { class: "code" }, h("pre", {}, h("code", { id: "python" }, text)), button);
  }

  async function copy(text) {
    if (navigator.clipboard && window.isSecureContext) {
      try { await navigator.clipboard.writeText(text); return; } catch { /* refused: take the old way */ }
    }
    const area = h("textarea", { style: "position:fixed;opacity:0" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  return { certificate, code, h, render };
})();
