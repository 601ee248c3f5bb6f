"""Products by name."""

from __future__ import annotations

from e3nn import o3

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.nn.products.clebsch_gordan import DenseClebschGordan, E3nnClebschGordan, SparseClebschGordan
from sbs.nn.products.complete import CompleteProduct
from sbs.nn.products.gaunt import FourierGaunt, GridGaunt
from sbs.nn.products.interface import EquivariantProduct
from sbs.nn.products.selection import Kind
from sbs.nn.products.vector import VectorSignal

__all__ = ["PRODUCTS", "kind_of", "tensor_product"]

#: Every product by its name; the plain names are those of the kinds, with the fastest way to compute each.
PRODUCTS: dict[str, type[EquivariantProduct]] = {
    "clebsch-gordan": DenseClebschGordan,
    "clebsch-gordan-sparse": SparseClebschGordan,
    "clebsch-gordan-e3nn": E3nnClebschGordan,
    "gaunt": GridGaunt,
    "gaunt-fourier": FourierGaunt,
    "vector-signal": VectorSignal,
    "complete": CompleteProduct,
}


def tensor_product(
    name: str,
    irreps_in1: o3.Irreps | str,
    irreps_in2: o3.Irreps | str,
    irreps_out: o3.Irreps | str | None = None,
) -> EquivariantProduct:
    """Make a product.

    Args:
        name: a key of `PRODUCTS`.
        irreps_in1, irreps_in2: each irrep once, all with the same multiplicity, which is the number of channels.
        irreps_out: irreps to keep; all by default.

    Raises:
        NetworkInputError: for an unknown name, and for irreps as `EquivariantProduct` says.
    """
    return _class_of(name)(irreps_in1, irreps_in2, irreps_out)


def kind_of(product: str | EquivariantProduct | type[EquivariantProduct]) -> Kind:
    """What a product computes, from its name, class or instance.

    Raises:
        NetworkInputError: for anything else.
    """
    if isinstance(product, EquivariantProduct) or (
        isinstance(product, type) and issubclass(product, EquivariantProduct)
    ):
        return product.kind
    return _class_of(product).kind


def _class_of(name: str) -> type[EquivariantProduct]:
    if not isinstance(name, str) or name not in PRODUCTS:
        raise NetworkInputError(f"tensor product {shown(name)} is unknown; choose one of {', '.join(map(repr, PRODUCTS))}.")
    return PRODUCTS[name]
