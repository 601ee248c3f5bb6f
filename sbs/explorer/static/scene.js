"use strict";
// Pictures: Plotly traces for objects, axes and mirrors, and the figure that holds them.

const Scene = (() => {
  const G = Geometry;
  const MANY_AXES = 20, AXIS_LENGTH = 1.35, DISC_RADIUS = 1.25, NET_SCALE = 1.08, RESOLUTION = { solid: [49, 33], wire: [25, 17] };

  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => ({
    ink: css("--ink"), faint: css("--faint"), paper: css("--panel"), selected: css("--selected"), other: css("--other"),
    negative: css("--negative"), kept: css("--kept"), mirror: css("--mirror"), far: css("--far"), body: css("--body"), muted: css("--muted"),
  });

  // --- traces ------------------------------------------------------------------------------------------------------

  // Arrows from the origin (or from given tails). style: {color, width, dash, name, head}
  function arrows(vectors, style, tails = null) {
    if (!vectors.length) return [];
    const x = [], y = [], z = [], tip = { x: [], y: [], z: [], u: [], v: [], w: [] };
    vectors.forEach((vector, i) => {
      const tail = tails ? tails[i] : [0, 0, 0], end = G.add(tail, vector), length = G.norm(vector);
      if (length < 1e-6) return;
      const neck = G.add(tail, G.scale(vector, 1 - Math.min(0.12, 0.4 * length) / length));
      x.push(tail[0], neck[0], null); y.push(tail[1], neck[1], null); z.push(tail[2], neck[2], null);
      const direction = G.unit(vector);
      tip.x.push(end[0]); tip.y.push(end[1]); tip.z.push(end[2]);
      tip.u.push(direction[0]); tip.v.push(direction[1]); tip.w.push(direction[2]);
    });
    const line = { type: "scatter3d", mode: "lines", x, y, z, hoverinfo: "skip", name: style.name, showlegend: false,
      line: { color: style.color, width: style.width || 4, dash: style.dash || "solid" } };
    const cone = { type: "cone", ...tip, anchor: "tip", sizemode: "absolute", sizeref: style.head || 0.16, showscale: false,
      colorscale: [[0, style.color], [1, style.color]], opacity: style.opacity || 1, hoverinfo: "skip", name: style.name,
      lighting: { ambient: 0.75, diffuse: 0.5, specular: 0.1 } };
    return [line, cone];
  }

  function grid(kind) {
    const [n, k] = RESOLUTION[kind], directions = [];
    for (let i = 0; i < k; i++) {
      const theta = Math.PI * i / (k - 1), row = [];
      for (let j = 0; j < n; j++) {
        const phi = 2 * Math.PI * j / (n - 1);
        row.push([Math.sin(theta) * Math.cos(phi), Math.sin(theta) * Math.sin(phi), Math.cos(theta)]);
      }
      directions.push(row);
    }
    return directions;
  }

  // The function sum_m c_m Y_lm on a grid of directions, largest modulus 1.
  function lobes(l, coefficients, kind) {
    const directions = grid(kind);
    const values = directions.map((row) => row.map((v) => {
      const harmonics = G.sphericalHarmonics(l, v);
      return coefficients.reduce((sum, c, m) => sum + c * harmonics[m], 0);
    }));
    const largest = Math.max(1e-9, ...values.map((row) => Math.max(...row.map(Math.abs))));
    return { directions, values: values.map((row) => row.map((f) => f / largest)) };
  }

  // A solid surface r = |f|, in one colour where f is positive and in another where it is negative.
  function solid(l, coefficients, colors, options = {}) {
    const { directions, values } = lobes(l, coefficients, "solid"), size = options.size || 1, shift = options.shift || [0, 0, 0];
    const coordinate = (c) => values.map((row, i) => row.map((f, j) => shift[c] + size * Math.abs(f) * directions[i][j][c]));
    return [{ type: "surface", x: coordinate(0), y: coordinate(1), z: coordinate(2), surfacecolor: values, cmin: -1, cmax: 1,
      colorscale: [[0, colors.negative], [0.47, colors.negative], [0.53, colors.positive], [1, colors.positive]],
      showscale: false, hoverinfo: "skip", opacity: options.opacity || 1, name: options.name || "",
      lighting: { ambient: 0.6, diffuse: 0.7, specular: 0.15, roughness: 0.7 } }];
  }

  // The same surface as a net of lines, a little larger: surfaces of opposite sign have the same shape.
  function wire(l, coefficients, style, shift = [0, 0, 0]) {
    const { directions, values } = lobes(l, coefficients, "wire"), x = [], y = [], z = [];
    const push = (i, j) => {
      const r = NET_SCALE * Math.abs(values[i][j]), d = directions[i][j];
      x.push(shift[0] + r * d[0]); y.push(shift[1] + r * d[1]); z.push(shift[2] + r * d[2]);
    };
    const lift = () => { x.push(null); y.push(null); z.push(null); };
    for (let i = 1; i < values.length - 1; i += 2) { for (let j = 0; j < values[i].length; j++) push(i, j); lift(); }
    for (let j = 0; j < values[0].length - 1; j += 2) { for (let i = 0; i < values.length; i++) push(i, j); lift(); }
    return [{ type: "scatter3d", mode: "lines", x, y, z, hoverinfo: "skip", showlegend: false, name: style.name || "",
      line: { color: style.color, width: style.width || 1.5, dash: style.dash || "solid" } }];
  }

  // A scalar (0e): a sphere with the sign of the number beside it.
  function ball(value, colors, options = {}) {
    const at = options.shift || [0, 0, 0], size = options.size || 0.28;
    const traces = solid(0, [value], colors, { ...options, size });
    traces.push(label(G.add(at, [0, 0, size + 0.14]), value > 0 ? "+" : "−", { size: 22, color: colors.text }));
    return traces;
  }

  // A pseudoscalar (0o): a right-handed screw where it is positive, a left-handed one where it is negative.
  function screw(value, style, options = {}) {
    const at = options.shift || [0, 0, 0], length = options.length || 1.1, radius = options.radius || 0.24, turns = 2.5, hand = Math.sign(value) || 1;
    const x = [], y = [], z = [], steps = 100;
    for (let k = 0; k <= steps; k++) {
      const s = k / steps, t = 2 * Math.PI * turns * s * hand;
      x.push(at[0] + radius * Math.cos(t)); y.push(at[1] + radius * Math.sin(t)); z.push(at[2] + length * (s - 0.5));
    }
    const core = options.bare ? [] : segments([[G.add(at, [0, 0, -0.6 * length]), G.add(at, [0, 0, 0.6 * length])]], { ...style, width: 2, name: style.name });
    return [...core, { type: "scatter3d", mode: "lines", x, y, z, hoverinfo: "skip", showlegend: false, name: `${style.name} ${hand > 0 ? "right" : "left"} screw`,
      line: { color: style.color, width: style.width || 6, dash: style.dash || "solid" } },
    ...(options.bare ? [] : [label(G.add(at, [0, 0, 0.6 * length + 0.14]), hand > 0 ? "R" : "L", { size: 14, color: style.color })])];
  }

  // A solid of points and edges, its faces hinted at.
  function body(points, edges, colors) {
    const corners = [...new Set(edges.flat())].map((i) => points[i]), marks = points.filter((_, i) => !edges.some((e) => e.includes(i)));
    const at = (list, c) => list.map((p) => p[c]);
    return [...segments(edges.map(([a, b]) => [points[a], points[b]]), { color: colors.body, width: 4, name: "body" }),
      { type: "mesh3d", alphahull: 0, x: at(corners, 0), y: at(corners, 1), z: at(corners, 2), color: colors.body, opacity: 0.1, hoverinfo: "skip", name: "body faces" },
      ...(marks.length ? [{ ...points3d(marks, { color: colors.body, size: 3, name: "body marks" }) }] : [])];
  }

  // A closed curve that an object of an infinite set runs through.
  function ring(radius, height, style) {
    const list = [];
    for (let k = 0; k < 72; k++) {
      const at = (j) => [radius * Math.cos(2 * Math.PI * j / 72), radius * Math.sin(2 * Math.PI * j / 72), height];
      list.push([at(k), at(k + 1)]);
    }
    return segments(list, style);
  }

  // Crosses made of lines: the markers of the plotting library turn into empty boxes.
  function crosses(list, style) {
    const s = style.size || 0.09;
    return segments(list.flatMap((p) => [[[s, s, s], [-s, -s, -s]], [[s, -s, s], [-s, s, -s]], [[s, s, -s], [-s, -s, s]], [[-s, s, s], [s, -s, -s]]]
      .map(([a, b]) => [G.add(p, a), G.add(p, b)])), { color: style.color, width: style.width || 4, name: style.name || "crosses" });
  }

  // Where x, y and z are.
  function triad(colors) {
    const length = 1.42;
    return [...segments([[1, 0, 0], [0, 1, 0], [0, 0, 1]].map((e) => [[0, 0, 0], G.scale(e, length)]), { color: colors.faint, width: 1.5, name: "x y z" }),
      ...["x", "y", "z"].map((name, i) => label([0, 1, 2].map((c) => (c === i ? length * 1.06 : 0)), name, { size: 14, color: colors.muted }))];
  }

  function label(position, text, style) {
    return { type: "scatter3d", mode: "text", x: [position[0]], y: [position[1]], z: [position[2]], text: [text],
      textfont: { size: style.size || 13, color: style.color }, hoverinfo: "skip", showlegend: false, name: "" };
  }

  // Rotation axes with what a subgroup, a set of element numbers, keeps of them ("C₄ → C₂"); broken ones if asked for.
  function axes(list, kept, colors, broken) {
    const traces = [];
    for (const inside of broken ? [false, true] : [true]) {
      const x = [], y = [], z = [], text = { x: [], y: [], z: [], label: [] };
      for (const axis of list) {
        const survivor = axis.elements.find(([number]) => kept.has(number));
        if (Boolean(survivor) !== inside) continue;
        const end = G.scale(axis.direction, AXIS_LENGTH);
        // Arrows are one long and may lie on an axis that is kept: that one is drawn outside them only.
        const start = G.scale(axis.direction, inside ? 1.03 : 0);
        for (const [from, to] of [[start, end], [G.scale(start, -1), G.scale(end, -1)]]) {
          x.push(from[0], to[0], null); y.push(from[1], to[1], null); z.push(from[2], to[2], null);
        }
        const tip = G.scale(axis.direction, AXIS_LENGTH * 1.1);
        text.x.push(tip[0]); text.y.push(tip[1]); text.z.push(tip[2]);
        // Where very many axes survive, one of each kind is named.
        const name = axisLabel(axis, survivor);
        text.label.push(list.length > MANY_AXES && text.label.includes(name) ? "" : name);
      }
      if (!x.length) continue;
      const color = inside ? colors.kept : colors.faint;
      traces.push({ type: "scatter3d", mode: "lines", x, y, z, hoverinfo: "skip", showlegend: false,
        name: inside ? "axes kept" : "axes lost", line: { color, width: inside ? 5 : 2, dash: inside ? "solid" : "dash" } });
      traces.push({ type: "scatter3d", mode: "text", x: text.x, y: text.y, z: text.z, text: text.label, hoverinfo: "skip",
        showlegend: false, name: inside ? "axis labels" : "labels of lost axes", textfont: { size: inside ? 15 : 11, color } });
    }
    return traces;
  }

  const axisLabel = (axis, survivor) => Dom.symbolText(!survivor || survivor[1] === axis.label ? axis.label : `${axis.label} → ${survivor[1]}`);

  // Mirror planes as discs; those in `kept` are filled, the others only outlined.
  function mirrors(list, kept, colors, broken) {
    const traces = [], outline = { true: { x: [], y: [], z: [] }, false: { x: [], y: [], z: [] } };
    const disc = { x: [], y: [], z: [], i: [], j: [], k: [] };
    for (const mirror of list) {
      const n = mirror.normal, inside = kept.has(mirror.element);
      const a = G.unit(G.cross(n, Math.abs(n[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0])), b = G.cross(n, a);
      const start = disc.x.length, steps = 48, rim = outline[inside];
      if (inside) { disc.x.push(0); disc.y.push(0); disc.z.push(0); }
      for (let s = 0; s <= steps; s++) {
        const t = 2 * Math.PI * s / steps;
        const p = G.add(G.scale(a, DISC_RADIUS * Math.cos(t)), G.scale(b, DISC_RADIUS * Math.sin(t)));
        rim.x.push(p[0]); rim.y.push(p[1]); rim.z.push(p[2]);
        if (inside && s < steps) {
          disc.x.push(p[0]); disc.y.push(p[1]); disc.z.push(p[2]);
          disc.i.push(start); disc.j.push(start + 1 + s); disc.k.push(start + 1 + (s + 1) % steps);
        }
      }
      rim.x.push(null); rim.y.push(null); rim.z.push(null);
    }
    for (const inside of broken ? [false, true] : [true]) {
      if (!outline[inside].x.length) continue;
      traces.push({ type: "scatter3d", mode: "lines", ...outline[inside], hoverinfo: "skip", showlegend: false,
        name: inside ? "mirrors kept" : "mirrors lost",
        line: { color: inside ? colors.mirror : colors.faint, width: inside ? 3 : 1.5, dash: inside ? "solid" : "dot" } });
    }
    if (disc.i.length) {
      traces.push({ type: "mesh3d", ...disc, color: colors.mirror, opacity: 0.1, hoverinfo: "skip", name: "mirrors kept",
        lighting: { ambient: 1, diffuse: 0 } });
    }
    return traces;
  }

  // Points as spheres: style {color, size, name}
  const points = (list, style) => [points3d(list, style)];
  function points3d(list, style) {
    return { type: "scatter3d", mode: "markers", x: list.map((p) => p[0]), y: list.map((p) => p[1]), z: list.map((p) => p[2]),
      hoverinfo: "skip", showlegend: false, name: style.name || "",
      marker: { size: style.size || 6, color: style.color } };
  }

  // Line segments: [[from, to], ...]
  function segments(list, style) {
    const at = (c) => list.flatMap(([a, b]) => [a[c], b[c], null]);
    return [{ type: "scatter3d", mode: "lines", x: at(0), y: at(1), z: at(2), hoverinfo: "skip", showlegend: false,
      name: style.name || "", line: { color: style.color, width: style.width || 3, dash: style.dash || "solid" } }];
  }

  // --- the figure --------------------------------------------------------------------------------------------------

  const CAMERA = { eye: { x: 1.0, y: 0.85, z: 0.65 }, up: { x: 0, y: 0, z: 1 } };
  const RANGE = 1.6;

  function layout(camera) {
    const axis = { visible: false, range: [-RANGE, RANGE], autorange: false };
    return { margin: { l: 0, r: 0, t: 0, b: 0 }, showlegend: false, paper_bgcolor: "rgba(0,0,0,0)", uirevision: "keep",
      scene: { xaxis: axis, yaxis: axis, zaxis: axis, aspectmode: "cube", dragmode: "orbit", camera: camera || CAMERA,
        bgcolor: "rgba(0,0,0,0)" } };
  }

  let webgl = null;
  function supported() {
    if (webgl === null) webgl = Boolean(document.createElement("canvas").getContext("webgl"));
    return webgl;
  }

  // The plotting library takes most of the time of loading, so it is unpacked only after the page has been painted.
  let library = null;
  function plotly() {
    library = library || (async () => {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const source = document.getElementById("plotly"), script = document.createElement("script");
      script.textContent = await Packed.text(source.textContent);
      document.head.append(script);
      source.remove();
      return window.Plotly;
    })();
    return library;
  }

  // A place for a picture: the turning one, and a flat one for paper, for browsers without WebGL and for the first moment.
  function frame(label) {
    const plot = Dom.h("div", { class: "plot", role: "img", "aria-label": `${label}; arrow keys turn it`, tabindex: 0 });
    const view = Dom.h("div", { class: "view" }, plot, Dom.h("div", { class: "flat", "aria-hidden": "true" }));
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, 0.15], ArrowDown: [0, -0.15] }[event.key];
      if (!step) return;
      event.preventDefault();
      turn(plot, ...step);
    });
    // The wheel scrolls the page; the library would keep it for a zoom that is switched off.
    view.addEventListener("wheel", (event) => event.stopPropagation(), { capture: true, passive: true });
    return { view, plot };
  }

  // Draws into the plot of a frame. The camera that the reader chose is kept from one drawing to the next; of several drawings
  // that are asked for while one is under way only the last is done.
  async function draw(element, traces, options = {}) {
    const flat = element.parentElement && element.parentElement.querySelector(".flat");
    if (flat && (options.flat !== false || !element.dataset.drawn)) Flat.draw(flat, traces, CAMERA.eye, RANGE);
    if (!supported()) { element.dataset.drawn = "flat"; return; }
    if (options.later) return; // only the flat picture for now
    element._wanted = traces;
    if (element._busy) return;
    element._busy = true;
    const Plotly = await plotly();
    while (element._wanted) {
      const now = element._wanted;
      element._wanted = null;
      const camera = element._fullLayout && element._fullLayout.scene ? element._fullLayout.scene.camera : null;
      const kept = camera ? { eye: camera.eye, up: camera.up, center: camera.center } : CAMERA;
      await Plotly.react(element, now, layout(kept), { displaylogo: false, displayModeBar: false, responsive: true, scrollZoom: false });
      element.dataset.drawn = "yes";
    }
    element._busy = false;
  }

  // Turns the picture about the vertical with the arrow keys.
  function turn(element, azimuth, tilt) {
    if (!element._fullLayout) return;
    const eye = element._fullLayout.scene.camera.eye, flat = Math.hypot(eye.x, eye.y), r = Math.hypot(flat, eye.z);
    const phi = Math.atan2(eye.y, eye.x) + azimuth;
    const theta = Math.min(1.5, Math.max(-1.5, Math.atan2(eye.z, flat) + tilt));
    const next = { x: r * Math.cos(theta) * Math.cos(phi), y: r * Math.cos(theta) * Math.sin(phi), z: r * Math.sin(theta) };
    Plotly.relayout(element, { "scene.camera.eye": next });
  }

  return { arrows, axes, ball, body, crosses, draw, frame, label, mirrors, palette, points, ring, screw, segments, solid, supported, triad, wire };
})();
