"""Tensor-product paths by which a breaker's blocks can act on hidden features, and the warning where there
are none.
"""

from __future__ import annotations

from typing import Literal

from e3nn import o3

from sbs.errors import NetworkInputError

__all__ = [
    "Product",
    "UnreachableBreakerWarning",
    "allowed",
    "check_product",
    "unreachable_blocks",
    "unreachable_message",
]

Product = Literal["clebsch-gordan", "gaunt"]


class UnreachableBreakerWarning(UserWarning):
    """A breaker is attached where no path of tensor products leads from it to the features."""


def check_product(product: str) -> None:
    """Raise NetworkInputError unless ``product`` is a known kind of tensor product."""
    if product not in ("clebsch-gordan", "gaunt"):
        raise NetworkInputError(f"tensor_product={product!r} is unknown; choose 'clebsch-gordan' or 'gaunt'.")


def allowed(first: o3.Irrep, second: o3.Irrep, product: Product) -> list[o3.Irrep]:
    """Irreps in the product of two irreps; the Gaunt product has only those with l1 + l2 + l3 even.

    Xie, Daigavane, Kotak, Smidt, "The Price of Freedom: Exploring Expressivity and Runtime Tradeoffs in
    Equivariant Tensor Products" (2025): the Gaunt coefficient vanishes for odd l1 + l2 + l3.
    """
    return [ir for ir in first * second if product == "clebsch-gordan" or (first.l + second.l + ir.l) % 2 == 0]


def unreachable_blocks(
    irreps_breaker: o3.Irreps, features: o3.Irreps, product: Product = "clebsch-gordan"
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
