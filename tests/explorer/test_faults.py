"""Faults that readers found in the page, each in a real browser: none may come back."""

from __future__ import annotations

import colorsys
import re
from itertools import pairwise

import numpy as np
import pytest

import sbs
from sbs.groups.point.symbols import parse_symbol
from sbs.tables.catalogue import stored_symbols


@pytest.fixture(scope="module")
def tab(reader):
    return reader.tab


@pytest.fixture(scope="module")
def plain(plain_context, new_reader):
    """A tab without WebGL, for what has nothing to do with turning pictures: it loads in no time."""
    return new_reader(plain_context)


# --- pictures -------------------------------------------------------------------------------------------------------


def axis_order(matrices: np.ndarray, axis: np.ndarray) -> str | None:
    """What elements do about a line: the largest C_n, or S_n with n divisible by four; from the matrices alone."""
    best: tuple[int, str] | None = None
    for g in matrices:
        sign = np.linalg.det(g)
        image = g @ axis
        if abs(abs(image @ axis) - 1) > 1e-6 or (sign > 0) != (image @ axis > 0):
            continue  # not about this line
        power, n = g.copy(), 1
        while np.abs(power - np.eye(3)).max() > 1e-6:
            power, n = power @ g, n + 1
        if n == 1 or (sign < 0 and (n % 4 or np.abs(np.trace(g) - 1) < 1e-6)):
            continue
        kind = (n, "C" if sign > 0 else "S")
        if best is None or kind[0] > best[0] or (kind[0] == best[0] and kind[1] == "C"):
            best = kind
    return None if best is None else f"{best[1]}{best[0]}"


@pytest.mark.parametrize("symbol", ["Oh", "Td", "D4h", "D6d", "Ih", "S8"])
def test_an_axis_is_labelled_by_the_order_that_survives(plain, symbol):
    plain.go(f"{symbol}/C1")
    group = sbs.point_group(symbol)
    listed = plain.tab.evaluate(
        "async (s) => { const t = await App.unpack(s); return t.subgroup_classes.map((c) => [c.label, t.axes.map((a) => "
        "[a.direction, a.label, (a.elements.find(([n]) => c.elements.includes(n)) || [0, null])[1]])]); }",
        symbol,
    )
    assert len(listed) == len(group.subgroup_classes)
    for (label, axes), c in zip(listed, group.subgroup_classes, strict=True):
        assert label == c.label
        for direction, whole, kept in axes:
            line = np.array(direction) / np.linalg.norm(direction)
            assert whole == axis_order(np.array(group.matrices), line)
            assert kept == axis_order(np.array(c.representative.matrices), line), (label, direction)


def test_the_picture_shows_what_is_left_of_an_axis(reader):
    reader.go("Oh/T")
    texts = [text for trace in reader.traces() if trace["name"] == "axis labels" for text in trace["text"]]
    assert texts.count("C₄ → C₂") == 3 and texts.count("C₃") == 4 and "C₄" not in texts
    reader.go("Oh/Td")
    texts = [text for trace in reader.traces() if trace["name"] == "axis labels" for text in trace["text"]]
    assert texts.count("C₄ → S₄") == 3


def test_pseudoscalars_are_screws_and_words_fit_the_picture(reader, tab):
    reader.go("Oh/Td")
    without = {trace["name"] for trace in reader.traces()}
    reader.go("Oh/T")
    first = reader.traces()
    assert {trace["name"] for trace in first} != without
    assert any(trace["name"].endswith(" screw") for trace in first)
    note = tab.locator("#target .legend").first.inner_text()
    assert "screw" in note and "arrow" not in note
    hands = set()
    reader.go("Td/T")
    for chip in range(2):
        tab.locator("#target .chip").nth(chip).click()
        tab.wait_for_function("(n) => document.querySelectorAll('#target .chip')[n].ariaPressed === 'true'", arg=chip)
        tab.wait_for_timeout(300)
        hands |= {trace["name"] for trace in reader.traces() if trace["name"].endswith("screw")}
    assert hands == {"selected right screw", "selected left screw"}


def hue(color: str) -> float:
    return colorsys.rgb_to_hls(*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0] * 360


def test_the_words_for_signs_hold_in_both_schemes(plain):
    plain.go("Oh/D4h")
    assert "orange where positive and blue where negative" in plain.tab.locator("#target .legend").first.inner_text()
    for _ in range(2):
        colors = plain.tab.evaluate(
            "['--selected', '--negative'].map((n) => getComputedStyle(document.documentElement).getPropertyValue(n).trim())"
        )
        assert 5 < hue(colors[0]) < 45 and 200 < hue(colors[1]) < 240
        plain.tab.click("#theme")


