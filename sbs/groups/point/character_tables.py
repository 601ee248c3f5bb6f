"""Character tables of point groups, with the names of classes and irreducible representations.

The numbers are those of `sbs.groups.abstract.characters`, the names those of `sbs.groups.point.mulliken`; both are of the
standard setting, whose axes the functions x, y, z refer to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sbs.errors import UnknownGroupError
from sbs.groups.abstract.characters import CharacterTable, GroupWithClasses, character_table
from sbs.groups.abstract.immutability import frozen
from sbs.groups.abstract.validation import check_integer, shown
from sbs.groups.point.character_values import epsilon_order, exact_text, float_value
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.functions import function_labels
from sbs.groups.point.mulliken import name_irreps

if TYPE_CHECKING:
    import sympy


__all__ = ["ComplexIrrep", "NamedCharacterTable", "NamedCharacters", "named_character_table"]


@dataclass(frozen=True)
class ComplexIrrep:
    """An irreducible representation over the complex numbers.

    Attributes:
        name: Mulliken name, for one of a conjugate pair with a leading 1 or 2. conjugate: name of the conjugate one.
        dimension: of the representation.
        text: its characters in closed form, one for each class. characters: the same as numbers.
    """

    name: str
    conjugate: str
    dimension: int
    text: tuple[str, ...]
    characters: tuple[complex, ...]


@dataclass(frozen=True)
class NamedCharacters:
    """A row of a character table: an irreducible representation over the real numbers.

    Attributes:
        name: Mulliken name, "T1u", "E2'", "A".
        dimension: real dimension.
        text: characters in closed form, "(1+√5)/2", one for each class.
        characters: the same as float64 numbers.
        linear, rotation, quadratic: functions that transform so, "(x, y)" standing for two that the group mixes.
        parts: the complex representations that it consists of: one, or a conjugate pair.
        multiplicities: how often exp(2πi j / e) is an eigenvalue, for each class and each j = 0 .. e-1.
    """

    name: str
    dimension: int
    text: tuple[str, ...]
    characters: tuple[float, ...]
    linear: tuple[str, ...]
    rotation: tuple[str, ...]
    quadratic: tuple[str, ...]
    parts: tuple[ComplexIrrep, ...]
    multiplicities: tuple[tuple[int, ...], ...] = field(repr=False)

    @property
    def functions(self) -> str:
        """All functions in one line, as printed tables have them."""
        return ", ".join((*self.linear, *self.rotation, *self.quadratic))

    @property
    def exact(self) -> tuple[sympy.Expr, ...]:
        """Characters as exact numbers of sympy, which this loads."""
        return tuple(_exact(m) for m in self.multiplicities)


@dataclass(frozen=True)
class NamedCharacterTable:
    """Characters of a point group with named classes and irreducible representations.

    Rows are the irreducible representations over the real numbers in the customary order, columns the element classes in the
    order of the group's ``element_classes``. Rows are gone through one by one, or found by number or by Mulliken name:
    ``table["T1u"].characters``. The table prints aligned, in notebooks as HTML, and `to_latex` sets it.

    Attributes:
        symbol: Schoenflies symbol of the group.
        order: of the group.
        classes: label of each class, "8C3". sizes: number of elements of each.
        epsilon: what ε stands for in the text of complex characters, "exp(2πi/5)"; None where all are real.
        rows: the rows.
    """

    symbol: str
    order: int
    classes: tuple[str, ...]
    sizes: tuple[int, ...]
    epsilon: str | None
    rows: tuple[NamedCharacters, ...]

    @property
    def irreps(self) -> tuple[str, ...]:
        """Mulliken names of the rows."""
        return tuple(row.name for row in self.rows)

    @property
    def values(self) -> np.ndarray:
        """float64 (rows, classes): the real characters; for complex ones see ``parts`` of a row. Read-only."""
        return frozen(np.array([row.characters for row in self.rows]))

    @property
    def exact(self) -> sympy.ImmutableMatrix:
        """The real characters as a matrix (rows, classes) of exact numbers; loads sympy."""
        import sympy

        return sympy.ImmutableMatrix([row.exact for row in self.rows])

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[NamedCharacters]:
        return iter(self.rows)

    def __getitem__(self, key: Any) -> Any:
        """A row by number or Mulliken name, or a tuple of rows by a slice.

        Raises:
            UnknownGroupError: no row has the name. InvalidGroupError: no such number.
        """
        if isinstance(key, slice):
            return self.rows[key]
        if isinstance(key, str):
            wanted = key.replace("″", "''").replace('"', "''").replace("′", "'").strip().lower()
            for row in self.rows:
                if row.name.lower() == wanted:
                    return row
            raise UnknownGroupError(
                f"{self.symbol} has no irreducible representation {shown(key)}; it has {', '.join(self.irreps)}"
            )
        number = check_integer(key, "the number of a row", -len(self), len(self) - 1)
        return self.rows[number]

    def cells(self) -> list[list[str]]:
        """Name, characters in closed form and functions of each row, as text."""
        return [[row.name, *row.text, row.functions] for row in self.rows]

    def to_latex(self) -> str:
        """A LaTeX tabular (package booktabs), characters as sympy sets them."""
        import sympy

        lines = [
            rf"\begin{{tabular}}{{l{'r' * len(self.classes)}l}}",
            r"\toprule",
            " & ".join([f"${_symbol(self.symbol)}$", *(f"${_symbol(c)}$" for c in self.classes), r"functions \\"]),
            r"\midrule",
        ]
        for row in self.rows:
            numbers = (f"${sympy.latex(value)}$" for value in row.exact)
            lines.append(" & ".join([f"${_symbol(row.name)}$", *numbers, rf"{_functions(row.functions)} \\"]))
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])

    def __str__(self) -> str:
        cells = [[self.symbol, *self.classes, "functions"], *self.cells()]
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
        last = len(widths) - 1
        return "\n".join(
            "  ".join(
                text.ljust(width) if column in (0, last) else text.rjust(width)
                for column, (text, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        )

    def __repr__(self) -> str:
        return f"NamedCharacterTable({self.symbol}: {', '.join(self.irreps)})"

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(text)}</th>" for text in (self.symbol, *self.classes, "functions"))
        body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in self.cells())
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class NamedGroup(GroupWithClasses, Protocol):
    """What a point group must offer: its family, its matrices and the names of its element classes."""

    @property
    def family(self) -> PointGroupSymbol: ...
    @property
    def symbol(self) -> str: ...
    @property
    def matrices(self) -> np.ndarray: ...
    @property
    def element_class_symbols(self) -> Sequence[str]: ...


def named_character_table(group: NamedGroup) -> NamedCharacterTable:
    """The character table of a point group; the same for every orientation.

    Args:
        group: in its standard setting.
    """
    table = character_table(group)
    irreps = name_irreps(group.family, group.matrices, group.class_of, table)
    summed = np.array([table.values[list(irrep.members)].sum(axis=0).real for irrep in irreps])
    functions = function_labels(
        group.matrices, summed[:, group.class_of], np.array([irrep.dimension for irrep in irreps])
    )
    epsilon = epsilon_order(group.family)
    rows = []
    # Few values fill the many places of a large table: each is kept once.
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    for irrep, labels in zip(irreps, functions, strict=True):
        multiplicities = table.multiplicities[list(irrep.members)].sum(axis=0).tolist()
        names = irrep.complex_names
        parts = zip(names, names[::-1], irrep.members, strict=True)
        rows.append(
            NamedCharacters(
                irrep.name,
                irrep.dimension,
                tuple(exact_text(m, epsilon) for m in multiplicities),
                tuple(float_value(m).real for m in multiplicities),
                tuple(labels["linear"]),
                tuple(labels["rotation"]),
                tuple(labels["quadratic"]),
                tuple(_part(table, name, conjugate, member, epsilon) for name, conjugate, member in parts),
                tuple(shared.setdefault(m, m) for m in map(tuple, multiplicities)),
            )
        )
    sizes = tuple(len(members) for members in group.element_classes)
    labelled = zip(sizes, group.element_class_symbols, strict=True)
    return NamedCharacterTable(
        group.symbol,
        int(group.order),
        tuple(name if size == 1 else f"{size}{name}" for size, name in labelled),
        sizes,
        f"exp(2πi/{epsilon})" if any(len(irrep.members) == 2 for irrep in irreps) else None,
        tuple(rows),
    )


def _part(table: CharacterTable, name: str, conjugate: str, member: int, epsilon: int) -> ComplexIrrep:
    multiplicities = table.multiplicities[member].tolist()
    return ComplexIrrep(
        name,
        conjugate,
        int(table.dimensions[member]),
        tuple(exact_text(m, epsilon) for m in multiplicities),
        tuple(float_value(m) for m in multiplicities),
    )


def _exact(multiplicities: Sequence[int]) -> sympy.Expr:
    """The sum of roots of unity as an expression; integers as such, though sympy might not see it in a sum of cosines."""
    import sympy

    value = float_value(multiplicities).real
    if value == round(value):
        return sympy.Integer(round(value))
    angle = 2 * sympy.pi / len(multiplicities)
    return sum((m * sympy.cos(k * angle) for k, m in enumerate(multiplicities) if m), sympy.Integer(0))


def _symbol(text: str) -> str:
    """A symbol as LaTeX: letters with what follows them as an index, powers above."""
    from re import sub

    powers = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    text = sub(r"([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda m: f"^{{{m[1].translate(powers)}}}", text)
    text = sub(r"(?<![{_^])([A-Zσ])([0-9a-z]+)", r"\1_{\2}", text)
    return text.replace("σ", r"\sigma ").replace("∞", r"\infty ")


def _functions(text: str) -> str:
    from re import sub

    marked = sub(r"R([xyz])", r"R_\1", text).replace("²", "^2")
    return f"${marked}$" if text else ""
