"""Octahedral tilts: the fifteen tilt systems of a perovskite, and one network that makes any domain of two of them.

Cubic SrTiO3 and CaTiO3 (Pm-3m) transform by tilts of their octahedra, which double the cell: SrTiO3 to I4/mcm (six domain
states), CaTiO3 to Pnma (twenty-four, six orientations in four antiphase states each). No network that is equivariant can do
that, and no vector or tensor for the whole crystal helps: the translations must be broken. A field on the sites of the
2x2x2 cell does it. The network is trained with one (field, structure) pair for each crystal; all thirty domain states follow.

    python examples/octahedral_tilts.py [--steps 300] [--out DIRECTORY]

Prints the tilt systems, draws them, and writes every domain state that the network predicts (CIF).
"""

from __future__ import annotations

import argparse
import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from crystal_network import Crystal, CrystalNetwork, crystal
from e3nn.io import CartesianTensor
from torch import Tensor
from tqdm import tqdm

import sbs
from sbs.nn import SymmetryBreaker

SYMBOLS = ("O", "Ca", "Ti", "Sr")
NUMBERS = {8: 0, 20: 1, 22: 2, 38: 3}
IRREPS_OUT = "1x1o+1x0e+1x2e"  # displacement of the atom, and its share of the strain
CUTOFF = 3.0  # Å: the first shells of every pair
#: A. M. Glazer, Acta Cryst. B 28, 3384 (1972); C. J. Howard and H. T. Stokes, Acta Cryst. B 54, 782 (1998).
GLAZER = """
a0a0a0 a0a0c+ a0b+b+ a+a+a+ a+b+c+ a0a0c- a0b-b- a-a-a- a0b-c- a-b-b- a-b-c- a0b+c- a+b-b- a+b-c- a+a+c-
""".split()  # noqa: SIM905 - fifteen quoted strings would be unreadable


def cubic(a: float, cation: str) -> tuple[Any, Any, list[str]]:
    """A cubic perovskite of edge ``a`` (Å), titanium at the origin."""
    return np.eye(3) * a, [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], [cation, "Ti", "O", "O", "O"]


def strontium_titanate() -> tuple[Any, Any, list[str]]:
    """I4/mcm at 4 K: octahedra turned by 2.1 degrees, c/a = 1.0005. H. Unoki, T. Sakudo, J. Phys. Soc. Jpn 23, 546 (1967)."""
    a = 3.899 * np.sqrt(2)
    x = (1 - np.tan(np.radians(2.1))) / 4
    half = {
        "Sr": [[0, 0.5, 0.25], [0.5, 0, 0.25]],
        "Ti": [[0, 0, 0], [0, 0, 0.5]],
        "O": [
            *([0, 0, 0.25], [0, 0, 0.75]),
            *([x, x + 0.5, 0], [-x, 0.5 - x, 0], [0.5 - x, x, 0], [x + 0.5, -x, 0]),
        ],
    }
    sites = [site for group in half.values() for site in group]
    labels = [label for label, group in half.items() for _ in group]
    centred = np.concatenate([np.array(sites), np.array(sites) + 0.5])
    return np.diag([a, a, 2 * 3.899 * 1.0005]), centred % 1, labels * 2


def calcium_titanate() -> tuple[Any, Any, list[str]]:
    """Pnma at room temperature, axes as Pbnm. S. Sasaki et al., Acta Cryst. C 43, 1668 (1987)."""
    # x,y,z; -x,-y,z+1/2; -x+1/2,y+1/2,-z+1/2; x+1/2,-y+1/2,-z; and their images by the inversion.
    moves = [
        ((1, 1, 1), (0, 0, 0)),
        ((-1, -1, 1), (0, 0, 0.5)),
        ((-1, 1, -1), (0.5, 0.5, 0.5)),
        ((1, -1, -1), (0.5, 0.5, 0)),
    ]
    sites, labels = [], []
    for label, site in (
        ("Ca", (-0.00676, 0.03602, 0.25)),
        ("Ti", (0, 0.5, 0)),
        ("O", (0.0714, 0.4838, 0.25)),
        ("O", (0.7108, 0.2888, 0.0371)),
    ):
        images = [sign * (np.array(m) * site + t) for m, t in moves for sign in (1, -1)]
        different = np.unique(np.round(np.array(images) % 1, 6) % 1, axis=0)
        sites += different.tolist()
        labels += [label] * len(different)
    return np.diag([5.3796, 5.4423, 7.6401]), sites, labels


# --- the tilt systems -------------------------------------------------------------------------------------------------


def glazer(direction: str) -> str:
    """Glazer's symbol of an order parameter "(a,a,0|0,0,b)": out-of-phase tilts about x, y, z, then those in phase."""
    out_of_phase, in_phase = (part.split(",") for part in direction.strip("()").split("|"))
    tilts = [(o + "-") if o != "0" else (i + "+") if i != "0" else "00" for o, i in zip(out_of_phase, in_phase, strict=True)]
    for order in itertools.permutations(range(3)):
        turned = [tilts[k] for k in order]
        letters = ["abc"[turned.index(tilt)] if tilt in turned[:k] else "abc"[k] for k, tilt in enumerate(turned)]
        name = "".join(letter + tilt[-1] for letter, tilt in zip(letters, turned, strict=True))
        if name in GLAZER:
            return name
    raise ValueError(f"{direction} is no simple tilt system")


