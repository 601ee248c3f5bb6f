"""What notebooks show: sets, groups, tables, detected structures and domain states."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import sbs
from sbs.errors import InvalidGroupError
from sbs.objects.irreps import Irrep
from sbs.objects.representation import representation
from sbs.sets.picture import COLOURS, body_of, harmonic_surface, screw, svg

PAIRS = [
    ("Oh", "D4h"),
    ("Oh", "C4v"),
    ("Oh", "T"),
    ("Td", "T"),
    ("D3", "C1"),
    ("C4", "C1"),
    ("C3v", "C3v"),
    ("Ih", "C5v"),
]


@pytest.mark.parametrize("pair", PAIRS, ids="->".join)
def test_a_set_is_facts_and_a_picture(pair):
    found = sbs.minimal_set(*pair)
    root = ElementTree.fromstring(found._repr_html_())
    assert root.find("{http://www.w3.org/2000/svg}svg") is not None
    text = "".join(root.itertext())
    assert found.irreps in text and pair[0] in text and (str(found.size) in text or "infinitely many" in text)
    numbers = [float(x) for d in re.findall(r' d="([^"]*)"', svg(found)) for x in re.findall(r"-?[\d.]+", d)]
    assert min(numbers) > -20 and max(numbers) < 340


def test_sets_without_a_picture_are_facts():
    symmetric = sbs.FiniteGroup.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])
    inner = symmetric.subgroup([[1, 0, 3, 2], [2, 3, 0, 1]])
    for found in (sbs.minimal_set(inner, symmetric.subgroup([]), ambient=symmetric), sbs.minimal_set("Dinfh", "Cinfv")):
        assert "<svg" not in found._repr_html_() and "objects" in found._repr_html_()
        with pytest.raises(InvalidGroupError, match="no picture"):
            found.plot()


def test_the_body_in_the_picture_keeps_what_the_object_keeps():
    rotation = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    for found in (sbs.minimal_set("Oh", "C4v"), sbs.minimal_set("Oh", "C4v").rotated(rotation)):
        for index in (0, 4):
            points, _ = body_of(found, index)
            kept = [
                n
                for n, g in enumerate(np.array(found.group.matrices))
                if np.abs((points @ g.T)[:, None] - points[None]).max(2).min(1).max() < 1e-9
            ]
            assert kept == found.target_of[index].elements.tolist()


@pytest.mark.parametrize("irrep", [Irrep(2, 1), Irrep(3, -1), Irrep(4, 1)], ids=str)
def test_surfaces_turn_with_their_coefficients(irrep):
    """f(R v) = (D(R) f)(v): a rotation about z by one step of the grid moves the values by one place."""
    coefficients = np.random.default_rng(1).normal(size=irrep.dim)
    _, values = harmonic_surface(irrep, coefficients)
    step = 2 * np.pi / (values.shape[1] - 1)
    turn = np.array([[np.cos(step), -np.sin(step), 0], [np.sin(step), np.cos(step), 0], [0, 0, 1]])
    _, turned = harmonic_surface(irrep, representation(f"1x{irrep}", turn[None])[0] @ coefficients)
    np.testing.assert_allclose(turned[:, 1:], values[:, :-1], atol=1e-9)


def test_screws_have_hands():
    def handedness(curve):
        tangent, change = np.gradient(curve, axis=0), np.gradient(np.gradient(curve, axis=0), axis=0)
        return np.sign(np.einsum("ni,ni->n", np.cross(tangent, change)[5:-5], np.gradient(change, axis=0)[5:-5]).sum())

    assert handedness(screw(1.0)) == 1 and handedness(screw(-1.0)) == -1


def test_colours_are_those_of_the_explorer():
    style = (Path(sbs.__file__).parent / "explorer" / "static" / "style.css").read_text(encoding="utf-8")
    for name, colour in COLOURS.items():
        assert re.search(rf"--{name}: {colour};", style.split('data-theme="dark"')[0]), name


@pytest.mark.parametrize("pair", PAIRS, ids="->".join)
def test_a_set_plots(pair):
    pytest.importorskip("plotly", reason="plotly is not installed: pip install '.[notebook]'")
    found = sbs.minimal_set(*pair)
    figure = found.plot()
    names = {trace.name for trace in figure.data}
    assert "body" in names and names & {"object given", "pseudoscalar", "scalar"}
    figure.to_json()
    with pytest.raises(InvalidGroupError):
        found.plot(index=10_000)


def test_tables_become_data_frames():
    pytest.importorskip("pandas", reason="pandas is not installed: pip install '.[notebook]'")
    table = sbs.table("Oh")
    frame = table.to_pandas()
    assert list(frame["label"]) == [row.label for row in table] and frame["size"].sum() == sum(
        row.size for row in table
    )


def test_groups_and_character_tables_are_html():
    group = sbs.point_group("D4h")
    for text in (group._repr_html_(), group.character_table._repr_html_()):
        ElementTree.fromstring(text)
    assert group._repr_html_().count("<tr>") == 1 + len(group.subgroup_classes)


CUBIC = (4.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], [56, 22, 8, 8, 8])


def test_detected_structures_are_html():
    text = sbs.detect(CUBIC)._repr_html_()
    ElementTree.fromstring(text.replace("'", '"'))
    assert "Pm-3m" in text and "BaTiO3" in text


def test_domain_states_are_shown_in_space():
    pytest.importorskip("py3Dmol", reason="py3Dmol is not installed: pip install '.[notebook]'")
    state = sbs.distortions(CUBIC, "C4v").domain_states(0.1)[0]
    script = state.view().startjs
    assert script.count("addLine") == 12 and script.count("addArrow") >= 1 and "Ti" in script
    assert "addArrow" not in sbs.detect(CUBIC).structure.view().startjs
