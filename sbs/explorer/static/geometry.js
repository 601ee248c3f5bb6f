"use strict";
// Vectors, matrices and real spherical harmonics in e3nn's basis (y is the polar axis).

const Geometry = (() => {
  const CLOSE = 1e-4; // matrices in the page are rounded to six decimals

  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
  const scale = (a, s) => a.map((x) => x * s);
  const add = (a, b) => a.map((x, i) => x + b[i]);
  const norm = (a) => Math.sqrt(a.reduce((s, x) => s + x * x, 0));
  const unit = (a) => scale(a, 1 / norm(a));
  const apply = (m, v) => m.map((row) => dot(row, v));

  // Rotation by an angle about a unit axis (Rodrigues).
  function rotation(axis, angle) {
    const c = Math.cos(angle), s = Math.sin(angle), [x, y, z] = axis, t = 1 - c;
    return [
      [c + t * x * x, t * x * y - s * z, t * x * z + s * y],
      [t * x * y + s * z, c + t * y * y, t * y * z - s * x],
      [t * x * z - s * y, t * y * z + s * x, c + t * z * z],
    ];
  }

  const same = (a, b) => norm(add(a, scale(b, -1))) < CLOSE * 10;

  // Real spherical harmonics of degree l at a unit vector: orthonormal on the sphere, order m = -l..l of e3nn.
  function sphericalHarmonics(l, v) {
    const [x, y, z] = v, sinTheta = Math.sqrt(Math.max(0, z * z + x * x)), phi = Math.atan2(x, z);
    const values = new Array(2 * l + 1);
    for (let m = 0; m <= l; m++) {
      const p = legendre(l, m, y, sinTheta);
      if (m === 0) { values[l] = p; continue; }
      values[l + m] = Math.SQRT2 * p * Math.cos(m * phi);
      values[l - m] = Math.SQRT2 * p * Math.sin(m * phi);
    }
    return values;
  }

  // Normalised associated Legendre function without the phase (-1)^m; stable recurrence in the degree.
  function legendre(l, m, cosTheta, sinTheta) {
    let diagonal = Math.sqrt(1 / (4 * Math.PI));
    for (let k = 1; k <= m; k++) diagonal *= sinTheta * Math.sqrt((2 * k + 1) / (2 * k));
    if (l === m) return diagonal;
    let before = diagonal, now = cosTheta * Math.sqrt(2 * m + 3) * diagonal;
    for (let k = m + 2; k <= l; k++) {
      const a = Math.sqrt((4 * k * k - 1) / (k * k - m * m));
      const b = Math.sqrt(((k - 1) * (k - 1) - m * m) / (4 * (k - 1) * (k - 1) - 1));
      [before, now] = [now, a * (cosTheta * now - b * before)];
    }
    return now;
  }

  // Matrix of a rotation on degree l: Y(R v) = D Y(v), solved from 2l + 1 fixed points of a Fibonacci sphere.
  function wigner(l, r) {
    const n = 2 * l + 1, points = [];
    for (let k = 0; k < n; k++) {
      const h = 1 - (2 * k + 1) / (n + 0.37), s = Math.sqrt(Math.max(0, 1 - h * h)), angle = 2.399963 * k + 0.3;
      points.push([s * Math.cos(angle), s * Math.sin(angle), h]);
    }
    const from = points.map((p) => sphericalHarmonics(l, p)), to = points.map((p) => sphericalHarmonics(l, apply(r, p)));
    return transposeAny(solve(from, to)); // from · Dᵀ = to
  }

  const transposeAny = (m) => m[0].map((_, j) => m.map((row) => row[j]));

  // Solves a · x = b for square a and a matrix b, by Gauss-Jordan elimination with pivoting.
  function solve(a, b) {
    const n = a.length, rows = a.map((row, i) => [...row, ...b[i]]);
    for (let c = 0; c < n; c++) {
      let pivot = c;
      for (let r = c + 1; r < n; r++) if (Math.abs(rows[r][c]) > Math.abs(rows[pivot][c])) pivot = r;
      [rows[c], rows[pivot]] = [rows[pivot], rows[c]];
      rows[c] = scale(rows[c], 1 / rows[c][c]);
      for (let r = 0; r < n; r++) if (r !== c) { const f = rows[r][c]; rows[r] = rows[r].map((x, j) => x - f * rows[c][j]); }
    }
    return rows.map((row) => row.slice(n));
  }

  // "1x0o+1x3e" -> [{l: 0, parity: "o", start: 0}, {l: 3, parity: "e", start: 1}]
  function parseIrreps(text) {
    const blocks = [];
    let start = 0;
    for (const term of text ? text.split("+") : []) {
      const [, count, l, parity] = term.match(/^(?:(\d+)x)?(\d+)([eo])$/);
      for (let k = 0; k < Number(count || 1); k++) {
        blocks.push({ l: Number(l), parity, start });
        start += 2 * Number(l) + 1;
      }
    }
    return blocks;
  }

  return {
    add, apply, cross, dot, norm, parseIrreps, rotation, same, scale, sphericalHarmonics, unit, wigner,
  };
})();
