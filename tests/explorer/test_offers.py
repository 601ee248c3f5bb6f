"""What the page offers to a newcomer, a crystallographer and a reader on paper; and that everybody can use it."""

from __future__ import annotations

import re

import numpy as np
import pytest

import sbs
from sbs.explorer.tilts import GLAZER, simple_tilts, tilted
from sbs.tables.catalogue import stored_symbols


@pytest.fixture(scope="module")
def plain(plain_context, new_reader):
    """A tab without WebGL."""
    return new_reader(plain_context)


# --- start ----------------------------------------------------------------------------------------------------------


def test_the_page_begins_with_what_it_is_for(plain):
    plain.open("")
    tab = plain.tab
    text = tab.locator("#start-page").inner_text()
    assert (
        "symmetry-breaking set" in text.lower()
        and "arXiv:2402.02681" in text
        and "MIT" in text
        and sbs.__version__ in text
    )
    assert "@article{xie2024equivariant" in tab.locator("#bibtex").inner_text()
    assert tab.locator(".outputs .output").count() == 6
    assert tab.locator(".doors > section").count() == 3
    before = tab.evaluate("document.querySelector('.outputs > g').innerHTML")
    tab.locator(".outputs .output").nth(1).click()
    assert tab.evaluate("document.querySelector('.outputs > g').innerHTML") != before


def test_a_pair_is_found_with_two_pickers(plain):
    plain.open("start")
    tab = plain.tab
    tab.wait_for_function("document.querySelectorAll('#pick-target option').length === 33")
    tab.select_option("#pick-group", "D3")
    tab.wait_for_function("document.querySelectorAll('#pick-target option').length === 4")
    tab.select_option("#pick-target", "C1")
    assert tab.locator("#pick-answer").inner_text() == "6 objects of irreps 1x1o, ideal."
    tab.click("#pick-go")
    plain.arrived("D3/C1")
    assert tab.locator("#target h2").inner_text() == "D3 → C1"


# --- a target -------------------------------------------------------------------------------------------------------


def body(tab) -> np.ndarray:
    return np.array(
        tab.evaluate(
            "(() => { const t = document.querySelector('#target .plot').data.find((t) => t.name === 'body'); "
            "return [t.x, t.y, t.z]; })()"
        ),
        dtype=float,
    )


def test_the_body_gives_way_to_the_symmetry_of_the_output(reader):
    reader.go("Oh/D4h")
    reader.traces()
    tab = reader.tab
    shapes = {}
    for amount in (0, 100):
        tab.evaluate(
            "(v) => { const s = document.getElementById('amount'); s.value = v; "
            "s.dispatchEvent(new Event('input')); s.dispatchEvent(new Event('change')); }",
            amount,
        )
        tab.wait_for_timeout(800)
        points = body(tab)
        points = np.unique(np.round(points[:, ~np.isnan(points).any(0)].T, 3), axis=0)
        kept = sum(
            all(np.abs(points - g @ p).max(1).min() < 5e-3 for p in points)
            for g in np.array(sbs.point_group("Oh").matrices)
        )
        shapes[amount] = kept
    assert shapes == {0: 48, 100: 16}


def test_components_have_names_and_the_carrying_irrep_is_named(plain):
    plain.go("Oh/D4h")
    names = plain.tab.locator(".values dt").all_inner_texts()
    assert names == ["xz", "xy", "2y²-x²-z²", "yz", "z²-x²"]
    facts = plain.tab.locator("#target .numbers").inner_text()
    assert "Eg of Oh" in " ".join(facts.split())


def test_what_is_broken_is_hidden_until_asked_for(reader):
    reader.go("Oh/C4v")
    assert not any("lost" in trace["name"] for trace in reader.traces())
    assert {"x y z", "body", "axes kept"} <= {trace["name"] for trace in reader.traces()}