def tilt_systems(parent: Any) -> list[tuple[str, Any]]:
    """The isotropy subgroups of both tilts in which no axis carries both kinds, in the order of ``GLAZER``."""
    rows = sbs.isotropy(parent, "R4+", "M3+")
    simple = []
    for row in rows:
        kinds = zip(*(part.split(",") for part in row.direction.strip("()").split("|")), strict=True)
        if not any("0" not in pair for pair in kinds):
            simple.append((glazer(row.direction), row))
    return sorted(simple, key=lambda entry: GLAZER.index(entry[0]))


def picture(parent: Any, systems: list[tuple[str, Any]], path: Path) -> None:
    """The octahedra of both layers of every tilt system, seen along z."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    structure = parent.structure
    edge = structure.lattice[0, 0] / 2
    figure, axes = plt.subplots(3, 5, figsize=(13, 8.4), constrained_layout=True)
    for panel, (name, row) in zip(axes.flat, [(GLAZER[0], None), *systems], strict=True):
        moves = np.zeros_like(structure.positions)
        if row is not None:
            found = sbs.distortions(parent, row)
            for label in row.irreps:
                if label in found.displacement_irreps:
                    pattern = found.of_irrep(label).pattern()
                    moves += 0.42 * pattern / np.linalg.norm(pattern, axis=1).max()
        for layer, colour in ((1, "tab:orange"), (0, "tab:blue")):
            for i, j in itertools.product(range(2), repeat=2):
                corners = [
                    _oxygen(structure, moves, edge * (np.array([i, j, layer]) + 0.5 * np.array(step)))
                    for step in ((1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0))
                ]
                look = {"fill": True, "alpha": 0.45} if layer == 0 else {"fill": False}
                panel.add_patch(plt.Polygon(corners, closed=True, ec=colour, fc=colour, **look))
                apex = _oxygen(structure, moves, edge * np.array([i, j, layer + 0.5]))
                panel.plot(*apex, ".", color=colour)
        symbol = "Pm-3m" if row is None else row.space_group.symbol
        states = "1 domain state" if row is None else f"{row.index} domain states"
        panel.set_title(f"{name}   {symbol}\n{states}", fontsize=10)
        panel.set(xlim=(-0.7 * edge, 1.7 * edge), ylim=(-0.7 * edge, 1.7 * edge), aspect="equal")
        panel.set_axis_off()
    figure.suptitle("The fifteen tilt systems, along z: lower layer filled, upper layer outlined, apices as dots")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _oxygen(structure: Any, moves: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Where the oxygen nearest to a place (Å) has moved to, x and y."""
    away = (structure.positions - place) @ np.linalg.inv(structure.lattice)
    away -= np.round(away)
    nearest = int(np.linalg.norm(away @ structure.lattice, axis=1).argmin())
    return (place + moves[nearest])[:2]


# --- the network ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A crystal, its child, and what symmetry says about the two."""

    name: str
    found: Any
    data: Crystal
    wanted: Tensor  # (domain states, sites, 9)
    order: np.ndarray  # object of each domain state


def strain_basis() -> np.ndarray:
    """Symmetric matrices (6, 3, 3), orthonormal: spherical components 0e and 2e of a strain in e3nn's order."""
    return CartesianTensor("ij=ji").to_cartesian(torch.eye(6).to(torch.get_default_dtype())).double().numpy()


def case_of(name: str, parent: Any, child: Any) -> Case:
    """Everything about one crystal, with the targets of the network for each domain state."""
    found = sbs.between(parent, child, supercell=2)
    strains = np.einsum("kij,sij->sk", strain_basis(), found.strains)
    shares = np.repeat(strains[:, None], len(found.parent.structure), axis=1)
    structure = found.parent.structure
    species = np.array([NUMBERS[int(n)] for n in structure.numbers])
    data = crystal(species, structure.positions.copy(), structure.lattice.copy(), CUTOFF)
    wanted = torch.as_tensor(np.concatenate([found.displacements, shares], axis=2)).to(torch.get_default_dtype())
    return Case(name, found, data, wanted, np.asarray(found.object_of))


def together(cases: list[Case], counts: list[int]) -> Crystal:
    """Copies of the crystals of several cases in one batch."""
    parts = [case.data.repeat(count) for case, count in zip(cases, counts, strict=True)]
    nodes = np.cumsum([0, *(len(part.species) for part in parts)])
    graphs = np.cumsum([0, *(part.num_graphs for part in parts)])
    return Crystal(
        torch.cat([part.species for part in parts]),
        torch.cat([part.positions for part in parts]),
        torch.cat([part.cell for part in parts]),
        torch.cat([part.edges + int(n) for part, n in zip(parts, nodes, strict=False)], dim=1),
        torch.cat([part.shifts for part in parts]),
        torch.cat([part.batch + int(g) for part, g in zip(parts, graphs, strict=False)]),
        int(graphs[-1]),
    )


