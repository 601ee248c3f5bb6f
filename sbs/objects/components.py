"""Names of the components of an object: the functions that they multiply.

In e3nn's basis the components of degree l are ordered by m = -l .. l about the y axis, with z + i x in the part of x + i y;
degree 1 is x, y, z. Solid harmonics up to degree 3 are written out, without their norms; higher ones are numbered.
"""

from __future__ import annotations

from sbs.objects.irreps import IrrepsLike, parse_irreps

__all__ = ["component_names"]

_SOLID = {
    0: ("1",),
    1: ("x", "y", "z"),
    2: ("xz", "xy", "2y²-x²-z²", "yz", "z²-x²"),
    3: ("x(3z²-x²)", "xyz", "x(4y²-x²-z²)", "y(2y²-3x²-3z²)", "z(4y²-x²-z²)", "y(z²-x²)", "z(z²-3x²)"),
}


def component_names(irreps: IrrepsLike) -> tuple[str, ...]:
    """One name for each component.

    A polar (natural) block is named by functions of the position, "xyz"; a pseudotensor by the same function with a star,
    "xyz*", which changes sign under every mirror in addition; "1*" is the pseudoscalar.
    """
    names: list[str] = []
    for multiplicity, irrep in parse_irreps(irreps):
        known = _SOLID.get(irrep.l) or tuple(f"Y({irrep.l},{m})" for m in range(-irrep.l, irrep.l + 1))
        names += [name if irrep.natural else f"{name}*" for name in known] * multiplicity
    return tuple(names)