def test_an_infinite_set_shows_its_circle(reader, tab):
    reader.go("C4/C1")
    assert "circle of objects" in {trace["name"] for trace in reader.traces()}
    before = tab.locator(".values").inner_text()
    tab.evaluate(
        "() => { const s = document.getElementById('azimuth'); s.value = 90; s.dispatchEvent(new Event('input')); }"
    )
    after = tab.locator(".values").inner_text()
    assert before != after
    shown = np.array([float(x.replace("−", "-")) for x in tab.locator(".values dd").all_inner_texts()])
    assert abs(np.linalg.norm(shown) - 1) < 1e-5 and abs(shown[2]) < 1e-6


# --- the diagram ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["C3v", "Oh", "D4h", "Ih", "D9h", "D12h"])
def test_no_line_of_the_diagram_runs_through_a_box(plain, symbol):
    plain.go(symbol)
    boxes = {
        label: np.array(box)
        for label, box in plain.tab.evaluate(
            "[...document.querySelectorAll('#hasse a.node')].map((a) => { const r = a.querySelector('rect'); "
            "return [a.dataset.label, ['x', 'y', 'width', 'height'].map((n) => Number(r.getAttribute(n)))]; })"
        )
    }
    lines = plain.tab.evaluate(
        "[...document.querySelectorAll('#hasse .edges > *')].map((l) => "
        "[l.dataset.upper, l.dataset.lower, l.getAttribute('points') || "
        "`${l.getAttribute('x1')},${l.getAttribute('y1')} ${l.getAttribute('x2')},${l.getAttribute('y2')}`])"
    )
    group = sbs.point_group(symbol)
    assert set(boxes) == {c.label for c in group.subgroup_classes}
    for upper, lower, text in lines:
        corners = np.array([[float(x) for x in point.split(",")] for point in text.split()])
        for start, end in pairwise(corners):
            points = start + np.linspace(0, 1, 41)[:, None] * (end - start)
            for label, (x, y, width, height) in boxes.items():
                inside = (np.abs(points - [x + width / 2, y + height / 2]) < [width / 2 - 0.6, height / 2 - 0.6]).all(1)
                assert not inside.any(), f"the line {upper} to {lower} crosses {label}"
    rows = list(boxes.values())
    for i, (x, y, width, height) in enumerate(rows):
        for other in rows[:i]:
            assert abs(x - other[0]) >= width or abs(y - other[1]) >= height, "two boxes overlap"


def test_boxes_are_opaque_and_the_cone_is_lit(plain):
    plain.go("Oh/D4h")
    ground = plain.tab.evaluate("getComputedStyle(document.querySelector('#hasse a.node rect')).fill")
    assert re.fullmatch(r"rgb\(\d+, \d+, \d+\)", ground)
    group = sbs.point_group("Oh")
    below = {c.label: set() for c in group.subgroup_classes}
    for c in group.subgroup_classes:
        for d in group.subgroup_classes:
            masks = [s.mask for s in d.representative.conjugates()]
            if any((m <= c.representative.mask).all() for m in masks):
                below[c.label].add(d.label)
    cone = {label for label in below if label in below["D4h"] or "D4h" in below[label]} - {"D4h"}
    lit = set(plain.tab.evaluate("[...document.querySelectorAll('#hasse a.node.lit')].map((a) => a.dataset.label)"))
    assert lit == cone


def test_arrow_keys_go_along_lines_and_the_chosen_box_is_in_view(plain):
    plain.go("D12h/C2(C2')")
    inside = (
        "() => { const a = document.querySelector('#hasse a.selected').getBoundingClientRect(), "
        "b = document.getElementById('hasse').getBoundingClientRect(); "
        "return a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom; }"
    )
    assert plain.tab.evaluate(inside)
    plain.tab.locator("#hasse a.selected").focus()
    pairs = {
        tuple(p)
        for p in plain.tab.evaluate(
            "[...document.querySelectorAll('#hasse polyline')].map((l) => [l.dataset.upper, l.dataset.lower])"
        )
    }
    now = "C2(C2')"
    for key in ("ArrowUp", "ArrowUp", "ArrowDown", "ArrowUp"):
        plain.tab.keyboard.press(key)
        label = plain.tab.evaluate("document.activeElement.dataset.label")
        assert ((label, now) if key == "ArrowUp" else (now, label)) in pairs
        now = label


# --- concepts -------------------------------------------------------------------------------------------------------


def test_the_text_on_the_mean_says_where_it_vanishes(plain):
    plain.go("concepts/obstacle")
    zeros = plain.tab.evaluate(
        "() => { const s = document.querySelector('#concept-obstacle input'), found = []; "
        "for (let k = 1; k <= 48; k++) { s.value = k; "
        "s.dispatchEvent(new Event('input')); const words = document.querySelector('#concept-obstacle .verdict').textContent; "
        "if (words.includes('exactly zero')) found.push(k); } return found; }"
    )
    assert zeros == list(range(4, 49, 4))
    assert "zero after every four copies" in plain.tab.locator("#concept-obstacle").inner_text()


