"""Irreps and their notation."""

import pytest

from sbs.errors import SymmetryBreakingError
from sbs.objects.irreps import Irrep, format_irreps, irreps_dim, parse_irreps


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("2e", ((1, Irrep(2, 1)),)),
        ("1x2e", ((1, Irrep(2, 1)),)),
        ("1x0o+1x3e", ((1, Irrep(0, -1)), (1, Irrep(3, 1)))),
        (" 3 x 1o +  12e ", ((3, Irrep(1, -1)), (1, Irrep(12, 1)))),
    ],
)
def test_parse(text, terms):
    assert parse_irreps(text) == terms


@pytest.mark.parametrize("text", ["1x2e", "1x0o+1x3e", "2x1o+1x10e+1x0e"])
def test_format_is_the_inverse_of_parse(text):
    assert format_irreps(parse_irreps(text)) == text


def test_sequences_of_irreps_are_taken_as_they_are():
    assert format_irreps([Irrep(0, -1), (2, Irrep(1, 1))]) == "1x0o+2x1e"
    assert irreps_dim([Irrep(0, -1), (2, Irrep(1, 1))]) == 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "e",
        "2",
        "2g",
        "2E",
        "-1o",
        "1x",
        "x2e",
        "1x2e+",
        "+1x2e",
        "1x2e,1x0o",
        "0x2e",
        "1.5x2e",
        "1x2e 1x0o",
        "²e",
    ],
)
def test_nonsense_is_refused(text):
    with pytest.raises(SymmetryBreakingError, match="irreps"):
        parse_irreps(text)


@pytest.mark.parametrize("term", [(0, Irrep(1, 1)), (1, Irrep(-1, 1)), (1, Irrep(1, 0)), (1, 2), "ab", ("2e", 1)])
def test_wrong_terms_are_refused(term):
    with pytest.raises(SymmetryBreakingError, match="irreps"):
        parse_irreps([term])


def test_natural_parity_is_that_of_the_spherical_harmonics():
    # Y_l(-x) = (-1)^l Y_l(x): scalars, vectors, quadrupoles are natural, pseudoscalars and axial vectors not.
    assert [str(Irrep(l, p)) for l in range(4) for p in (1, -1) if Irrep(l, p).natural] == [
        "0e",
        "1o",
        "2e",
        "3o",
    ]
    assert [Irrep(l, 1).dim for l in range(4)] == [1, 3, 5, 7]


def test_notation_is_that_of_e3nn():
    o3 = pytest.importorskip("e3nn.o3")
    ours = parse_irreps("2x1o+1x0o+1x3e")
    theirs = o3.Irreps("2x1o+1x0o+1x3e")
    assert [(mul, ir.l, ir.p) for mul, ir in theirs] == [(mul, ir.l, ir.p) for mul, ir in ours]
    assert irreps_dim(ours) == theirs.dim
