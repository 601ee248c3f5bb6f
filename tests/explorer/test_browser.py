"""The explorer in a headless Chromium: what a reader sees and does."""

from __future__ import annotations

from urllib.parse import quote

import numpy as np
import pytest

import sbs

WAIT = 60_000  # milliseconds; WebGL in software on a busy machine takes seconds to draw a scene


@pytest.fixture(scope="module")
def context(browser):
    # Playwright waits by evaluating text in the page, which the page's own policy forbids; `test_scheme` loads the
    # page with the policy in force.
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, bypass_csp=True)
    yield context
    context.close()


@pytest.fixture(scope="module")
def complaints():
    return []


@pytest.fixture(scope="module")
def tab(context, complaints):
    """One tab for the module; console errors and requests of any test are collected and looked at in the last."""
    return watched(context, complaints)


def watched(context, complaints):
    tab = context.new_page()
    tab.set_default_timeout(WAIT)
    tab.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda e: complaints.append(str(e)))
    tab.on("request", lambda r: complaints.append(r.url) if r.url.startswith("http") else None)
    return tab


def go(tab, page_file, address, fresh=False):
    """To an address of the page: by a change of the part after #, or by loading the file anew."""
    wanted = f"#{quote(address)}"
    if fresh or not tab.url.startswith(page_file.as_uri()):
        tab.goto("about:blank")
        tab.goto(page_file.as_uri() + wanted)
        tab.wait_for_selector("html[data-ready=yes]", state="attached")
        return
    tab.evaluate("(hash) => { location.hash = hash; }", wanted)
    arrived(tab, address)


def arrived(tab, address):
    """Wait until the page shows an address, not only until it is in the address bar."""
    tab.wait_for_function(
        "(wanted) => decodeURIComponent(document.documentElement.dataset.shown || '') === wanted", arg=f"#{address}"
    )


def drawn(tab):
    tab.wait_for_selector("#target .plot[data-drawn=yes]")


def traces(tab) -> list[str]:
    return tab.evaluate("document.querySelector('#target .plot').data.map((t) => t.type + ':' + t.name)")


def test_pick_a_group_and_click_a_target(tab, page_file, artifacts):
    go(tab, page_file, "D3/C1")
    tab.fill("#search", "m-3m")
    tab.click("#groups a[data-group=Oh]")
    tab.wait_for_function("document.getElementById('group-title').textContent.startsWith('Oh')")
    tab.click("#hasse a[data-label=D4h]")
    arrived(tab, "Oh/D4h")
    assert tab.locator("#target h2").inner_text() == "Oh → D4h"
    assert tab.locator("#target .chip").count() == 3
    assert "3 objects of irreps 1x2e" in tab.locator("#summary").inner_text()
    drawn(tab)
    kinds = traces(tab)
    assert kinds.count("surface:selected") == 1 and kinds.count("scatter3d:same orbit") == 2
    tab.screenshot(path=str(artifacts / "Oh-D4h.png"))
    assert (artifacts / "Oh-D4h.png").stat().st_size > 20_000


def test_selected_object_changes_with_the_chip(tab, page_file):
    go(tab, page_file, "Oh/C4v")
    drawn(tab)
    first = tab.locator(".values").inner_text()
    tab.click("#target .chip >> nth=3")
    assert tab.locator("#target .chip[aria-pressed=true]").inner_text().endswith("4")
    shown = [float(x) for x in tab.locator(".values").inner_text().strip("[]").split(",")]
    np.testing.assert_allclose(shown, sbs.minimal_set("Oh", "C4v").objects[3], atol=1e-6)
    assert tab.locator(".values").inner_text() != first
    kinds = traces(tab)
    assert "cone:selected" in kinds and "axes lost" in " ".join(kinds) and "mirrors kept" in " ".join(kinds)
    tab.uncheck("#target .toggles input >> nth=0")
    tab.wait_for_function("!document.querySelector('#target .plot').data.some((t) => t.name.startsWith('axes'))")