def test_crosses_and_marks_are_drawn(reader, tab):
    reader.go("concepts/closed")
    tab.wait_for_selector("#concept-closed .plot[data-drawn=yes]")
    tab.evaluate(
        "() => { const s = document.querySelector('#concept-closed input'); s.value = 60; s.dispatchEvent(new Event('input')); }"
    )
    tab.wait_for_function("document.querySelector('#concept-closed .plot').data.some((t) => t.name === 'not in P')")
    found = reader.traces("#concept-closed .plot")
    (crosses,) = [trace for trace in found if trace["name"] == "not in P"]
    assert crosses["mode"] == "lines"
    assert sum(trace["name"] == "mark left screw" for trace in found) == 6


# --- addresses and search -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["Oh/%", "toString", "__proto__", "constructor/x", "%E0%A4%A", "//", "Oh/C4v/99", "concepts/nothing"]
)
def test_no_address_kills_the_page(plain, address):
    plain.complaints.clear()
    plain.open(address)
    assert plain.complaints == []
    alive = plain.tab.evaluate(
        "['problem', 'group-page', 'concepts-page', 'start-page'].filter((id) => !document.getElementById(id).hidden)"
    )
    assert alive
    plain.tab.evaluate("() => { location.hash = '#Oh/D4h'; }")
    plain.tab.wait_for_function("document.documentElement.dataset.shown === '#Oh/D4h'")


def test_the_skip_link_leads_to_the_content(plain):
    plain.open("Oh/D4h")
    plain.tab.keyboard.press("Tab")
    plain.tab.keyboard.press("Enter")
    assert plain.tab.evaluate("document.activeElement.id") == "content"
    assert plain.tab.evaluate("location.hash") == "#Oh/D4h"
    assert plain.tab.locator("#target h2").is_visible()


@pytest.mark.parametrize(
    "text",
    [
        "oh",
        "m3m",
        "O_h",
        "D∞h",
        "Cinfv",
        "c_{2v}",
        "-43m",
        "m3̅m",
        "m-3m",
        "d6d",
        "-4m2",
        "S3",
        "C3i",
        "Vh",
        "4/m2/m2/m",
        "2mm",
        "∞m",
        "o(3)",
    ],
)
def test_an_address_takes_what_the_command_line_takes(plain, text):
    symbol = parse_symbol(text).symbol.schoenflies
    assert plain.tab.evaluate("(t) => Spelling.group(t)", text) == symbol


@pytest.mark.parametrize("text", ["i", "Q8", "", "C0", "D4hh", "toString", "4/q", "C2vv"])
def test_and_refuses_what_it_refuses(plain, text):
    assert plain.tab.evaluate("(t) => Spelling.group(t)", text) is None


def test_every_group_is_found_by_all_its_spellings(plain):
    listed = plain.tab.evaluate("JSON.parse(document.getElementById('index').textContent)")
    assert {g["symbol"] for g in listed["index"]} == set(stored_symbols())
    for group in listed["index"] + listed["infinite"]:
        assert {group["symbol"].lower(), group["hermann_mauguin"].replace("∞", "inf").replace(" ", "")} & set(
            group["spellings"]
        )
        for spelling in group["spellings"]:
            assert parse_symbol(spelling).symbol.schoenflies == group["symbol"], spelling


def test_another_spelling_becomes_the_canonical_address(plain):
    plain.open("oh/d4h")
    assert plain.tab.evaluate("location.hash") == "#Oh/D4h"
    assert plain.tab.locator("#target h2").inner_text() == "Oh → D4h"
    plain.open("m-3m/4mm")
    assert plain.tab.evaluate("location.hash") == "#Oh/C4v"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("cubic", {"T", "Th", "O", "Td", "Oh"}), ("m3m", {"Oh"}), ("O_h", {"Oh"}), ("D∞h", {"Dinfh"})],
)
def test_the_search_field(plain, text, expected):
    plain.go("Oh/D4h")
    plain.tab.fill("#search", text)
    assert (
        set(plain.tab.evaluate("[...document.querySelectorAll('#groups a')].map((a) => a.dataset.group)")) == expected
    )
    plain.tab.fill("#search", "")


def test_infinite_groups_have_pages_and_others_the_line_that_answers(plain):
    plain.go("C∞v")
    assert plain.tab.locator("#infinite-page h2").inner_text().startswith("C∞v")
    for row in plain.tab.locator("#infinite-targets tbody tr").all():
        cells = row.locator("td").all_inner_texts()
        found = eval(cells[5], {"sbs": sbs})
        assert cells[1] == ("∞" if found.size == float("inf") else str(found.size)) and cells[4] == found.irreps
    plain.go("D17h")
    line = plain.tab.locator("#problem code").inner_text()
    exec(line.replace("print", "str"), {})


