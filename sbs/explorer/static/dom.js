"use strict";
// Small tools of every view: elements, typeset symbols, memory, numbers in words.

const Dom = (() => {
  const h = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat().filter((c) => c !== null && c !== undefined));
    return node;
  };

  const SVG = "http://www.w3.org/2000/svg";
  const svg = (tag, attributes = {}, ...children) => {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };

  // --- symbols -----------------------------------------------------------------------------------------------------

  // "C2v(C2')" -> [["C", ""], ["2v", "sub"], ["(C", ""], ["2", "sub"], ["′)", ""]]: what follows C, D, S, T, O, I, σ is set low.
  function pieces(text) {
    const parts = [];
    const pattern = /(SO\(3\)|O\(3\))|([CDS])(inf|∞|\d+)([hvdi]?)(?![a-z])|(C)([si])(?![a-z])|([TOI])([hd])(?![a-z])|(σ)([hvd])|([ABETGH])(\d*)([gu]?)(?![a-zA-Z])/g;
    let last = 0;
    for (const m of text.matchAll(pattern)) {
      if (m.index > last) parts.push([text.slice(last, m.index), ""]);
      last = m.index + m[0].length;
      if (m[1]) { parts.push([m[1], ""]); continue; }
      const letter = m[2] || m[5] || m[7] || m[9] || m[11];
      const low = m[2] ? m[3].replace("inf", "∞") + m[4] : m[5] ? m[6] : m[7] ? m[8] : m[9] ? m[10] : m[12] + m[13];
      parts.push([letter, ""]);
      if (low) parts.push([low, "sub"]);
    }
    if (last < text.length) parts.push([text.slice(last), ""]);
    return parts.map(([t, kind]) => [t.replaceAll("''", "″").replaceAll("'", "′").replace(/^-(?=\d)/, "−"), kind]);
  }

  // Schoenflies symbol, label, class or irrep as HTML.
  const symbol = (text) => h("span", { class: "symbol" }, ...pieces(text).map(([t, kind]) => (kind ? h("sub", {}, t) : t)));

  // The same as tspans for SVG text.
  const symbolSvg = (text) => {
    const spans = [];
    let low = false;
    for (const [t, kind] of pieces(text)) {
      const span = svg("tspan", kind ? { dy: "3", class: "sub" } : low ? { dy: "-3" } : {});
      span.textContent = t;
      spans.push(span);
      low = Boolean(kind);
    }
    return spans;
  };

  const SUBSCRIPTS = { 0: "₀", 1: "₁", 2: "₂", 3: "₃", 4: "₄", 5: "₅", 6: "₆", 7: "₇", 8: "₈", 9: "₉" };
  // For pictures that take plain text only: C₄.
  const symbolText = (text) => text.replace(/\d/g, (d) => SUBSCRIPTS[d]);

  // Hermann–Mauguin: a bar over the number that has a minus sign before it.
  function mauguin(text) {
    const node = h("span", { class: "symbol", "aria-label": text.replaceAll("-", "bar ") , role: "img" });
    for (const part of text.split(/(-\d+|-∞|_\d)/)) {
      if (part.startsWith("_")) node.append(h("sub", {}, part.slice(1))); // a screw axis
      else if (part.startsWith("-")) node.append(h("span", { class: "over" }, part.slice(1)));
      else node.append(part);
    }
    return node;
  }

  // --- words, memory -----------------------------------------------------------------------------------------------

  const plural = (value, one, many) => `${value === "infinite" ? "infinitely many" : value} ${value === 1 ? one : many || `${one}s`}`;
  const order = (value) => (value === "infinite" ? "infinite order" : `order ${value}`);

  // Files opened from disk may be refused storage; then nothing is remembered.
  const remember = (key, value) => { try { localStorage.setItem(`sbs-${key}`, value); } catch { /* not remembered */ } };
  const recall = (key) => { try { return localStorage.getItem(`sbs-${key}`); } catch { return null; } };

  // One Tab stop for a list of links: arrow keys walk it, Tab leaves it.
  function oneStop(container, selector, step) {
    const items = () => [...container.querySelectorAll(selector)];
    container.addEventListener("keydown", (event) => {
      const now = event.target.closest(selector);
      if (!now || event.ctrlKey || event.metaKey || event.altKey) return;
      const next = step(event.key, items(), now);
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
    container.addEventListener("focusin", (event) => {
      const now = event.target.closest(selector);
      if (now) items().forEach((item) => item.setAttribute("tabindex", item === now ? "0" : "-1"));
    });
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

  // A block of code with a button that copies it.
  function code(text, announce, options = {}) {
    const name = options.name || "Copy as Python";
    const button = h("button", { type: "button", id: options.button || null, onclick: async () => {
      await copy(text);
      button.textContent = "Copied";
      announce("The code is in the clipboard.");
      setTimeout(() => { button.textContent = name; }, 2000);
    } }, name);
    return h("div", { class: "code" }, h("pre", { tabindex: 0 }, h("code", { id: options.id || null }, text)), button);
  }

  return { code, h, mauguin, oneStop, order, plural, recall, remember, svg, symbol, symbolSvg, symbolText };
})();
