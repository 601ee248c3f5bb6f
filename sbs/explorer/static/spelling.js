"use strict";
// From what a reader types to a group of the page. The spellings are the library's own list; only markup is taken off here.

const Spelling = (() => {
  const DIGITS = "₀₁₂₃₄₅₆₇₈₉";
  const MINUS = /[−–‐‑¯]/g;

  // Plain text: bars before their number as "-", ∞ as "inf", no blanks, no markup, lower case.
  function plain(text) {
    return text.normalize("NFD")
      .replace(/[₀-₉]/g, (d) => String(DIGITS.indexOf(d))).replace(MINUS, "-")
      .replace(/\\(?:bar|overline)\s*\{?([0-9]+|\\infty|∞)\}?/g, "-$1").replaceAll("\\infty", "inf")
      .replace(/((?:[0-9∞][\u0304\u0305])+)/g, (m) => `-${m.replace(/[\u0304\u0305]/g, "")}`)
      .replace(/[_${}]/g, "").replace(/∞|infinity|inf|oo/gi, "inf").replace(/\s+/g, "").toLowerCase();
  }

  let known = null; // spelling -> symbol
  function learn(index) {
    known = new Map();
    for (const group of index) for (const spelling of group.spellings) known.set(spelling, group.symbol);
  }

  // Symbol of the stored group that a text names, or null. A lone small i is the inversion, not a group.
  const group = (text) => (text.trim() === "i" ? null : known.get(plain(text)) || null);

  // Label as the library compares it: ASCII for Greek and superscripts, any prime, no blanks, any case of the first letter.
  const label = (text) => text.normalize("NFKD").replaceAll("σ", "s").replace(/[′’ʹ]/g, "'").replace(/″/g, "''").replace(/\s+/g, "").replace(/[_${}]/g, "").toLowerCase();

  // Words by which a list of groups is searched.
  function matches(group, text) {
    const wanted = plain(text);
    if (!wanted) return true;
    const words = [group.system, group.kind, "icosahedral".startsWith(wanted) && group.symbol[0] === "I" ? "icosahedral" : null];
    return group.symbol.toLowerCase().includes(wanted) || group.spellings.some((s) => s.startsWith(wanted)) ||
      words.some((w) => w && wanted.length > 2 && w.startsWith(wanted));
  }

  return { group, label, learn, matches, plain };
})();
