"""The explorer in a headless Chromium: what a reader sees and does."""

from __future__ import annotations

from urllib.parse import quote

import numpy as np
import pytest

import sbs


def drawn(tab):
    tab.wait_for_selector("#target .plot[data-drawn=yes]")


@pytest.fixture(scope="module")
def tab(reader):
    return reader.tab


@pytest.fixture(scope="module")
def complaints(reader):
    """Errors and requests of all tests of the module; looked at in the last."""
    return reader.complaints


def test_pick_a_group_and_click_a_target(reader, tab, artifacts):
    reader.go("D3/C1")
    tab.fill("#search", "m-3m")
    tab.click("#groups a[data-group=Oh]")
    tab.wait_for_function("document.getElementById('group-title').textContent.startsWith('Oh')")
    tab.click("#hasse a[data-label=D4h]")
    reader.arrived("Oh/D4h")
    assert tab.locator("#target h2").inner_text() == "Oh → D4h"
    assert tab.locator("#target .chip").count() == 3
    assert "3 objects of irreps 1x2e" in tab.locator("#summary").inner_text()
    drawn(tab)
    kinds = [(trace["type"], trace["name"]) for trace in reader.traces()]
    assert kinds.count(("surface", "selected")) == 1 and kinds.count(("scatter3d", "same orbit")) == 2
    tab.screenshot(path=str(artifacts / "Oh-D4h.png"))
    assert (artifacts / "Oh-D4h.png").stat().st_size > 20_000


def test_selected_object_changes_with_the_chip(reader, tab):
    reader.go("Oh/C4v")
    drawn(tab)
    first = tab.locator(".values").inner_text()
    tab.click("#target .chip >> nth=3")
    assert tab.locator("#target .chip[aria-pressed=true]").inner_text().endswith("4")
    shown = [float(x.replace("−", "-")) for x in tab.locator(".values dd").all_inner_texts()]
    np.testing.assert_allclose(shown, sbs.minimal_set("Oh", "C4v").objects[3], atol=1e-6)
    assert tab.locator(".values").inner_text() != first
    names = {trace["name"] for trace in reader.traces()}
    assert {"selected", "axes kept", "mirrors kept", "body"} <= names and "axes lost" not in names
    tab.check("#target .toggles input[name=broken]")
    tab.wait_for_function("document.querySelector('#target .plot').data.some((t) => t.name === 'axes lost')")
    tab.uncheck("#target .toggles input[name=axes]")
    tab.wait_for_function("!document.querySelector('#target .plot').data.some((t) => t.name.startsWith('axes'))")