# --- frame ----------------------------------------------------------------------------------------------------------


def test_the_diagram_is_a_few_tabs_away(plain):
    plain.open("Oh/D4h")
    presses = 0
    while presses < 16:
        presses += 1
        plain.tab.keyboard.press("Tab")
        if plain.tab.evaluate("Boolean(document.activeElement.closest('#hasse a'))"):
            break
    assert presses <= 14 and plain.tab.evaluate("document.activeElement.dataset.label") == "D4h"


def test_the_wheel_over_a_picture_scrolls_the_page(reader, tab):
    reader.open("Oh/D4h")
    reader.traces()
    tab.locator("#target .plot").hover()
    before = tab.evaluate("scrollY")
    tab.mouse.wheel(0, 300)
    tab.wait_for_function("(y) => scrollY > y + 100", arg=before)


def test_theme_and_object_are_kept(browser, new_reader, without_webgl):
    context = without_webgl(browser.new_context(bypass_csp=True, color_scheme="light", reduced_motion="reduce"))
    reader = new_reader(context)
    reader.open("Oh/C4v/3")
    tab = reader.tab
    assert tab.locator("#target .chip[aria-pressed=true]").inner_text().endswith("3")
    tab.locator("#target .chip").nth(4).click()
    assert tab.evaluate("location.hash") == "#Oh/C4v/5"
    tab.click("#theme")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    reader.open("Oh/C4v/5")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    assert tab.locator("#target .chip[aria-pressed=true]").inner_text().endswith("5")
    context.close()


def test_paper_gets_the_contents_only(reader, tab):
    reader.go("Oh/D4h")
    reader.traces()
    tab.emulate_media(media="print")
    assert not tab.locator("aside").is_visible() and not tab.locator("#theme").is_visible()
    assert tab.locator("#target .flat svg").is_visible() and tab.locator("#certificate").is_visible()
    assert tab.evaluate(
        "document.querySelector('#hasse svg').getBoundingClientRect().right <= document.documentElement.clientWidth"
    )
    tab.emulate_media(media="screen")


def test_a_phone_shows_the_content_first(browser, new_reader, without_webgl, artifacts):
    context = without_webgl(
        browser.new_context(viewport={"width": 390, "height": 844}, bypass_csp=True, reduced_motion="reduce")
    )
    reader = new_reader(context)
    reader.open("Oh/C4v")
    tab = reader.tab
    assert tab.evaluate("document.getElementById('group-title').getBoundingClientRect().top") < 220
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.click("#chooser > summary")
    tab.click("#groups a[data-group=Td]")
    reader.arrived("Td")
    assert not tab.locator("#groups").is_visible()
    tab.screenshot(path=str(artifacts / "phone.png"))
    context.close()


def test_words_are_counted_right(plain):
    plain.go("C1")
    facts = plain.tab.locator("#group-facts").inner_text()
    assert "1 class of elements" in facts and "1 class of subgroups" in facts


PRINTED = {
    "D4h": "E 2C4 C2 2C2′ 2C2″ i 2S4 σh 2σv 2σd",
    "Oh": "E 8C3 6C2′ 6C4 3C2 i 6S4 8S6 3σh 6σd",
    "D6h": "E 2C6 2C3 C2 3C2′ 3C2″ i 2S3 2S6 σh 3σd 3σv",
    "Td": "E 8C3 3C2 6S4 6σd",
    "C3h": "E C3 C3² σh S3 S3⁵",
    "D2h": "E C2(z) C2(y) C2(x) i σ(xy) σ(xz) σ(yz)",
}


@pytest.mark.parametrize("symbol", PRINTED)
def test_character_tables_are_printed_as_in_the_field(plain, symbol):
    """Columns as in F. A. Cotton, "Chemical Applications of Group Theory", appendix II; subscripts set low."""
    plain.go(symbol)
    heads = [text.strip() for text in plain.tab.locator("#characters thead th").all_inner_texts()]
    assert " ".join(heads[1:-2]) == PRINTED[symbol]
    assert plain.tab.locator("#characters thead sub").count() >= 3
    # The first row is the trivial representation, whatever the order of the columns.
    cells = plain.tab.locator("#characters tbody tr").first.locator("td").all_inner_texts()
    assert set(cells[: len(heads) - 3]) == {"1"}


def test_symbols_are_typeset(plain):
    plain.go("Oh/D4h")
    assert plain.tab.locator("#group-title sub").inner_text() == "h"
    assert plain.tab.locator("#group-title .over").inner_text() == "3"