def pooled(output: Tensor) -> Tensor:
    """Strain is one tensor per crystal: each atom's share replaced by the mean; the crystal as a whole is not shifted."""
    shift = output[..., :3] - output[..., :3].mean(dim=-2, keepdim=True)
    strain = output[..., 3:].mean(dim=-2, keepdim=True)
    return torch.cat([shift, strain.expand(*output.shape[:-1], 6)], dim=-1)


def train(cases: list[Case], steps: int) -> tuple[CrystalNetwork, list[float]]:
    """One network for all cases, from the first domain state of each: Adam with a cosine schedule."""
    torch.manual_seed(0)
    fields = SymmetryBreaker([case.found.symmetry_set for case in cases], mode="index", shared=False)
    network = CrystalNetwork(len(SYMBOLS), IRREPS_OUT, fields, cutoff=CUTOFF, mul=8, layers=3)
    batch = together(cases, [1] * len(cases))
    choice = {
        "index": torch.tensor([int(case.order[0]) for case in cases]),
        "set_index": torch.arange(len(cases)),
    }
    targets = torch.stack([case.wanted[0] for case in cases])
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=1e-5)
    history = []
    for _ in tqdm(range(steps), desc="training", mininterval=0.5):
        optimiser.zero_grad()
        output = pooled(network(batch, **choice).reshape(targets.shape))
        loss = (output - targets).square().sum(dim=(1, 2)).sum()
        loss.backward()
        optimiser.step()
        schedule.step()
        history.append(float(loss.detach()))
    return network, history


def predict(network: CrystalNetwork, cases: list[Case], number: int) -> Tensor:
    """The outputs for every domain state of a case, (states, sites, 9)."""
    case = cases[number]
    count = len(case.order)
    choice = {"index": torch.tensor(case.order), "set_index": torch.full((count,), number)}
    with torch.no_grad():
        return pooled(network(case.data.repeat(count), **choice).reshape(case.wanted.shape))


def structure_of(case: Case, output: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lattice, fractional positions and atomic numbers of a predicted domain state."""
    parent = case.found.parent.structure
    stretch = np.eye(3) + np.einsum("k,kij->ij", output[0, 3:], strain_basis())
    lattice = parent.lattice @ stretch
    return lattice, (parent.positions @ stretch + output[:, :3]) @ np.linalg.inv(lattice), parent.numbers


def write_cif(path: Path, name: str, lattice: np.ndarray, fractional: np.ndarray, numbers: np.ndarray) -> None:
    """Write a structure with P1 symmetry."""
    from ase import Atoms
    from ase.io import write

    write(path, Atoms(numbers=numbers, scaled_positions=fractional % 1, cell=lattice, pbc=True), format="cif")


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run from the command line; returns the printed figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="Adam steps")
    parser.add_argument("--out", type=Path, default=Path("octahedral_tilts"), help="directory for picture and CIF files")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        parent = sbs.detect(cubic(3.905, "Sr"), supercell=2)
        systems = tilt_systems(parent)
        print(f"{'tilts':8s} {'space group':12s} {'domain states':14s} orientations x antiphase states")
        print(f"{GLAZER[0]:8s} {'Pm-3m':12s} {1:<14d}")
        for name, row in systems:
            print(f"{name:8s} {row.space_group.symbol:12s} {row.index:<14d} {row.orientation_states} x {row.antiphase_states}")
        picture(parent, systems, options.out / "octahedral_tilts.png")

        cases = [
            case_of("SrTiO3", cubic(3.9, "Sr"), strontium_titanate()),
            case_of("CaTiO3", cubic(3.824, "Ca"), calcium_titanate()),
        ]
        network, history = train(cases, options.steps)
        figures: dict[str, Any] = {"systems": [name for name, _ in systems], "loss": history[-1], "cases": {}}
        for number, case in enumerate(cases):
            outputs = predict(network, cases, number)
            errors = (outputs - case.wanted)[..., :3].norm(dim=2).amax(dim=1)
            symbols = []
            for state, output in enumerate(outputs.numpy(), 1):
                predicted = structure_of(case, output)
                lattice, fractional, numbers = predicted
                seen = sbs.detect((lattice, fractional, numbers.tolist()), tolerance=1e-3)
                symbols.append(seen.space_group.symbol)
                write_cif(options.out / f"{case.name}_{symbols[-1].replace('/', '_')}_{state:02d}.cif", case.name, *predicted)
            figures["cases"][case.name] = {"states": len(outputs), "error": float(errors.max()), "symbols": set(symbols)}
            print(
                f"{case.name}: {len(outputs)} domain states from one pair, all {' '.join(sorted(set(symbols)))}; no atom further "
                f"than {float(errors.max()):.1e} Å from where it should be"
            )
    finally:
        torch.set_default_dtype(previous)
    print(f"pictures and structures in {options.out}; {time.perf_counter() - start:.0f} s")
    return figures


if __name__ == "__main__":
    main()
