"use strict";
// Formulas as MathML, from a short notation: letters, numbers and signs as they stand, "a_b", "a^b", "{...}" for a group.

const Formula = (() => {
  const SPACE = "http://www.w3.org/1998/Math/MathML";
  const make = (tag, ...children) => {
    const node = document.createElementNS(SPACE, tag);
    node.append(...children);
    return node;
  };

  function tokens(text) {
    // Three blanks are a wide space.
    return text.replace(/ {3}/g, " ~ ").match(/[{}_^~]|"[^"]*"|[0-9]+(?:\.[0-9]+)?|[A-Za-zα-ωΑ-Ω]|[^\sA-Za-z0-9]/gu) || [];
  }

  function parse(list) {
    const row = [];
    while (list.length && list[0] !== "}") {
      let node = atom(list);
      let low = null, high = null;
      while (list[0] === "_" || list[0] === "^") {
        const sign = list.shift();
        if (sign === "_") low = atom(list); else high = atom(list);
      }
      if (low && high) node = make("msubsup", node, low, high);
      else if (low) node = make("msub", node, low);
      else if (high) node = make("msup", node, high);
      row.push(node);
    }
    return row;
  }

  function atom(list) {
    const token = list.shift();
    if (token === "{") {
      const inside = parse(list);
      list.shift();
      return make("mrow", ...inside);
    }
    if (token === "~") {
      const space = make("mspace");
      space.setAttribute("width", "1.4em");
      return space;
    }
    if (token.startsWith('"')) return make("mtext", token.slice(1, -1));
    if (/^[0-9]/.test(token)) return make("mn", token);
    if (/^[A-Za-zα-ωΑ-Ω]$/u.test(token)) return make("mi", token);
    const sign = make("mo", token);
    if ("()|[]".includes(token)) sign.setAttribute("stretchy", "false");
    return sign;
  }

  // A formula in a line, or one that stands alone.
  function math(text, alone = false) {
    const node = make("math", make("mrow", ...parse(tokens(text))));
    if (alone) node.setAttribute("display", "block");
    return node;
  }

  // Text in which $...$ is a formula.
  const prose = (text) => text.split("$").map((part, i) => (i % 2 ? math(part) : part));

  return { math, prose };
})();
