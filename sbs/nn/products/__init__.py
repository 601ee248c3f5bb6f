"""Tensor products of equivariant features: one interface, what each can express, what it costs.

| class | name | interactions | outputs | method |
|---|---|---|---|---|
| `DenseClebschGordan` | "clebsch-gordan" | all | one for each path | one matrix product a pair of irreps |
| `SparseClebschGordan` | "clebsch-gordan-sparse" | all | one for each path | nonzero entries only |
| `E3nnClebschGordan` | "clebsch-gordan-e3nn" | all | one for each path | e3nn's own |
| `GridGaunt` | "gaunt" | l1 + l2 + l3 even | one for each l3 | product of functions on a grid |
| `FourierGaunt` | "gaunt-fourier" | l1 + l2 + l3 even | one for each l3 | the same by 2D Fourier transforms |
| `VectorSignal` | "vector-signal" | all | two for each l3 | products of functions and vector fields on a grid |
| `CompleteProduct` | "complete" | all | one for each path | the same, pair by pair |

>>> product = sbs.nn.products.tensor_product("gaunt", "8x0e+8x1o+8x2e", "8x0e+8x1o+8x2e", irreps_out="0e+1o+2e")
>>> z = product(x, y)     # weights belong to o3.Linear before and behind

A product without odd l1 + l2 + l3 has no cross product: it makes no pseudoscalar from vectors, and a chiral symmetry breaker
may never arrive (`sbs.nn.can_break`). `interactability` and `expressivity` say what else is given up.
"""

from __future__ import annotations

from sbs.nn.products.capacity import Interactability, expressivity, interactability
from sbs.nn.products.clebsch_gordan import DenseClebschGordan, E3nnClebschGordan, SparseClebschGordan
from sbs.nn.products.complete import CompleteProduct
from sbs.nn.products.gaunt import FourierGaunt, GridGaunt
from sbs.nn.products.interface import EquivariantProduct, Path
from sbs.nn.products.naming import PRODUCTS, tensor_product
from sbs.nn.products.vector import VectorSignal

__all__ = [
    "PRODUCTS",
    "CompleteProduct",
    "DenseClebschGordan",
    "E3nnClebschGordan",
    "EquivariantProduct",
    "FourierGaunt",
    "GridGaunt",
    "Interactability",
    "Path",
    "SparseClebschGordan",
    "VectorSignal",
    "expressivity",
    "interactability",
    "tensor_product",
]
