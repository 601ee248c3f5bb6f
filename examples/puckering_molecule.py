"""A flat molecule that puckers: four copper atoms in a square, with a calculator that ships with ASE.

A square of four metal atoms is a stationary point, and a relaxation that starts on it stays flat: the force out of the plane
vanishes by symmetry. ``sbs.descend`` finds the out-of-plane mode unstable, folds the square along it and ends in the
tetrahedron, with the set of objects that tells a network which of the two ways to fold.

Run:  python examples/puckering_molecule.py [--output DIR]
Needs: pip install ".[relax]"
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ase import Atoms
from ase.calculators.emt import EMT

import sbs


def square(side: float = 2.3) -> Atoms:
    """Four copper atoms in the plane z = 0, D4h."""
    corners = [(1, 1, 0), (-1, 1, 0), (-1, -1, 0), (1, -1, 0)]
    return Atoms("Cu4", positions=[[side / 2 * x for x in corner] for corner in corners])


def main(argv: Sequence[str] | None = None) -> object:
    """Run the example; returns the tree of phases."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("puckering_molecule"), help="folder for the structures")
    options = parser.parse_args(argv)

    tree = sbs.descend(square(), EMT())
    print(tree)
    print(tree.root.curvatures)
    lowest = tree.lowest
    print(lowest.breaker())
    tree.write(options.output, domains=True)
    assert lowest.point_group == "Td", lowest
    assert lowest.stable, "the tetrahedron is a minimum"
    assert lowest.domains == 2, "the square folds two ways"
    return tree


if __name__ == "__main__":
    main()
