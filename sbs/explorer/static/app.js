"use strict";
// Data, addresses and the frame of the page. Addresses: #start, #Oh, #Oh/D4h, #Oh/C4v/3, #Dinfh, #targets, #tilts/Pnma, #concepts, #concepts/irreps.

const App = (() => {
  const { h, mauguin, plural, symbol } = Dom;
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("index").textContent); // {about, index, infinite, targets}
  const packed = new Map(Object.entries(JSON.parse($("tables").textContent))); // symbol -> gzip of the table, base64
  const infinite = new Map(data.infinite.map((g) => [g.symbol, g]));
  const loaded = new Map();
  const PAGES = ["start", "group", "infinite", "targets", "tilts", "concepts"];

  Spelling.learn([...data.index, ...data.infinite]);

  const link = (group) => (label) => `#${encodeURIComponent(group)}/${encodeURIComponent(label)}`;
  const narrow = () => window.matchMedia("(max-width: 48rem)").matches;

  function unpack(name) {
    if (!loaded.has(name)) loaded.set(name, Packed.json(packed.get(name)));
    return loaded.get(name);
  }

  function announce(text) { $("status").textContent = ""; requestAnimationFrame(() => { $("status").textContent = text; }); }

  const conceptTools = { announce, unpack, degenerate: data.degenerate, curves: data.curves };

  // --- list of groups ----------------------------------------------------------------------------------------------

  function drawPicker() {
    const systems = ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"];
    const families = { Cn: "Cn", Cnh: "Cnh", Cnv: "Cnv", S2n: "S2n", Dn: "Dn", Dnh: "Dnh", Dnd: "Dnd" };
    const wanted = $("search").value;
    const section = (title, groups) => {
      const list = groups.filter((g) => Spelling.matches(g, wanted));
      return list.length ? h("section", { "aria-label": title }, h("p", { class: "kind" }, title), h("ul", { "aria-label": title }, ...list.map((g) => h("li", {},
        h("a", { href: `#${g.symbol}`, "data-group": g.symbol, tabindex: "-1", title: `${g.symbol}, ${g.hermann_mauguin}${g.order ? `, order ${g.order}` : ""}` },
          symbol(g.symbol), h("small", {}, mauguin(g.hermann_mauguin))))))) : null;
    };
    const parts = [
      ...systems.map((s) => section(s, data.index.filter((g) => g.system === s))),
      section("icosahedral", data.index.filter((g) => ["I", "Ih"].includes(g.symbol))),
      ...Object.keys(families).map((f) => section(`family ${f}`, data.index.filter((g) => g.family === f && !g.system))),
      section("infinite", data.infinite),
    ];
    $("groups").replaceChildren(...parts.filter(Boolean));
    if (!$("groups").children.length) $("groups").append(h("p", {}, "No stored group has this symbol."));
    markCurrent();
  }

  function markCurrent() {
    const { page, group } = route(), links = [...document.querySelectorAll("#groups a")];
    links.forEach((a) => { if (a.dataset.group === group) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current"); a.setAttribute("tabindex", "-1"); });
    const stop = links.find((a) => a.dataset.group === group) || links[0];
    if (stop) stop.setAttribute("tabindex", "0");
    document.querySelectorAll("header nav a").forEach((a) => {
      const here = a.dataset.page === (page === "infinite" ? "group" : page);
      if (here) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
    });
  }

  // --- addresses ---------------------------------------------------------------------------------------------------

  // A part of an address that is not well encoded is taken as it stands.
  const decoded = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

  function route() {
    const [first, second, third] = (location.hash.slice(1) || "start").split("/").map(decoded);
    if (first === "start" || first === "targets") return { page: first };
    if (first === "tilts") return { page: "tilts", section: second };
    if (first === "concepts") return { page: "concepts", section: second };
    const group = Spelling.group(first);
    if (group && infinite.has(group)) return { page: "infinite", group };
    return { page: "group", group: group || first, known: Boolean(group), target: second || null, object: /^\d+$/.test(third || "") ? Number(third) - 1 : null };
  }

  // The target that a text names: by its label as typed, else by label or symbol however they are spelt.
  function findTarget(group, text) {
    const exact = group.targets.find((t) => t.label === text);
    if (exact) return { target: exact, alike: [] };
    const wanted = Spelling.label(text), labels = group.targets.filter((t) => Spelling.label(t.label) === wanted);
    if (labels.length === 1) return { target: labels[0], alike: [] };
    const meant = Spelling.group(text), alike = group.subgroup_classes.map((c, i) => [c, group.targets[i]]).filter(([c]) => c.symbol === (meant || text)).map(([, t]) => t);
    return alike.length === 1 ? { target: alike[0], alike: [] } : { target: null, alike: alike.map((t) => t.label) };
  }

  // --- pages -------------------------------------------------------------------------------------------------------

  let shown = null; // what is on the page: {group, target}
  let ticket = 0;

  function turnTo(page, title) {
    PAGES.forEach((p) => { $(`${p}-page`).hidden = p !== page; });
    document.body.dataset.page = page || "problem";
    document.title = title ? `${title} · symmetry-breaking sets` : "Symmetry-breaking sets";
  }

  async function show() {
    const mine = ++ticket, r = route();
    $("problem").hidden = true;
    markCurrent();
    if (r.page === "start") {
      turnTo("start");
      if (!$("start-page").children.length) Start.render($("start-page"), data, { announce, unpack, go: (g, k) => { location.hash = link(g)(k); } });
    } else if (r.page === "concepts") {
      turnTo("concepts", "Concepts");
      await Concepts.render($("concepts-page"), r.section, conceptTools);
    } else if (r.page === "targets") {
      turnTo("targets", "All targets");
      const rows = await unpack("all targets");
      if (mine === ticket) Overview.render($("targets-page"), rows, announce);
    } else if (r.page === "tilts") {
      turnTo("tilts", "Tilt systems");
      Tilts.render($("tilts-page"), data.tilts, r.section, announce);
    } else if (r.page === "infinite") {
      turnTo("infinite", r.group);
      Overview.infinite($("infinite-page"), infinite.get(r.group), announce);
    } else if (!r.known) {
      turnTo(null, r.group);
      explainUnknown(r.group);
    } else await showGroup(r, mine);
  }

  // A text that is no stored group: what to do, or the Python line that answers for groups of any n.
  function explainUnknown(text) {
    const plain = Spelling.plain(text), family = plain.match(/^([cds])(\d+)([hvdi]?)$/);
    if (family && Number(family[2]) > 0 && Number(family[2]) <= data.about.max_fold) {
      const name = family[1].toUpperCase() + family[2] + family[3];
      complain(`The page holds groups up to n = 12; the library answers for ${name} too:`, [h("code", { id: "python" }, `import sbs; print(sbs.table("${name}"))`)]);
      return;
    }
    const near = data.index.filter((g) => plain.length > 1 && g.symbol.toLowerCase().startsWith(plain.slice(0, 2))).slice(0, 4).map((g) => g.symbol);
    complain(`There is no table of ${text}. Choose a group from the list${near.length ? ", for example " : "."}`, near.map((name) => h("a", { href: `#${name}` }, name)));
  }

  async function showGroup(r, mine) {
    const group = await unpack(r.group);
    if (mine !== ticket) return; // the reader went on meanwhile
    let { target, alike } = r.target ? findTarget(group, r.target) : { target: null, alike: [] };
    if (!target && r.target) {
      complain(alike.length ? `${r.target} names several classes of subgroups of ${group.symbol}: ` : `${group.symbol} has no class of subgroups ${r.target}; choose one in the diagram.`,
        alike.map((name) => h("a", { href: link(group.symbol)(name) }, name)));
    } else if (r.target && target.label !== r.target || !r.target && decoded(location.hash) !== `#${group.symbol}`) {
      // Another spelling: the address becomes the canonical one.
      history.replaceState(null, "", r.target ? link(group.symbol)(target.label) + (r.object === null ? "" : `/${r.object + 1}`) : `#${group.symbol}`);
    }
    target = target || group.targets.find((t) => t.label === (alike[0] || defaultTarget(group)));
    turnTo("group", `${group.symbol} → ${target.label}`);
    const sameGroup = shown && shown.group === group, sameTarget = sameGroup && shown.target === target;
    shown = { group, target };
    if (!sameGroup) drawGroup(group);
    if (!sameTarget) $("correlation-panel").replaceChildren(...Tables.correlation(group, target));
    drawHasse();
    drawTarget(r.object);
    announce($("summary").textContent);
  }

  function drawTarget(object) {
    const { group, target } = shown;
    Target.render($("target"), group, target, { announce, chosen: object, onChoose: (i) => history.replaceState(null, "", `${link(group.symbol)(target.label)}/${i + 1}`) });
  }

  // Says on the root element which address the page has arrived at.
  async function arrive() {
    const address = location.hash;
    await show();
    document.documentElement.dataset.shown = location.hash;
    document.documentElement.dataset.asked = address;
  }

  function complain(text, links = []) {
    $("problem").replaceChildren(text, ...(links.length ? [" "] : []), ...links.flatMap((node, i) => (i ? [" or ", node] : [node])));
    $("problem").hidden = false;
  }

  // The largest proper subgroup class, for a first look.
  const defaultTarget = (group) => group.subgroup_classes[Math.max(0, group.subgroup_classes.length - 2)].label;

  function drawGroup(group) {
    $("group-title").replaceChildren(symbol(group.symbol), "  ", mauguin(group.hermann_mauguin));
    const finite = group.normalizer.order !== "infinite";
    $("group-facts").replaceChildren(`${group.crystal_system ? `${group.crystal_system} point group` : "not crystallographic"}, order ${group.order}, ` +
      `${plural(group.element_classes.length, "class", "classes")} of elements, ${plural(group.subgroup_classes.length, "class", "classes")} of subgroups, normalizer in O(3): `,
    symbol(group.normalizer.symbol), finite ? `, order ${group.normalizer.order}.` : ".");
    $("characters-panel").replaceChildren(...Tables.characters(group));
    $("products-panel").replaceChildren(...Tables.products(group));
    $("elements-panel").replaceChildren(...Tables.elements(group));
    $("sites-panel").replaceChildren(...Tables.sites(group));
    $("targets-panel").replaceChildren(...Tables.targets(group, link(group.symbol)));
  }

  function drawHasse() {
    const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest("a.node");
    Hasse.draw($("hasse"), shown.group, shown.target.label, $("coloring").value, link(shown.group.symbol));
    const now = $("hasse").querySelector("a.selected");
    if (focused && now) now.focus({ preventScroll: true });
    Hasse.reveal($("hasse"));
  }

  // --- theme and keys ----------------------------------------------------------------------------------------------

  function setTheme(name) {
    document.documentElement.dataset.theme = name;
    $("theme").textContent = name === "dark" ? "Light" : "Dark";
    $("theme").setAttribute("aria-label", `${name === "dark" ? "Light" : "Dark"}: switch to ${name === "dark" ? "light" : "dark"} colours`);
    const page = document.body.dataset.page;
    if (shown && page === "group") drawTarget(null);
    if (page === "tilts") Tilts.render($("tilts-page"), data.tilts, route().section, announce);
    if (page === "concepts") Concepts.render($("concepts-page"), null, { ...conceptTools, stay: true });
  }

  function keys(event) {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); $("chooser").open = true; $("search").focus(); }
    if (event.key === "c") { const button = $("copy"); if (button) button.click(); }
    if (event.key === "h") { const node = $("hasse").querySelector("a.selected"); if (node) node.focus(); }
    if (event.key === "?") { location.hash = "#concepts"; }
  }

  function start() {
    $("search").addEventListener("input", drawPicker);
    $("search").addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const meant = Spelling.group($("search").value), first = meant || ($("groups").querySelector("a") || { dataset: {} }).dataset.group;
      if (!first) return;
      location.hash = `#${first}`;
      if (narrow()) $("chooser").open = false;
      $("content").focus();
    });
    $("coloring").addEventListener("change", () => shown && drawHasse());
    $("theme").addEventListener("click", () => {
      const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      Dom.remember("theme", name);
      setTheme(name);
    });
    $("skip").addEventListener("click", (event) => { event.preventDefault(); $("content").focus(); });
    $("groups").addEventListener("click", () => { if (narrow()) $("chooser").open = false; });
    $("chooser").open = !narrow();
    Dom.oneStop($("groups"), "a", (key, items, now) => {
      const i = items.indexOf(now), to = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: items.length - 1 }[key];
      return items[to];
    });
    Dom.oneStop($("hasse"), "a.node", (key, items, now) => {
      const label = shown && Hasse.neighbour(shown.group, now.dataset.label, key);
      return label === null ? null : items.find((a) => a.dataset.label === label);
    });
    window.addEventListener("hashchange", arrive);
    document.addEventListener("keydown", keys);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => { if (!Dom.recall("theme")) setTheme(dark.matches ? "dark" : "light"); });
    setTheme(Dom.recall("theme") || (dark.matches ? "dark" : "light"));
    drawPicker();
    arrive().then(() => { document.documentElement.dataset.ready = "yes"; });
  }

  return { findTarget, route, start, unpack };
})();

App.start();
