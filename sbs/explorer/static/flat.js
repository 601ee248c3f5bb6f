"use strict";
// The traces of a picture as flat SVG, seen from a fixed eye: on paper, without WebGL, and until the turning picture is there.

const Flat = (() => {
  const { svg } = Dom, SIZE = 400;

  // Function from (x, y, z) to (across, down, depth), depth growing towards the eye.
  function camera(eye, range) {
    const r = Math.hypot(eye.x, eye.y, eye.z), e = [eye.x / r, eye.y / r, eye.z / r], flat = Math.hypot(e[0], e[1]);
    const right = [-e[1] / flat, e[0] / flat, 0], up = [-e[2] * right[1], e[2] * right[0], flat];
    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2], scale = SIZE / (2.1 * range);
    return (p) => [SIZE / 2 + scale * dot(p, right), SIZE / 2 - scale * dot(p, up), dot(p, e)];
  }

  const at = (t, i) => [t.x[i], t.y[i], t.z[i]];
  const path = (points) => points.map((p, i) => `${i ? "L" : "M"}${p[0].toFixed(1)} ${p[1].toFixed(1)}`).join("");
  const DASH = { dash: "6 4", dot: "2 3" };

  // Shapes of a trace: {depth, node}.
  function lines(t, project) {
    const shapes = [];
    let run = [];
    const close = () => {
      if (run.length > 1) {
        const node = svg("path", { d: path(run), fill: "none", stroke: t.line.color, "stroke-width": Math.max(0.8, t.line.width / 2.2).toFixed(1), "stroke-linecap": "round", "stroke-dasharray": DASH[t.line.dash] || null });
        shapes.push({ depth: run.reduce((s, p) => s + p[2], 0) / run.length, node });
      }
      run = [];
    };
    // Short runs sort better among each other than long ones.
    for (let i = 0; i < t.x.length; i++) {
      if (t.x[i] === null) { close(); continue; }
      run.push(project(at(t, i)));
      if (run.length === 12) { const last = run[run.length - 1]; close(); run = [last]; }
    }
    close();
    return shapes;
  }

  function surface(t, project) {
    const shapes = [], rows = t.x.length, step = 2, positive = t.colorscale[3][1], negative = t.colorscale[0][1];
    for (let i = 0; i + step < rows; i += step) {
      for (let j = 0; j + step < t.x[i].length; j += step) {
        const corner = (a, b) => project([t.x[a][b], t.y[a][b], t.z[a][b]]);
        const quad = [corner(i, j), corner(i, j + step), corner(i + step, j + step), corner(i + step, j)];
        const area = Math.abs((quad[2][0] - quad[0][0]) * (quad[3][1] - quad[1][1]) - (quad[3][0] - quad[1][0]) * (quad[2][1] - quad[0][1])) / 2;
        if (area < 0.4) continue;
        const color = t.surfacecolor[i + step / 2][j + step / 2] > 0 ? positive : negative;
        shapes.push({ depth: quad.reduce((s, p) => s + p[2], 0) / 4, node: svg("path", { d: `${path(quad)}Z`, fill: color, stroke: color, "stroke-width": 0.5, "fill-opacity": 0.9 }) });
      }
    }
    return shapes;
  }

  function cones(t, project) {
    return t.x.map((_, i) => {
      const tip = project(at(t, i)), tail = project([t.x[i] - 0.2 * t.u[i], t.y[i] - 0.2 * t.v[i], t.z[i] - 0.2 * t.w[i]]);
      const dx = tip[0] - tail[0], dy = tip[1] - tail[1], length = Math.hypot(dx, dy) || 1, w = 26 * t.sizeref;
      const side = [-dy / length * w, dx / length * w];
      const points = [tip, [tail[0] + side[0], tail[1] + side[1]], [tail[0] - side[0], tail[1] - side[1]]];
      return { depth: tip[2], node: svg("path", { d: `${path(points)}Z`, fill: t.colorscale[0][1] }) };
    });
  }

  function texts(t, project) {
    return t.x.map((_, i) => {
      const p = project(at(t, i)), node = svg("text", { x: p[0].toFixed(1), y: (p[1] + 4).toFixed(1), fill: t.textfont.color, "font-size": t.textfont.size, "text-anchor": "middle" });
      node.textContent = t.text[i];
      return { depth: 9, node };
    });
  }

  function dots(t, project) {
    return t.x.map((_, i) => {
      const p = project(at(t, i));
      return { depth: p[2], node: svg("circle", { cx: p[0].toFixed(1), cy: p[1].toFixed(1), r: (t.marker.size / 1.8).toFixed(1), fill: t.marker.color }) };
    });
  }

  function shapes(t, project) {
    if (t.type === "surface") return surface(t, project);
    if (t.type === "cone") return cones(t, project);
    if (t.type === "scatter3d") return t.mode === "text" ? texts(t, project) : t.mode === "markers" ? dots(t, project) : lines(t, project);
    return [];
  }

  function draw(host, traces, eye, range) {
    const project = camera(eye, range);
    const found = traces.flatMap((t) => shapes(t, project)).sort((a, b) => a.depth - b.depth);
    host.replaceChildren(svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}` }, ...found.map((s) => s.node)));
  }

  return { draw };
})();