@pytest.mark.parametrize(
    ("address", "heading", "words", "fresh"),
    [
        ("Oh/D4h", "Oh → D4h", "and fewer cannot be", True),
        ("D6h/C2v(C2'')", "D6h → C2v(C2'')", "H is a complement", True),
        ("C4/C1", "C4 → C1", "infinite", False),
        ("Ih/C1", "Ih → C1", "120 objects are enough", False),
        ("Td", "Td → T", "2 objects are enough", False),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" in value else None,
)
def test_deep_link(tab, page_file, address, heading, words, fresh):
    go(tab, page_file, address, fresh)
    assert tab.locator("#target h2").inner_text() == heading
    assert words in tab.locator("#certificate").inner_text()


def test_bad_links_are_explained(tab, page_file):
    go(tab, page_file, "Q8/C1")
    assert "no table of Q8" in tab.locator("#problem").inner_text()
    go(tab, page_file, "Oh/C2v")
    assert tab.locator("#problem a").count() == 3
    tab.click("#problem a >> nth=0")
    tab.wait_for_selector("#problem", state="hidden")


def test_copied_code_runs_and_reproduces_the_set(tab, page_file, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    go(tab, page_file, "D3/C1")
    tab.click("#copy")
    tab.wait_for_function("document.getElementById('copy').textContent === 'Copied'")
    code = tab.evaluate("navigator.clipboard.readText()")
    assert code == tab.locator("#python").inner_text()
    scope: dict = {}
    exec(code, scope)
    assert scope["s"].size == 6 and scope["s"].irreps == "1x1o"


def test_keyboard(tab, page_file):
    go(tab, page_file, "Oh/D4h")
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "search"
    tab.keyboard.type("Td")
    tab.keyboard.press("Enter")
    arrived(tab, "Td")
    tab.locator("#hasse a.selected").focus()
    tab.keyboard.press("ArrowDown")
    label = tab.evaluate("document.activeElement.dataset.label")
    assert label not in (None, "T")
    tab.keyboard.press("Enter")
    arrived(tab, f"Td/{label}")
    drawn(tab)
    before = tab.evaluate("document.querySelector('#target .plot')._fullLayout.scene.camera.eye")
    tab.locator("#target .plot").focus()
    tab.keyboard.press("ArrowLeft")
    tab.wait_for_function(
        "(x) => document.querySelector('#target .plot')._fullLayout.scene.camera.eye.x !== x", arg=before["x"]
    )


def test_hasse_diagram_has_every_class_and_says_in_words_what_colour_says(tab, page_file):
    go(tab, page_file, "C4/C4")
    group = sbs.point_group("C4")
    assert tab.locator("#hasse a.node").count() == len(group.subgroup_classes)
    tab.select_option("#coloring", "ideal")
    notes = tab.evaluate("[...document.querySelectorAll('#hasse .note')].map((n) => n.textContent)")
    assert sorted(notes) == ["ideal", "not ideal", "not ideal"]
    tab.select_option("#coloring", "degeneracy")
    notes = tab.evaluate("[...document.querySelectorAll('#hasse .note')].map((n) => n.textContent)")
    assert sorted(notes) == ["1 orbit", "∞ orbits", "∞ orbits"]
    assert tab.locator("#hasse line").count() == 2


def test_tables_of_a_group(tab, page_file):
    go(tab, page_file, "T/C3")
    rows = tab.locator("#characters tbody tr").all_inner_texts()
    assert len(rows) == 4 and any("ε*" in row for row in rows) and any("(x, y, z)" in row for row in rows)
    tab.click("summary:has-text('Elements')")
    assert tab.locator("#elements tbody tr").count() == 12


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_scheme(browser, page_file, scheme, artifacts, complaints):
    """Contrast of at least 4.5 (WCAG 2.1, AA) for the text colours in both schemes; the page's policy is in force."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 1000})
    tab = watched(context, complaints)
    go(tab, page_file, "Oh/C4v", fresh=True)
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
    context.close()


def contrast(first: str, second: str) -> float:
    def luminance(color: str) -> float:
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_concepts_show_what_goes_wrong(tab, page_file, artifacts):
    go(tab, page_file, "concepts/closed")
    tab.wait_for_selector("#concept-closed .plot[data-drawn=yes]")
    assert tab.locator("#concepts-page section").count() == 6
    tab.click("#turn-60")
    tab.wait_for_function("document.getElementById('closed-verdict').textContent.includes('contradict')")
    assert "6 of the 6 arrows" in tab.locator("#closed-verdict").inner_text()
    tab.screenshot(path=str(artifacts / "concepts-closed.png"))
    tab.select_option("#concept-closed select", "closed")
    tab.wait_for_function("document.getElementById('closed-verdict').textContent.includes('gP = P')")


def test_concepts_average_vanishes_only_at_the_whole_group(tab, page_file):
    go(tab, page_file, "concepts/obstacle")
    tab.wait_for_selector("#concept-obstacle .plot[data-drawn=yes]")
    verdict = tab.locator("#concept-obstacle .verdict")
    assert "1.000" in verdict.inner_text()
    tab.evaluate(
        "() => { const slider = document.querySelector('#concept-obstacle input'); "
        "slider.value = 48; slider.dispatchEvent(new Event('input')); }"
    )
    assert "exactly zero" in verdict.inner_text()


def test_harmonics_of_the_page_are_those_of_the_library(tab, page_file):
    """Y(R v) = D(R) Y(v) with the library's D in e3nn's basis, for random rotations and l up to 8."""
    go(tab, page_file, "Oh/D4h")
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


def test_symmetry_elements_of_the_page_are_right(tab, page_file):
    """Axes and mirrors that the picture draws, counted for known groups."""
    go(tab, page_file, "Oh/D4h")
    for symbol, axes, mirrors in [
        ("Oh", 13, 9),
        ("Td", 7, 6),
        ("D6h", 7, 7),
        ("Ih", 31, 15),
        ("S4", 1, 0),
        ("C1", 0, 0),
    ]:
        found = tab.evaluate(
            "async (s) => { const e = Geometry.symmetryElements((await App.unpack(s)).elements); "
            "return [e.axes.length, e.mirrors.length]; }",
            symbol,
        )
        assert found == [axes, mirrors], symbol


def test_nothing_complained_and_nothing_was_fetched(complaints):
    """Last in the file: no console error, no exception, no request in any of the tests above."""
    assert complaints == []