@pytest.mark.parametrize(
    ("address", "heading", "words", "fresh"),
    [
        ("Oh/D4h", "Oh → D4h", "and fewer cannot be", True),
        ("D6h/C2v(C2'')", "D6h → C2v(C2″)", "H is a complement", True),
        ("C4/C1", "C4 → C1", "infinite", False),
        ("Ih/C1", "Ih → C1", "120 objects are enough", False),
        ("Td", "Td → T", "2 objects are enough", False),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" in value else None,
)
def test_deep_link(reader, tab, address, heading, words, fresh):
    (reader.open(quote(address)) if fresh else reader.go(address))
    assert tab.locator("#target h2").inner_text() == heading
    assert words in tab.locator("#certificate").inner_text()


def test_bad_links_are_explained(reader, tab):
    reader.go("Q8/C1")
    assert "no table of Q8" in tab.locator("#problem").inner_text()
    reader.go("Oh/C2v")
    assert tab.locator("#problem a").count() == 3
    tab.click("#problem a >> nth=0")
    tab.wait_for_selector("#problem", state="hidden")


def test_copied_code_runs_and_reproduces_the_set(reader, tab, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader.go("D3/C1")
    tab.click("#copy")
    tab.wait_for_function("document.getElementById('copy').textContent === 'Copied'")
    code = tab.evaluate("navigator.clipboard.readText()")
    assert code == tab.locator("#python").inner_text()
    scope: dict = {}
    exec(code, scope)
    assert scope["s"].size == 6 and scope["s"].irreps == "1x1o"


def test_keyboard(reader, tab):
    reader.go("Oh/D4h")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "search"
    tab.keyboard.type("Td")
    tab.keyboard.press("Enter")
    reader.arrived("Td")
    tab.locator("#hasse a.selected").focus()
    tab.keyboard.press("ArrowDown")
    label = tab.evaluate("document.activeElement.dataset.label")
    assert label not in (None, "T")
    tab.keyboard.press("Enter")
    reader.arrived(f"Td/{label}")
    drawn(tab)
    before = tab.evaluate("document.querySelector('#target .plot')._fullLayout.scene.camera.eye")
    tab.locator("#target .plot").focus()
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_function(
        "(x) => document.querySelector('#target .plot')._fullLayout.scene.camera.eye.x !== x", arg=before["x"]
    )


def test_hasse_diagram_has_every_class_and_says_in_words_what_colour_says(reader, tab):
    reader.go("C4/C4")
    group = sbs.point_group("C4")
    assert tab.locator("#hasse a.node").count() == len(group.subgroup_classes)
    tab.select_option("#coloring", "ideal")
    notes = tab.evaluate("[...document.querySelectorAll('#hasse .note')].map((n) => n.textContent)")
    assert sorted(notes) == ["ideal", "not ideal", "not ideal"]
    tab.select_option("#coloring", "degeneracy")
    notes = tab.evaluate("[...document.querySelectorAll('#hasse .note')].map((n) => n.textContent)")
    assert sorted(notes) == ["1 orbit", "∞ orbits", "∞ orbits"]
    assert tab.locator("#hasse polyline").count() == 2


def test_tables_of_a_group(reader, tab):
    reader.go("T/C3")
    rows = tab.locator("#characters tbody tr").all_inner_texts()
    assert len(rows) == 4 and any("ε*" in row for row in rows) and any("(x, y, z)" in row for row in rows)
    tab.click("summary:has-text('Elements')")
    assert tab.locator("#elements tbody tr").count() == 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_scheme(browser, new_reader, scheme, artifacts):
    """Contrast of at least 4.5 (WCAG 2.1, AA) for the text colours in both schemes; the page's policy is in force."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 1000})
    reader = new_reader(context)
    reader.open("Oh/C4v")
    tab = reader.tab
    drawn(tab)
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    colors = tab.evaluate(
        "() => Object.fromEntries(['--ink', '--muted', '--link', '--panel', '--paper', '--selected'].map((name) => "
        "[name, getComputedStyle(document.documentElement).getPropertyValue(name).trim()]))"
    )
    for text in ("--ink", "--muted", "--link"):
        for ground in ("--panel", "--paper"):
            assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    assert contrast(colors["--selected"], colors["--panel"]) >= 3.0  # lines and marks
    tab.screenshot(path=str(artifacts / f"Oh-{scheme}.png"))
    assert reader.complaints == []
    context.close()


def contrast(first: str, second: str) -> float:
    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_concepts_show_what_goes_wrong(reader, tab, artifacts):
    reader.go("concepts/closed")
    tab.wait_for_selector("#concept-closed .plot[data-drawn=yes]")
    tab.click("#turn-60")
    tab.wait_for_function("document.getElementById('closed-verdict').textContent.includes('contradict')")
    assert "6 of the 6 arrows" in tab.locator("#closed-verdict").inner_text()
    tab.screenshot(path=str(artifacts / "concepts-closed.png"))
    tab.select_option("#concept-closed select", "closed")
    tab.wait_for_function("document.getElementById('closed-verdict').textContent.includes('gP = P')")


def test_harmonics_of_the_page_are_those_of_the_library(reader, tab):
    """Y(R v) = D(R) Y(v) with the library's D in e3nn's basis, for random rotations and l up to 8."""
    reader.go("Oh/D4h")
    rng = np.random.default_rng(7)
    for l in range(9):
        rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        rotation *= np.sign(np.linalg.det(rotation))
        d = sbs.representation(f"1x{l}e", rotation[None])[0]
        v = rng.normal(size=3)
        v /= np.linalg.norm(v)
        call = "([l, v]) => Geometry.sphericalHarmonics(l, v)"
        before, after = (np.array(tab.evaluate(call, [l, w.tolist()])) for w in (v, rotation @ v))
        np.testing.assert_allclose(after, d @ before, atol=1e-10)
        assert abs(before @ before - (2 * l + 1) / (4 * np.pi)) < 1e-10
        wigner = np.array(tab.evaluate("([l, r]) => Geometry.wigner(l, r)", [l, rotation.tolist()]))
        np.testing.assert_allclose(wigner, d, atol=1e-8)


def test_nothing_complained_and_nothing_was_fetched(complaints):
    """Last in the file: no console error, no exception, no request in any of the tests above."""
    assert complaints == []