def test_correlation_and_product_tables(plain):
    plain.go("Oh/C4v")
    plain.tab.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    rows = {}
    for row in plain.tab.locator("#correlation tbody tr").all():
        rows[row.locator("th").inner_text()] = row.locator("td").all_inner_texts()
    # The correlation table of O_h and C_4v, E. B. Wilson, J. C. Decius, P. C. Cross, "Molecular Vibrations", table X-14.
    assert (
        rows["T1u"] == ["3", "A1 + E", "carries the object"]
        and rows["Eg"][1] == "A1 + B1"
        and rows["T2g"][1] == "B2 + E"
    )
    degrees = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in plain.tab.locator("#degrees tbody tr").all()
    }
    assert (
        degrees["1o"] == ["T1u", "A1 + E"] and degrees["2e"][0] == "Eg + T2g" and degrees["3o"][0] == "A2u + T1u + T2u"
    )
    heads = plain.tab.locator("#products thead th").all_inner_texts()
    for row in plain.tab.locator("#products tbody tr").all():
        if row.locator("th").inner_text() == "T1u":
            assert row.locator("td").nth(heads.index("T1u") - 1).inner_text() == "A1g + Eg + T1g + T2g"


# --- lists and concepts ---------------------------------------------------------------------------------------------


def test_all_targets_can_be_sieved_and_sorted(plain):
    plain.go("targets")
    tab = plain.tab
    rows = [row for symbol in stored_symbols() for row in sbs.table(symbol)]
    assert tab.locator("#targets-count").inner_text() == f"{len(rows)} of {len(rows)} targets"
    tab.select_option("#find-ideal", "not")
    wanted = sum(not row.ideal for row in rows)
    assert tab.locator("#targets-count").inner_text() == f"{wanted} of {len(rows)} targets"
    tab.select_option("#find-ideal", "any")
    tab.fill("#find-text", "1x0o+1x3o")
    assert tab.locator("#targets-count").inner_text().startswith(f"{sum('1x0o+1x3o' in row.irreps for row in rows)} of")
    tab.fill("#find-text", "")
    tab.click("#all-targets th[data-key=size] button")
    tab.click("#all-targets th[data-key=size] button")
    sizes = tab.locator("#all-targets tbody td:nth-child(5)").all_inner_texts()
    assert sizes[0] == "∞" and tab.get_attribute("#all-targets th[data-key=size]", "aria-sort") == "descending"


def test_concepts_are_an_article_with_formulas_and_still_pictures(plain):
    plain.go("concepts")
    tab = plain.tab
    tab.wait_for_function("document.querySelectorAll('#concepts-page section').length === 9")
    assert tab.locator("#concepts-page math[display=block]").count() == 9
    assert tab.locator("#concepts-page strong:has-text('Try')").count() == 9
    pictures = tab.evaluate(
        "[...document.querySelectorAll('#concepts-page section')]"
        ".map((s) => (s.querySelector('.flat svg, .drawing svg') || {children: []}).children.length)"
    )
    assert len(pictures) == 9 and min(pictures) >= 3


def test_degeneracy_counts_what_is_known(plain):
    plain.go("concepts/degeneracy")
    tab, chips = plain.tab, plain.tab.locator("#concept-degeneracy .chip")
    found = sbs.minimal_set("C2", "C1", ambient="Oh")
    assert chips.count() == found.size
    chips.nth(0).click()
    assert "1 pair shown; 2 of 4 answers" in tab.locator("#degeneracy-verdict").inner_text()
    chips.nth(int(np.argmax(found.orbits == 1))).click()
    assert "all 4 answers are known" in tab.locator("#degeneracy-verdict").inner_text()


def test_the_curves_on_data_efficiency_say_what_the_theory_says(plain):
    plain.go("concepts/efficiency")
    curves = plain.tab.evaluate("JSON.parse(document.getElementById('index').textContent).curves")
    for curve in curves:
        values, equivariant = curve["mismatch"], "without" not in curve["name"]
        needed = (
            (curve["objects"] if curve["orbits"] == 1 else 0)
            if not equivariant
            else curve["objects"] // curve["orbits"] * (curve["orbits"] - 1) + 1
        )
        assert all(value > 0.05 for value in values[: needed - 1]) and all(
            value < 1e-4 for value in values[needed - 1 :]
        )


# --- tilt systems -----------------------------------------------------------------------------------------------------


