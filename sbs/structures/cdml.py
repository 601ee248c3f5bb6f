"""The numbers that irreducible representations carry in the tables of Cracknell, Davies, Miller and Love (CDML).

Sources of the convention: A. P. Cracknell, B. L. Davies, S. C. Miller and W. F. Love, Kronecker Product Tables (Plenum, 1979);
H. T. Stokes, B. J. Campbell and R. Cordes, Acta Cryst. A 69, 388 (2013), which ISODISTORT prints; M. I. Aroyo et al., Acta
Cryst. A 62, 115 (2006).

The numbers follow a rule of ours, found by comparison with the tables that the package irreptables ships (M. Iraola et al.,
Comput. Phys. Commun. 272, 108226 (2022)), of which nothing is contained here; the tests compare with it where it is installed.
Small representations of one wave vector and one parity are counted by rising dimension, and among those of one dimension by
their characters at certain operations in turn, larger real part first, then larger imaginary part. Which operations is a matter
of the crystal system; for some wave vectors of some space groups it is another list. Operations are those of the standard
setting, each with the shift that `sbs.structures.operation_symbols.representative_shifts` takes. With this the numbers agree
with the published tables at every special point of the 230 space groups; the tests compare them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["numbered"]

#: Crystal system and whether the representations have a parity -> operations whose characters decide, in turn.
ORDER = {
    ("monoclinic", False): "m[0,1,0] 2[0,1,0]",
    ("monoclinic", True): "2[0,1,0]",
    ("orthorhombic", False): "2[0,0,1] 2[1,0,0] 2[0,1,0] m[1,0,0] m[0,1,0] m[0,0,1]",
    ("orthorhombic", True): "2[0,0,1] 2[1,0,0] 2[0,1,0]",
    ("tetragonal", False): "2[0,0,1] m[1,0,0] m[0,1,0] 2[1,0,0] 2[0,1,0] m[1,1,0] -4[0,0,1]+ 4[0,0,1]+ 2[1,1,0]",
    ("tetragonal", True): "2[0,0,1] 2[1,0,0] 2[0,1,0] 4[0,0,1]+ 2[1,-1,0]",
    ("hexagonal", False): (
        "3[0,0,1]+ 2[0,0,1] 2[1,0,0] m[1,-1,0] 2[0,1,0] m[2,1,0] m[0,0,1] 2[1,1,0] -6[0,0,1]- m[0,1,0] "
        "m[1,0,0] 2[1,-1,0] 2[2,1,0] 6[0,0,1]+ m[1,1,0]"
    ),
    ("hexagonal", True): "3[0,0,1]+ 2[0,0,1] 2[0,1,0] 2[2,1,0] 2[1,0,0] 2[1,1,0]",
    ("cubic", False): (
        "4[1,0,0]+ 2[0,0,1] 2[1,0,0] 2[0,1,0] m[0,1,0] 4[0,0,1]+ m[1,-1,0] -4[0,0,1]- 4[0,1,0]+ -4[1,0,0]+ "
        "2[0,1,1] 2[0,1,-1] 3[1,-1,-1]+ -3[1,-1,-1]+ m[1,0,-1] 2[1,-1,0] 2[1,1,0] -3[1,1,1]+ 3[1,1,1]+ "
        "2[1,0,-1]"
    ),
    ("cubic", True): "2[0,0,1] 4[1,0,0]+ 2[1,0,0] 4[0,0,1]- 2[0,1,-1] 2[1,1,0] 3[1,1,1]+ 4[0,1,0]+",
}

#: Other lists of operations -> the space groups and special points that they hold for. A tilde reverses the order; an i compares
#: imaginary parts before real ones.
EXCEPTIONS = {
    "2[0,0,1] m[0,1,0]": "38Γ 38T 38Y 38Z 39Γ 39T 39Y 39Z 40Γ 40Y 41Γ 41Y",
    "~m[1,0,0]": "39R 39S 41R 41S 46S",
    "2[0,0,1] ~m[1,0,0]": "46X",
    "~m[0,1,0]": "52S 161T",
    "~m[0,0,1]": "52Y 55T 55Y 57S 57Y 58Y 60T 61Y 62Y 127R 127X 128X 135R 135X 136X 205X",
    "~2[0,1,0]": "57R 57T 61T",
    "~2[0,0,1] 2[1,0,0]": "64Y 67T 67Y",
    "2[0,0,1] ~4[0,0,1]-": "80M",
    "~2[0,0,1]": "85A 85M",
    "~2[0,0,1] -4[0,0,1]+": "88P",
    "~4[0,0,1]+": "92A",
    "m[0,1,0] ~m[1,-1,0]": "109M 110M",
    "~2[0,1,0] m[1,-1,0]": "122M",
    "2[0,0,1] ~4[0,0,1]+ ~-4[0,0,1]+": "124A 124Z 128Z 130Z",
    "2[0,0,1] ~4[0,0,1]+ -4[0,0,1]+": "126Z 128A",
    "~2[0,0,1] ~2[1,-1,0] m[1,-1,0]": "129A 129M 130M 137M 138M",
    "~2[0,0,1] 2[0,1,0] ~m[0,1,0]": "130A",
    "2[0,0,1] 2[1,-1,0] m[1,-1,0]": "132A 132Z 136A 136Z",
    "~2[0,0,1] ~4[0,0,1]+ ~-4[0,0,1]+": "133A",
    "~2[0,0,1] ~2[1,-1,0] ~m[1,-1,0]": "133M 134M",
    "2[0,1,0] ~4[0,0,1]+": "134A 138A",
    "~2[1,0,0]": "134R",
    "~2[0,0,1] 4[0,0,1]+ -4[0,0,1]+": "137A",
    "~-4[0,0,1]+": "141P",
    "~2[1,1,0]": "141X 142X",
    "2[0,0,1] 2[0,1,0] m[0,1,0]": "142M",
    "~2[1,-1,0]": "151A",
    "~2[2,1,0]": "151L",
    "~m[1,1,0]": "161L",
    "~3[0,0,1]+ -3[0,0,1]+": "163A",
    "~3[0,0,1]+ ~-3[0,0,1]+": "165A 167T",
    "3[0,0,1]+ ~6[0,0,1]+": "179A",
    "~3[0,0,1]+ ~-6[0,0,1]+": "190A 190H 194H",
    "~3[0,0,1]+ 2[0,0,1] -6[0,0,1]+": "192A",
    "~3[0,0,1]+ -6[0,0,1]+": "192H",
    "~3[1,-1,-1]+": "199H",
    "2[0,0,1] 2[1,1,0]": "211N",
    "2[0,0,1] ~2[1,1,0]": "214N",
    "~m[0,1,-1]": "219L",
    "2[0,0,1] ~m[1,0,-1]": "219X",
    "2[0,1,0] ~4[0,1,0]+ ~-4[0,1,0]+": "222X",
    "2[0,1,0] 2[0,0,1] m[0,0,1]": "223X",
    "2[0,1,0] ~2[1,0,-1] m[1,0,-1]": "224X",
    "~3[1,1,1]+ -3[1,1,1]+": "226L 228L",
    "2[0,0,1] ~4[0,1,0]+": "226X",
    "~-4[1,0,0]+": "228W",
    "2[0,1,0] ~2[1,0,-1] ~m[1,0,-1]": "228X",
    "~3[1,-1,-1]+ -3[1,-1,-1]+": "230H",
    "i3[0,0,1]+": "144A 144H 151H 169H 172H",
    "i3[0,0,1]+ 2[0,0,1]": "169A 172A",
    "i3[1,1,1]+": "198R 205R",
}

_LISTS = {place: operations.split() for operations, places in EXCEPTIONS.items() for place in places.split()}

# Characters of different representations differ by far more at one of the operations that decide.
SAME_CHARACTER = 1e-3


def numbered(
    space_group: int, point: str, has_parity: bool, symbols: Sequence[str], characters: NDArray[np.complex128]
) -> list[int]:
    """The order of small representations of one wave vector and parity: row indices, that of number 1 first.

    Args:
        space_group: number.
        point: name of the wave vector, "Γ" or "X".
        has_parity: whether the representations are told apart by parity too.
        symbols: of the operations of the little group, (h,).
        characters: complex (r, h), with exp(2πi k·t) for a lattice translation t.
    """
    operations = _LISTS.get(f"{space_group}{point}", ORDER[crystal_system(space_group), has_parity].split())
    named = sorted(range(len(symbols)), key=symbols.__getitem__)
    column = {symbol: place for place, symbol in enumerate(symbols)}
    values = np.round(characters / SAME_CHARACTER) + 0.0
    dimensions = characters[:, 0].real.round()
    keys: list[tuple[float, ...]] = []
    for row, dimension in zip(values, dimensions, strict=True):
        key = [float(dimension)]
        for operation in operations:
            sign = 1.0 if operation.startswith("~") else -1.0
            place = column.get(operation.lstrip("~i"))
            if place is not None:
                parts = [sign * float(row[place].real), sign * float(row[place].imag)]
                key += parts[::-1] if operation.startswith("i") else parts
        # What no operation of the list tells apart comes in the order of all characters, by the names of the operations.
        keys.append((*key, *(-row[named].real).tolist(), *(-row[named].imag).tolist()))
    return sorted(range(len(keys)), key=keys.__getitem__)


def crystal_system(space_group: int) -> str:
    """The crystal system, "monoclinic" to "cubic"; triclinic groups count as monoclinic, trigonal ones as hexagonal."""
    for last, system in ((15, "monoclinic"), (74, "orthorhombic"), (142, "tetragonal"), (194, "hexagonal")):
        if space_group <= last:
            return system
    return "cubic"
