"""A Jahn-Teller distorted octahedral complex, the others it could have been, and what tells them apart.

The CuF6 octahedron of KCuF3 has three pairs of Cu-F bonds, of 1.89, 1.96 and 2.25 Å (A. Okazaki and Y.
Suemune, J. Phys. Soc. Jpn. 16, 176 (1961): I4/mcm, a = 5.855 Å, c = 7.852 Å, Cu at (0, 1/2, 0), F at (x, x +
1/2, 0) with x = 0.228 and at (0, 1/2, 1/4)). The electronic ground state of a regular octahedron of Cu2+ is
doubly degenerate, so that it distorts along the two E_g modes. A network that is given the regular
octahedron cannot predict any of the distorted ones; with a symmetry-breaking object beside it, it can, and
each object stands for one of them.

Run:  python examples/jahn_teller.py [--output DIR]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import sbs

A, C, X = 5.855, 7.852, 0.228
# E_g displacements of the six ligands along their bonds, 2z² - x² - y² and x² - y²
# (J. H. Van Vleck, J. Chem. Phys. 7, 72 (1939))
AXES = np.concatenate([np.eye(3), -np.eye(3)])
Q3 = AXES * np.array([-1, -1, 2] * 2)[:, None] / np.sqrt(12)
Q2 = AXES * np.array([1, -1, 0] * 2)[:, None] / 2


def cuf6() -> tuple[np.ndarray, list[str]]:
    """The CuF6 octahedron cut out of KCuF3, in the axes of the crystal: (positions (7, 3) in Å, symbols)."""
    short, long, upright = X * A, (0.5 - X) * A, C / 4
    ligands = [
        (short, short, 0),
        (-short, -short, 0),
        (long, -long, 0),
        (-long, long, 0),
        (0, 0, upright),
        (0, 0, -upright),
    ]
    return np.array([(0, 0, 0), *ligands], dtype=float), ["Cu"] + ["F"] * 6


def regular(bond: float) -> tuple[np.ndarray, list[str]]:
    """A regular octahedron with its axes along x, y, z."""
    return np.concatenate([np.zeros((1, 3)), bond * AXES]), ["Cu"] + ["F"] * 6


def main(argv: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """Run the example; returns the (Q2, Q3) coordinates in Å of the domain states of the two targets."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("jahn_teller"), help="folder for the picture")
    options = parser.parse_args(argv)

    positions, symbols = cuf6()
    bonds = np.linalg.norm(positions[1:], axis=1)
    lengths = ", ".join(f"{bond:.3f}" for bond in sorted(bonds)[::2])
    print(f"CuF6 of KCuF3: bonds {lengths} Å, {sbs.detect((positions, symbols)).symbol}")
    octahedron = regular(float(bonds.mean()))
    pair = sbs.between(octahedron, (positions, symbols))
    print(f"regular octahedron, bonds {bonds.mean():.3f} Å: {pair.group.symbol}\n")
    print(pair.report())

    print("\nstate  bonds along x, y, z / Å   Q2 / Å   Q3 / Å  object")
    coordinates = []
    for number, state in enumerate(pair.states):
        lengths = np.linalg.norm(state.structure.positions[1:4], axis=1)
        q2, q3 = (float((state.displacement[1:] * q).sum()) for q in (Q2, Q3))
        coordinates.append((q2, q3))
        label = (pair.symmetry_set.objects[pair.object_of[number]].round(3) + 0.0).tolist()
        print(f"{number:5d}    {'  '.join(f'{b:.3f}' for b in lengths)}    {q2:8.3f} {q3:8.3f}  {label}")

    patterns = sbs.distortions(octahedron, "D4h")
    print(f"\n{patterns.report()}")
    amplitude = float(np.linalg.norm(pair.states[0].displacement, axis=1).max())
    tetragonal = patterns.domain_states(amplitude)
    elongated = [[float((state.displacement[1:] * q).sum()) for q in (Q2, Q3)] for state in tetragonal]
    result = {pair.target.symbol: np.array(coordinates), "D4h": np.array(elongated)}
    picture = draw(result, options.output)
    print(f"picture: {picture}")
    return result


def draw(states: dict[str, np.ndarray], folder: Path) -> Path:
    """The domain states in the plane of the two E_g modes, where the warped potential has its trough."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=(5, 5))
    for (symbol, points), marker in zip(states.items(), "os", strict=True):
        axes.scatter(*points.T, marker=marker, label=f"{symbol}: {len(points)} domain states")
        axes.add_patch(pyplot.Circle((0, 0), np.linalg.norm(points[0]), fill=False, color="0.8"))
    axes.scatter(0, 0, marker="+", color="black", label="regular octahedron")
    axes.set(xlabel="Q2 / Å", ylabel="Q3 / Å", aspect="equal", title="Jahn-Teller states of CuF6")
    axes.legend(loc="upper right", fontsize="small")
    axes.margins(0.25)
    path = folder / "jahn_teller.png"
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


if __name__ == "__main__":
    main()
