"""Schoenflies and Hermann–Mauguin symbols, against spglib and against groups generated from the symbol."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbs.errors import UnknownGroupError
from sbs.groups.point.families import AXIAL_SERIES, POLYHEDRAL_ORDERS, PointGroupSymbol
from sbs.groups.point.generators import standard_matrices
from sbs.groups.point.symbols import MAX_FOLD, hermann_mauguin, parse_symbol

P = PointGroupSymbol

CRYSTALLOGRAPHIC = {  # International Tables A, table 3.2.1.4
    "1": "C1", "-1": "Ci", "2": "C2", "m": "Cs", "2/m": "C2h", "222": "D2", "mm2": "C2v", "mmm": "D2h",
    "4": "C4", "-4": "S4", "4/m": "C4h", "422": "D4", "4mm": "C4v", "-42m": "D2d", "4/mmm": "D4h",
    "3": "C3", "-3": "S6", "32": "D3", "3m": "C3v", "-3m": "D3d",
    "6": "C6", "-6": "C3h", "6/m": "C6h", "622": "D6", "6mm": "C6v", "-62m": "D3h", "6/mmm": "D6h",
    "23": "T", "m-3": "Th", "432": "O", "-43m": "Td", "m-3m": "Oh",
}  # fmt: skip
NON_CRYSTALLOGRAPHIC = {  # International Tables A, table 3.2.1.5 and 3.2.1.6
    "5": "C5", "-5": "S10", "52": "D5", "5m": "C5v", "-5m": "D5d", "-10": "C5h", "-102m": "D5h", "8": "C8",
    "-8": "S8", "8/m": "C8h", "822": "D8", "8mm": "C8v", "-82m": "D4d", "8/mmm": "D8h", "10": "C10",
    "10/m": "C10h", "1022": "D10", "10mm": "C10v", "10/mmm": "D10h", "-7": "S14", "-14": "C7h", "12": "C12",
    "-12": "S12", "12/m": "C12h", "1222": "D12", "12mm": "C12v", "-122m": "D6d", "12/mmm": "D12h",
    "235": "I", "m-3-5": "Ih", "∞": "Cinf", "∞/m": "Cinfh", "∞2": "Dinf", "∞m": "Cinfv", "∞/mm": "Dinfh",
    "2∞": "SO(3)", "m-∞": "O(3)",
}  # fmt: skip
ORIENTED_PARTS = [
    "1 2 1", "2 1 1", "1 1 2", "m 1 1", "1 m 1", "1 1 m", "1 2/m 1", "1 1 2/m", "2 m m", "m 2 m", "m m 2",
    "2 2 2", "m m m",
]  # fmt: skip
SPELLINGS = {
    "d4h": "D4h", "OH": "Oh", "D_{6h}": "D6h", "$C_{2v}$": "C2v", "C₃v": "C3v",
    " Td ": "Td", "S1": "Cs", "S2": "Ci", "S3": "C3h", "S5": "C5h", "S6": "S6", "S14": "S14", "C1h": "Cs",
    "C1v": "Cs", "D1": "C2", "D1h": "C2v", "D1d": "C2h", "C3i": "S6", "C4i": "C4h", "C1i": "Ci", "V": "D2",
    "Vd": "D2d", "C∞": "Cinf", "C∞v": "Cinfv", "cinfh": "Cinfh", "D∞": "Dinf", "D∞h": "Dinfh",
    "D∞d": "Dinfh", "K": "SO(3)", "Kh": "O(3)", "so(3)": "SO(3)", "O3": "O(3)", "D17h": "D17h", "m3m": "Oh",
    "m3": "Th", "43": "O", "4/m -3 2/m": "Oh", "4/m-32/m": "Oh", "2/m-3": "Th", "M-3M": "Oh",
    "4\u03043m": "Td", "m3\u0305m": "Oh", "1\u03050\u03052m": "D5h", r"m\bar{3}m": "Oh", "−42m": "D2d",
    "2/m 2/m 2/m": "D2h", "2/m2/m2/m": "D2h", "mm": "C2v", "4/m 2/m 2/m": "D4h", "6/m2/m2/m": "D6h",
    "-3 2/m": "D3d", "-32/m": "D3d", "-5 2/m": "D5d", "3/m": "C3h", "3/mm": "D3h", "5/m": "C5h",
    "17/mmm": "D17h", "1/m": "Cs", "53": "I", "532": "I", "-53m": "Ih", "m-5-3": "Ih", "m35": "Ih",
    "2/m -3 -5": "Ih", "inf": "Cinf", "inf m": "Cinfv", "∞mm": "Cinfv", "∞22": "Dinf", "∞/mmm": "Dinfh",
    "∞/m 2/m": "Dinfh", "-∞": "Cinfh", "-∞m": "Dinfh", "∞∞": "SO(3)", "∞∞m": "O(3)", "11 2": "D11",
    "11 m": "C11v", "43 2": "D43", "32 1 1": "C32", "- 4 3 m": "Td", "4 / m": "C4h",
}  # fmt: skip


def matrix_keys(matrices):
    return {tuple(row) for row in np.round(np.asarray(matrices).reshape(-1, 9), 6) + 0.0}


def in_setting(text):
    """Elements of the group in the setting that the symbol asks for."""
    parsed = parse_symbol(text)
    assert abs(np.linalg.det(parsed.rotation) - 1) < 1e-12
    assert np.abs(parsed.rotation @ parsed.rotation.T - np.eye(3)).max() < 1e-12
    return parsed.rotation @ standard_matrices(parsed.symbol) @ parsed.rotation.T


@pytest.mark.parametrize(
    ("text", "expected"),
    (CRYSTALLOGRAPHIC | NON_CRYSTALLOGRAPHIC | SPELLINGS).items(),
    ids=lambda value: value,
)
def test_a_symbol_names_its_group(text, expected):
    assert parse_symbol(text).symbol.schoenflies == expected


@pytest.mark.parametrize(("short", "schoenflies"), (CRYSTALLOGRAPHIC | NON_CRYSTALLOGRAPHIC).items())
def test_writing_hermann_mauguin(short, schoenflies):
    assert hermann_mauguin(parse_symbol(schoenflies).symbol) == short


def space_groups():
    spglib = pytest.importorskip("spglib")
    for hall in range(1, 531):
        yield hall, spglib.get_spacegroup_type(hall), spglib.get_symmetry_from_database(hall)


@pytest.mark.filterwarnings(
    "ignore:Set OLD_ERROR_HANDLING:DeprecationWarning"
)  # about the future of spglib itself
def test_all_pairs_of_symbols_agree_with_spglib():
    pairs = {(kind.pointgroup_international, kind.pointgroup_schoenflies) for _, kind, _ in space_groups()}
    assert len(pairs) == 32
    for international, schoenflies in pairs:
        symbol = parse_symbol(schoenflies).symbol
        assert parse_symbol(international).symbol == symbol
        assert parse_symbol(hermann_mauguin(symbol)).symbol == symbol
    assert {parse_symbol(schoenflies).symbol for _, schoenflies in pairs} == {
        parse_symbol(schoenflies).symbol for schoenflies in CRYSTALLOGRAPHIC.values()
    }


@pytest.mark.filterwarnings(
    "ignore:Set OLD_ERROR_HANDLING:DeprecationWarning"
)  # about the future of spglib itself
def test_settings_agree_with_the_space_groups_of_spglib():
    """The point part of every symmorphic space-group symbol, in the axes of its Hall setting."""
    hexagonal = np.array([[1.0, -0.5, 0.0], [0.0, math.sqrt(3) / 2, 0.0], [0.0, 0.0, 1.0]])  # columns a, b, c
    checked = set()
    for _, kind, symmetry in space_groups():
        for name in (kind.international_short, kind.international_full, kind.international.split("=")[0]):
            part = name.strip()[1:].strip()
            # Screws, glides and rhombohedral cells put other axes behind the same letters.
            if name.strip()[0] == "R" or re.search(r"[_a-ln-z]", part):
                continue
            trigonal = re.search("[36]", part.replace("-", "")[:1]) is not None
            basis = hexagonal if trigonal else np.eye(3)
            cartesian = basis @ symmetry["rotations"] @ np.linalg.inv(basis)
            if part in {"2", "m", "2/m"}:  # a short monoclinic symbol leaves the axis open
                continue
            assert matrix_keys(in_setting(part)) == matrix_keys(cartesian), (name, part)
            checked.add(part)
    assert {"-4m2", "-42m", "-6m2", "-62m", "3m1", "31m", "321", "312", "mm2", "2mm", "m2m"} <= checked
    assert {"1 2 1", "1 1 2", "2 1 1", "1 m 1", "1 2/m 1", "2/m 1 1"} <= checked


def turn(axis, n):
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = 2 * math.pi / n
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k


def meant(part, axis):
    """Generators that one part of a Hermann–Mauguin symbol means along its axis."""
    if part == "m":
        return [-turn(axis, 2)]
    number = int(re.search("[0-9]+", part).group())
    found = [-turn(axis, number) if part[0] == "-" else turn(axis, number)]
    return found + ([-turn(axis, 2)] if part.endswith("/m") else [])


def closure(generators):
    elements, seen = [np.eye(3)], matrix_keys([np.eye(3)])
    for element in elements:
        for generator in generators:
            key = matrix_keys([element @ generator])
            if not key <= seen:
                seen |= key
                elements.append(element @ generator)
    return elements


def axial_symbols(n):
    if n % 2:
        tails = ["", "m", "m 1", "1 m", "2", "2 1", "1 2"]
        symbols = [f"{n} {tail}" for tail in tails]
        return (
            symbols
            + [f"-{n} {tail}" for tail in ("", "m", "m 1", "1 m", "2/m", "2/m 1", "1 2/m")]
            + [f"{n}/m"]
        )
    return [
        f"{n}",
        f"-{n}",
        f"{n}/m",
        f"{n} 2 2",
        f"{n} m m",
        f"-{n} 2 m",
        f"-{n} m 2",
        f"{n}/m m m",
        f"{n}/m 2/m 2/m",
    ]


@pytest.mark.parametrize("text", [text.strip() for n in range(3, 15) for text in axial_symbols(n)])
def test_axial_symbols_are_generated_by_what_they_say(text):
    parts = text.split()
    n = int(re.search("[0-9]+", parts[0]).group())
    x, y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    axes = [
        np.array([0, 0, 1.0]),
        x,
        y if n % 2 else np.array([math.cos(math.pi / n), math.sin(math.pi / n), 0]),
    ]
    if len(parts) == 2:  # "3m", "32": in the standard setting a mirror contains x, two-fold axis along x
        axes[1] = y if parts[1] == "m" and parts[0][0] != "-" else x
    generators = [
        g for part, axis in zip(parts, axes, strict=False) if part != "1" for g in meant(part, axis)
    ]
    assert matrix_keys(in_setting(text)) == matrix_keys(closure(generators))
    compact = text.replace(" ", "")
    if not re.search("[0-9]1|^11|31m|432|312|321", compact):  # where digits run together, blanks decide
        assert matrix_keys(in_setting(compact)) == matrix_keys(in_setting(text))


@pytest.mark.parametrize("text", ["2 3", "2/m -3", "m -3", "4 3 2", "-4 3 m", "m -3 m", "4/m -3 2/m"])
def test_cubic_symbols_are_generated_by_what_they_say(text):
    axes = [[0, 0, 1], [1, 1, 1], [1, 1, 0]]
    generators = [g for part, axis in zip(text.split(), axes, strict=False) for g in meant(part, axis)]
    assert matrix_keys(in_setting(text)) == matrix_keys(closure(generators))


@pytest.mark.parametrize("text", ORIENTED_PARTS)
def test_orthorhombic_and_monoclinic_parts_are_along_x_y_z(text):
    generators = [
        g
        for part, axis in zip(text.split(), np.eye(3), strict=True)
        if part != "1"
        for g in meant(part, axis)
    ]
    assert matrix_keys(in_setting(text)) == matrix_keys(closure(generators))
    assert matrix_keys(in_setting(text.replace(" ", ""))) == matrix_keys(closure(generators))


@pytest.mark.parametrize("family", AXIAL_SERIES)
def test_every_symbol_reads_back(family):
    for n in [*range(1, MAX_FOLD + 1), math.inf]:
        symbol = PointGroupSymbol(family, n)
        for text in (symbol.schoenflies, symbol.pretty, hermann_mauguin(symbol)):
            parsed = parse_symbol(text)
            assert parsed.symbol == symbol, text
            assert np.array_equal(parsed.rotation, np.eye(3)), text


@pytest.mark.parametrize("family", POLYHEDRAL_ORDERS)
def test_polyhedral_symbols_read_back(family):
    symbol = PointGroupSymbol(family)
    for text in (symbol.schoenflies, symbol.pretty, hermann_mauguin(symbol)):
        assert parse_symbol(text).symbol == symbol


def test_hermann_mauguin_symbols_are_distinct():
    symbols = {PointGroupSymbol(family, n) for family in AXIAL_SERIES for n in [*range(1, 200), math.inf]}
    assert len({hermann_mauguin(symbol) for symbol in symbols}) == len(symbols)


def test_pretty_shows_infinity():
    assert P("Cnv", math.inf).pretty == "C∞v" and P("Cnv", math.inf).schoenflies == "Cinfv"
    assert str(P("Dnh", 4)) == "D4h" and P("Dnh", 4).order == 16
    assert P("Dnh", math.inf).order == math.inf and not P("O(3)").is_finite


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "x", "hello", "D4hh", "D4v", "C2d", "S4h", "Sh", "4/m-m", "4m", "3mm", "5mm", "-5mm",
        "-3-3", "2/", "/m", "m/m", "-", "--3", "-4/m", "1m", "1mm", "2m", "222m", "m-4m", "i", "c", "D", "C",
        "Dh", "C4.5", "D4 h", "C٣", "4\n2", "0", "-0", "00", "03", "0/m", "C-1v", "D-4h", "C0", "S0", "∞3",
        "-∞2", "T2", "Id", "O2h", "Th3",
    ],
)  # fmt: skip
def test_text_that_is_no_symbol(text):
    with pytest.raises(UnknownGroupError) as caught:
        parse_symbol(text)
    assert not text.strip() or repr(text) in str(caught.value)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.text(alphabet="0123456789-/m CDSTOIhvdinf∞ \u0305", max_size=12)
    | st.text(max_size=8)
    | st.lists(st.sampled_from(["1", "2", "3", "4", "6", "-", "/m", "m", " "]), max_size=60).map("".join)
)
def test_any_text_is_read_or_refused(text):
    try:
        parsed = parse_symbol(text)
    except UnknownGroupError:
        return
    assert parse_symbol(hermann_mauguin(parsed.symbol)).symbol == parsed.symbol
    assert parsed.symbol.n is None or parsed.symbol.n == math.inf or 1 <= parsed.symbol.n <= MAX_FOLD


@pytest.mark.parametrize("n", [12, 20, 22, 24, 31, 42, 62, 122])
def test_digits_without_a_meaning_as_several_parts_are_one_number(n):
    assert parse_symbol(str(n)).symbol == P("Cn", n)


@pytest.mark.parametrize(
    ("text", "near"),
    [("D4hh", "D4h"), ("D17hh", "D17h"), ("C3vv", "C3v"), ("m-3mm", "m-3m"), ("Ohh", "Oh"), ("4/mm", "4/mmm"),
     ("i", "Ci"), ("Cinv", "Cinfv"), ("6/mmmm", "6/mmm")],
)  # fmt: skip
def test_near_matches_are_suggested(text, near):
    with pytest.raises(UnknownGroupError, match=rf"did you mean .*{re.escape(near)}[,?]"):
        parse_symbol(text)


@pytest.mark.parametrize("text", ["C0", "D0h", "S0", "C-3", "D-4h"])
def test_numbers_below_one(text):
    with pytest.raises(UnknownGroupError, match="at least 1"):
        parse_symbol(text)


@pytest.mark.parametrize(
    "text", [f"D{MAX_FOLD + 1}h", "C99999", "-5003", "D" + "9" * 5000, "9" * 5000, f"S{2 * MAX_FOLD + 2}"]
)
def test_numbers_above_the_limit(text):
    with pytest.raises(UnknownGroupError, match=f"{MAX_FOLD}-fold") as caught:
        parse_symbol(text)
    assert len(str(caught.value)) < 400
    assert parse_symbol(f"D{MAX_FOLD}h").symbol.n == MAX_FOLD


@pytest.mark.parametrize("value", [None, 4, b"D4h", ["D4h"], P("Dnh", 4)], ids=repr)
def test_values_that_are_not_text(value):
    with pytest.raises(UnknownGroupError, match="must be text"):
        parse_symbol(value)


def test_parsed_symbols_cannot_be_changed():
    parsed = parse_symbol("-4m2")
    with pytest.raises(ValueError, match="read-only"):
        parsed.rotation[0, 0] = 2.0
    with pytest.raises(AttributeError):
        parsed.symbol = P("Oh")
