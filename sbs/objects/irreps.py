"""Irreducible representations of O(3) and e3nn's notation for them.

``2e`` is the irrep of degree l = 2 and even parity, dimension 5; ``1x0o+2x1e`` is a direct sum with multiplicities.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sbs.errors import InvalidGroupError, SymmetryBreakingError
from sbs.groups.abstract.validation import as_list, shown

__all__ = ["Irrep", "IrrepsLike", "format_irreps", "irreps_dim", "parse_irreps"]

_PARITY_LETTERS = {"e": 1, "o": -1}
_MAX_DIGITS = 9  # numbers of more digits are mistakes, and Python reads integers up to a length only
_TERM = re.compile(r"(?:(\d+)\s*x\s*)?(\d+)\s*([eo])", re.ASCII)


class Irrep(NamedTuple):
    """Irrep (l, p) of O(3): rotations act with degree ``l``, inversion as ``p`` = +1 ("e") or -1 ("o")."""

    l: int
    p: int

    @property
    def dim(self) -> int:
        """Dimension 2l + 1."""
        return 2 * self.l + 1

    @property
    def natural(self) -> bool:
        """True if p = (-1)^l, the parity of the spherical harmonics; otherwise it is a pseudotensor."""
        return self.p == (-1) ** self.l

    def __str__(self) -> str:
        return f"{self.l}{'e' if self.p == 1 else 'o'}"


IrrepsLike = str | Iterable["Irrep | tuple[int, Irrep]"]


def parse_irreps(irreps: IrrepsLike) -> tuple[tuple[int, Irrep], ...]:
    """Read irreps such as ``"1x0o+1x3e"`` or ``"2e"`` into ``((mul, Irrep), ...)``, in the order written.

    Also takes a sequence of ``Irrep`` or of ``(mul, Irrep)``. Spaces are allowed between the parts.

    Raises:
        SymmetryBreakingError: if a term is not ``[mul x] l (e|o)``, or a multiplicity is zero.
    """
    if isinstance(irreps, str):
        return tuple(_parse_term(term, irreps) for term in irreps.split("+"))
    if isinstance(irreps, Irrep):
        return ((1, irreps),)
    try:
        terms = as_list(irreps, "irreps such as '1x0o+2x1e', or a sequence of Irrep or of (mul, Irrep)")
    except InvalidGroupError as error:
        raise SymmetryBreakingError(f"irreps: {error}") from None
    return tuple(_check_term(term) for term in terms)


def _parse_term(term: str, whole: str) -> tuple[int, Irrep]:
    match = _TERM.fullmatch(term.strip())
    if match is None:
        raise SymmetryBreakingError(
            f"irreps {shown(whole)}: {shown(term.strip())} is no irrep; expected terms such as '2e' or '3x1o' joined "
            "by '+': multiplicity, 'x', degree l, parity 'e' or 'o'"
        )
    mul, l, letter = match.groups()
    if max(len(mul or ""), len(l)) > _MAX_DIGITS:
        raise SymmetryBreakingError(f"irreps: {shown(term.strip())} has a number of more than {_MAX_DIGITS} digits")
    return _check_term((int(mul or 1), Irrep(int(l), _PARITY_LETTERS[letter])))


def _check_term(term: Irrep | tuple[int, Irrep]) -> tuple[int, Irrep]:
    pair = (1, term) if isinstance(term, Irrep) else term
    mul, irrep = pair if isinstance(pair, tuple) and len(pair) == 2 else (None, None)
    if not (isinstance(irrep, Irrep) and isinstance(mul, int) and isinstance(irrep.l, int)):
        raise SymmetryBreakingError(f"irreps: got the term {term!r}; expected an Irrep or a pair (mul, Irrep)")
    if mul < 1 or irrep.l < 0 or irrep.p not in (1, -1):
        raise SymmetryBreakingError(
            f"irreps: got the term {term!r}; expected a multiplicity of at least 1, l >= 0 and parity 1 or -1"
        )
    return mul, irrep


def format_irreps(irreps: IrrepsLike) -> str:
    """Write irreps in e3nn notation, e.g. ``"1x0o+1x3e"``, with multiplicities always present."""
    return "+".join(f"{mul}x{irrep}" for mul, irrep in parse_irreps(irreps))


def irreps_dim(irreps: IrrepsLike) -> int:
    """Total dimension of a direct sum."""
    return sum(mul * irrep.dim for mul, irrep in parse_irreps(irreps))