def test_tilted_octahedra_have_the_space_group_that_is_listed():
    """Two routes: isotropy subgroups of the order parameters, and spglib on atoms that were moved by hand."""
    rows = simple_tilts()
    assert len(rows) == 15 and {row["number"] for row in rows} == set(GLAZER)
    for row in rows:
        assert sbs.detect(tilted(row["direction"], 0.3)).space_group.number == row["number"], row["glazer"]
        signs = sorted(part for part in re.findall(r"[abc]([0+-])", row["glazer"]))
        assert signs == sorted("0" if not angle else "+" if sign > 0 else "-" for angle, sign in row["turns"])


def test_a_tilt_system_has_a_page(plain):
    plain.go("tilts/Pnma")
    assert plain.tab.locator("#tilt-list tbody tr").count() == 15
    facts = " ".join(plain.tab.locator("#tilt .numbers").inner_text().split())
    assert "Pnma (62)" in facts and "24: 6 orientation × 4 antiphase" in facts
    code = plain.tab.locator("#python").last.inner_text()
    scope: dict = {}
    exec(code, scope)
    assert len(scope["states"]) == 24
    plain.tab.click("#tilt-list a[href='#tilts/R-3c']")
    plain.arrived("tilts/R-3c")
    assert "R3c (167)" in " ".join(plain.tab.locator("#tilt .numbers").inner_text().split()).replace("̄", "")


# --- for everybody --------------------------------------------------------------------------------------------------


VIEWS = ["start", "Oh/C4v", "targets", "tilts", "concepts", "Dinfh"]


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        *((view, "light") for view in VIEWS),
        ("Oh/C4v", "dark"),
        *(pytest.param(view, "dark", marks=pytest.mark.slow) for view in VIEWS if view != "Oh/C4v"),
    ],
)
def test_axe_finds_nothing(browser, new_reader, without_webgl, address, scheme):
    """No finding of moderate impact or worse by axe-core."""
    library = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core is not installed: pip install axe-playwright-python"
    )
    context = without_webgl(
        browser.new_context(
            bypass_csp=True, color_scheme=scheme, reduced_motion="reduce", viewport={"width": 1280, "height": 900}
        )
    )
    reader = new_reader(context)
    reader.open(address)
    reader.tab.evaluate("() => document.querySelectorAll('#group-page details').forEach((d) => { d.open = true; })")
    found = library.Axe().run(reader.tab).response["violations"]
    context.close()
    serious = [
        (v["id"], v["impact"], [n["html"][:120] for n in v["nodes"][:3]]) for v in found if v["impact"] != "minor"
    ]
    assert serious == []


def test_axe_can_find_something(browser):
    library = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    tab = browser.new_page()
    tab.set_content("<html><body><img src='data:,'><button></button></body></html>")
    assert library.Axe().run(tab).response["violations"]
    tab.close()


PICTURES = [
    (address, scheme, size)
    for address in ("start", "Oh/C4v", "Ih", "concepts")
    for scheme in ("light", "dark")
    for size in ("desk", "phone", "paper")
]
"""Views of which a screenshot is left among the artifacts, to be looked at."""


@pytest.mark.slow
@pytest.mark.parametrize(("address", "scheme", "size"), PICTURES, ids=lambda value: str(value).replace("/", "-"))
def test_screenshots(browser, new_reader, artifacts, address, scheme, size):
    """Every view is wider than nothing, no wider than the window, and its picture is kept."""
    viewport = {"width": 390, "height": 844} if size == "phone" else {"width": 1440, "height": 1000}
    context = browser.new_context(bypass_csp=True, color_scheme=scheme, viewport=viewport, reduced_motion="reduce")
    reader = new_reader(context)
    reader.open(address)
    if size == "paper":
        reader.tab.emulate_media(media="print")
    reader.tab.wait_for_timeout(1500)
    file = artifacts / f"{address.replace('/', '-')}-{scheme}-{size}.png"
    reader.tab.screenshot(path=str(file), full_page=size != "desk")
    assert file.stat().st_size > 10_000
    assert reader.tab.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    assert reader.complaints == []
    context.close()
