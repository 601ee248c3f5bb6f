"""Tensor-product paths by which a breaker's blocks can act on hidden features, and the warning where there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from e3nn import o3

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.nn.products import selection

__all__ = [
    "CLEBSCH_GORDAN",
    "GAUNT",
    "Paths",
    "Product",
    "Selection",
    "UnreachableBreakerWarning",
    "allowed",
    "as_paths",
    "unreachable_blocks",
    "unreachable_message",
]


@runtime_checkable
class Paths(Protocol):
    """Which (l1, l2, l3) a tensor product has; parities multiply. A product module that has these two can be asked about."""

    @property
    def name(self) -> str:
        """For messages."""

    def has(self, l1: int, l2: int, l3: int) -> bool:
        """Whether features of degree l1 and l2, |l1 - l2| <= l3 <= l1 + l2, make some of degree l3."""


@dataclass(frozen=True)
class Selection:
    """Paths by a rule."""

    name: str
    rule: Callable[[int, int, int], bool]

    def has(self, l1: int, l2: int, l3: int) -> bool:
        """See `Paths`."""
        return abs(l1 - l2) <= l3 <= l1 + l2 and self.rule(l1, l2, l3)


#: The kinds of product of `sbs.nn.products`, by name.
_NAMED: dict[str, Selection] = {kind: Selection(kind, partial(selection.interacts, kind)) for kind in selection.KINDS}
CLEBSCH_GORDAN, GAUNT = _NAMED["clebsch-gordan"], _NAMED["gaunt"]

Product = selection.Kind | Paths


class UnreachableBreakerWarning(UserWarning):
    """A breaker is attached where no path of tensor products leads from it to the features."""


def as_paths(product: object) -> Paths:
    """The paths of a product given by name or by itself.

    Raises:
        NetworkInputError: unless it is a known name or has `Paths`.
    """
    if isinstance(product, str) and product in _NAMED:
        return _NAMED[product]
    if isinstance(product, Paths) and not isinstance(product, type):
        return product
    raise NetworkInputError(
        f"tensor_product={shown(product)} is unknown; choose one of {', '.join(map(repr, _NAMED))}, or give a product of "
        "sbs.nn.products or another object with a name and has(l1, l2, l3)."
    )


def allowed(first: o3.Irrep, second: o3.Irrep, product: Paths = CLEBSCH_GORDAN) -> list[o3.Irrep]:
    """Irreps in the product of two irreps."""
    return [ir for ir in first * second if product.has(first.l, second.l, ir.l)]


def unreachable_blocks(
    irreps_breaker: o3.Irreps, features: o3.Irreps, product: Paths = CLEBSCH_GORDAN
) -> list[o3.Irrep]:
    """Irreps of the breaker for which no product with a feature is a feature."""
    kinds = {ir for _, ir in features}
    return [
        block
        for _, block in irreps_breaker
        if not any(out in kinds for own in kinds for out in allowed(own, block, product))
    ]


def unreachable_message(breaker: o3.Irreps, features: o3.Irreps, place: str) -> str:
    """Say which blocks have no path at ``place`` and what to do."""
    lost = unreachable_blocks(breaker, features)
    names = ", ".join(map(str, lost)) or str(breaker)
    largest = max((ir.l for _, ir in features), default=0)
    if all(block.l <= 2 * largest for block in lost):
        remedy = "Use hidden irreps of both parities, more layers, or another layer."
    else:
        remedy = (
            f"Ask for a set within reach, sbs.minimal_set(..., lmax={max(largest, 1)}), or use hidden irreps "
            f"of larger l (a product of two features of degree up to l reaches 2 l, here {2 * largest}), or "
            "another layer."
        )
    return (
        f"The breaker's {names} cannot act on the features {features.simplify()} at {place!r}: no product of "
        f"a feature with it is a feature, so it will never have an effect. {remedy}"
    )
