"use strict";
// Data, addresses and the frame of the page. Addresses: #Oh, #Oh/D4h, #concepts, #concepts/irreps.

const App = (() => {
  const h = Target.h;
  const DEFAULT = "Oh/D4h";
  const $ = (id) => document.getElementById(id);
  const index = JSON.parse($("index").textContent); // [{symbol, hermann_mauguin, order, system, family}]
  const packed = JSON.parse($("tables").textContent); // symbol -> gzip of the table, base64
  const loaded = new Map();

  const link = (group) => (label) => `#${encodeURIComponent(group)}/${encodeURIComponent(label)}`;

  async function unpack(symbol) {
    if (!loaded.has(symbol)) {
      const bytes = Uint8Array.from(atob(packed[symbol]), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      loaded.set(symbol, new Response(stream).json());
    }
    return loaded.get(symbol);
  }

  function announce(text) { $("status").textContent = ""; requestAnimationFrame(() => { $("status").textContent = text; }); }

  // --- list of groups ----------------------------------------------------------------------------------------------

  function drawPicker() {
    const systems = ["triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal", "hexagonal", "cubic"];
    const families = { Cn: "Cₙ", Cnh: "Cₙₕ", Cnv: "Cₙᵥ", S2n: "S₂ₙ", Dn: "Dₙ", Dnh: "Dₙₕ", Dnd: "Dₙ꜀".replace("꜀", "d") };
    const wanted = $("search").value.trim().toLowerCase();
    const fits = (g) => !wanted || g.symbol.toLowerCase().includes(wanted) || g.hermann_mauguin.toLowerCase().includes(wanted);
    const section = (title, groups) => {
      const list = groups.filter(fits);
      return list.length ? h("section", {}, h("h3", {}, title), h("ul", {}, ...list.map((g) => h("li", {},
        h("a", { href: `#${g.symbol}`, "data-group": g.symbol, title: `${g.symbol}, ${g.hermann_mauguin}, order ${g.order}` },
          g.symbol, h("small", {}, g.hermann_mauguin)))))) : null;
    };
    const parts = [
      ...systems.map((s) => section(s, index.filter((g) => g.system === s))),
      section("icosahedral", index.filter((g) => ["I", "Ih"].includes(g.symbol))),
      ...Object.entries(families).map(([f, title]) => section(`family ${title}`, index.filter((g) => g.family === f))),
    ];
    $("groups").replaceChildren(...parts.filter(Boolean));
    if (!$("groups").children.length) $("groups").append(h("p", {}, "No stored group has this symbol."));
    markCurrent();
  }

  function markCurrent() {
    const current = route().group;
    document.querySelectorAll("#groups a").forEach((a) => {
      if (a.dataset.group === current) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
    });
  }

  // --- pages -------------------------------------------------------------------------------------------------------

  function route() {
    const [first, second] = (location.hash.slice(1) || DEFAULT).split("/").map(decodeURIComponent);
    return first === "concepts" ? { page: "concepts", section: second } : { page: "group", group: first, target: second };
  }

  let shown = null; // what is on the page: {group, target}
  let ticket = 0;

  async function show() {
    const mine = ++ticket, r = route();
    $("group-page").hidden = r.page !== "group";
    $("concepts-page").hidden = r.page !== "concepts";
    markCurrent();
    if (r.page === "concepts") {
      document.title = "Concepts · symmetry-breaking sets";
      await Concepts.render($("concepts-page"), r.section, unpack);
      return;
    }
    $("problem").hidden = true;
    if (!packed[r.group]) {
      $("group-page").hidden = true;
      complain(`There is no table of ${r.group}. Choose a group from the list.`);
      return;
    }
    const group = await unpack(r.group);
    if (mine !== ticket) return; // the reader went on meanwhile
    const label = r.target || defaultTarget(group);
    let target = group.targets.find((t) => t.label === label);
    if (!target) {
      const alike = group.subgroup_classes.filter((c) => c.symbol === label).map((c) => c.label);
      complain(alike.length ? `${label} names several classes of subgroups of ${group.symbol}: ` : `${group.symbol} has no class of subgroups ${label}; choose one in the diagram.`,
        alike.map((name) => h("a", { href: link(group.symbol)(name) }, name)));
      target = group.targets.find((t) => t.label === (alike[0] || defaultTarget(group)));
    }
    document.title = `${group.symbol} → ${target.label} · symmetry-breaking sets`;
    const sameGroup = shown && shown.group === group;
    shown = { group, target };
    if (!sameGroup) drawGroup(group);
    drawHasse();
    Target.render($("target"), group, target, announce);
    announce($("summary").textContent);
  }

  // Says on the root element which address the page has arrived at.
  async function arrive() {
    const address = location.hash;
    await show();
    if (address === location.hash) document.documentElement.dataset.shown = address;
  }

  function complain(text, links = []) {
    $("problem").replaceChildren(text, ...links.flatMap((node, i) => (i ? [" or ", node] : [node])));
    $("problem").hidden = false;
  }

  // The largest proper subgroup class, for a first look.
  const defaultTarget = (group) => group.subgroup_classes[Math.max(0, group.subgroup_classes.length - 2)].label;

  function drawGroup(group) {
    $("group-title").textContent = `${group.symbol}  ${group.hermann_mauguin}`;
    const finite = group.normalizer.order !== "infinite";
    $("group-facts").textContent = `${group.crystal_system ? `${group.crystal_system} point group` : "not crystallographic"}, order ${group.order}, ` +
      `${group.element_classes.length} element classes, ${group.subgroup_classes.length} classes of subgroups, normalizer in O(3): ` +
      `${group.normalizer.symbol}${finite ? `, order ${group.normalizer.order}` : ""}.`;
    $("characters-panel").replaceChildren(...Tables.characters(group));
    $("elements-panel").replaceChildren(...Tables.elements(group));
    $("sites-panel").replaceChildren(...Tables.sites(group));
    $("targets-panel").replaceChildren(...Tables.targets(group, link(group.symbol)));
  }

  function drawHasse() {
    const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest("a.node");
    Hasse.draw($("hasse"), shown.group, shown.target.label, $("coloring").value, link(shown.group.symbol));
    const now = $("hasse").querySelector("a.selected");
    if (focused && now) now.focus({ preventScroll: true });
    if (now && now.scrollIntoView) {
      const box = $("hasse"), a = now.getBoundingClientRect(), b = box.getBoundingClientRect();
      box.scrollLeft += (a.left + a.right - b.left - b.right) / 2;
    }
  }

  // --- theme and keys ----------------------------------------------------------------------------------------------

  function setTheme(name) {
    document.documentElement.dataset.theme = name;
    $("theme").textContent = name === "dark" ? "Light" : "Dark";
    $("theme").setAttribute("aria-label", `switch to ${name === "dark" ? "light" : "dark"} colours`);
    if (shown && route().page === "group") Target.render($("target"), shown.group, shown.target, announce);
    if (route().page === "concepts") Concepts.render($("concepts-page"), route().section, unpack);
  }

  function keys(event) {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); $("search").focus(); }
    if (event.key === "c") { const button = $("copy"); if (button) button.click(); }
    if (event.key === "h") { const node = $("hasse").querySelector("a.selected"); if (node) node.focus(); }
    if (event.key === "?") { location.hash = "#concepts"; }
  }

  function start() {
    $("search").addEventListener("input", drawPicker);
    $("search").addEventListener("keydown", (event) => {
      const first = $("groups").querySelector("a");
      if (event.key === "Enter" && first) { location.hash = first.getAttribute("href"); first.focus(); }
    });
    $("coloring").addEventListener("change", () => shown && drawHasse());
    $("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
    window.addEventListener("hashchange", arrive);
    document.addEventListener("keydown", keys);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => setTheme(dark.matches ? "dark" : "light"));
    setTheme(dark.matches ? "dark" : "light");
    drawPicker();
    arrive().then(() => { document.documentElement.dataset.ready = "yes"; });
  }

  return { start, unpack };
})();

App.start();
