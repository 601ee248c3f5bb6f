"""Barium titanate: one network, told by symmetry-breaking objects which phase and which domain to make of the
cubic crystal.

Cubic BaTiO3 (Pm-3m) distorts to a tetragonal (P4mm), an orthorhombic (Amm2) or a rhombohedral (R3m) crystal,
in 6, 12 or 8 domain states. An equivariant network cannot leave the cubic structure; with an object from the
set O_h -> C_4v, O_h -> C_2v or O_h -> C_3v it can. It is trained with one (object, structure) pair for each
phase; the other 23 domain states then follow from equivariance. Last, the case of Xie and Smidt,
arXiv:2402.02681 (tetragonal only, fixed cell).

    python examples/barium_titanate.py [--steps 400] [--out DIRECTORY] [--device cpu]

Writes a picture and the distorted structures (CIF) into DIRECTORY, and prints the mismatch of every domain
state.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from crystal_network import Crystal, CrystalNetwork, crystal
from e3nn.io import CartesianTensor
from torch import Tensor
from tqdm import tqdm

import sbs
from sbs.nn import SymmetryBreaker, all_outputs, matching_objects, orbit_targets, site_permutations

SYMBOLS = ("Ba", "Ti", "O")
SPECIES = np.array([0, 1, 2, 2, 2])
CUBIC = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])
PARENT = 4.0  # Å, cell edge of the cubic input; another choice only changes the isotropic part of the strain
IRREPS_OUT = "1x1o+1x0e+1x2e"  # displacement of the atom, and its share of the strain


@dataclass(frozen=True)
class Phase:
    """A distorted phase: cell (3, 3), rows are the vectors that the cubic axes become; fractional coordinates
    in them.
    """

    name: str
    target: str
    cell: np.ndarray
    fractional: np.ndarray


def published_phases() -> list[Phase]:
    """The three ferroelectric phases, from neutron powder diffraction.

    P4mm (280 K), Amm2 (190 K), and the cell of R3m (15 K): G. H. Kwei, A. C. Lawson, S. J. L. Billinge, S.-W.
    Cheong, J. Phys. Chem. 97, 2368 (1993). Displacements of R3m (77 K): A. W. Hewat, Ferroelectrics 6, 215
    (1974). Barium is at the origin.
    """
    a, c = 3.99095, 4.0352
    ti, o_axial, o_side = 0.5224, -0.0244, 0.4895
    tetragonal = Phase(
        "tetragonal P4mm",
        "C4v",
        np.diag([a, a, c]),
        np.array([[0, 0, 0], [0.5, 0.5, ti], [0, 0.5, o_side], [0.5, 0, o_side], [0.5, 0.5, o_axial]]),
    )
    # The polar axis c of the orthorhombic cell is the cubic [011], its b axis the cubic [01-1].
    a, b, c = 3.9828, 5.6745, 5.6916
    cell = np.array([[a, 0, 0], [0, b / 2, c / 2], [0, -b / 2, c / 2]])
    orthorhombic = np.array(
        [
            [0, 0, 0],
            [a / 2, 0, 0.5170 * c],
            [0, 0, 0.4890 * c],
            [a / 2, -0.2561 * b, 0.2343 * c],
            [a / 2, 0.2561 * b, 0.2343 * c],
        ]
    )
    amm2 = Phase("orthorhombic Amm2", "C2v(C2')", cell, orthorhombic @ np.linalg.inv(cell))
    a, cos = 4.0036, np.cos(np.radians(89.839))
    metric = a * a * (cos * np.ones((3, 3)) + (1 - cos) * np.eye(3))
    ti, o_in, o_out = 0.5 - 0.013, 0.5 + 0.011, 0.018
    rhombohedral = Phase(
        "rhombohedral R3m",
        "C3v",
        np.linalg.cholesky(metric),
        np.array([[0, 0, 0], [ti, ti, ti], [o_out, o_in, o_in], [o_in, o_out, o_in], [o_in, o_in, o_out]]),
    )
    return [tetragonal, amm2, rhombohedral]


def strain_of(cell: np.ndarray, parent: float) -> np.ndarray:
    """Symmetric strain e (3, 3) with cell = parent (1 + e) up to a rotation of the crystal."""
    values, vectors = np.linalg.eigh(cell @ cell.T / parent**2)
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T - np.eye(3)


@lru_cache(maxsize=1)
def strain_basis() -> np.ndarray:
    """Symmetric matrices (6, 3, 3), orthonormal: spherical components 0e and 2e of a strain in e3nn's order."""
    components = torch.eye(6).to(torch.get_default_dtype())
    return CartesianTensor("ij=ji").to_cartesian(components).double().numpy()


def target_of(phase: Phase) -> Tensor:
    """What the network should say, (5, 9): displacements (Å, in the parent's cell) and strain components."""
    shift = phase.fractional - CUBIC
    shift -= np.round(shift)
    components = np.einsum("kij,ij->k", strain_basis(), strain_of(phase.cell, PARENT))
    strain = torch.as_tensor(components).to(torch.get_default_dtype())
    return torch.cat([torch.as_tensor(shift * PARENT).to(strain), strain.expand(5, -1)], dim=1)


def pooled(output: Tensor) -> Tensor:
    """Strain is one tensor per crystal: replace each atom's share by the mean, (..., 5, 9) -> (..., 5, 9)."""
    strain = output[..., 3:].mean(dim=-2, keepdim=True)
    return torch.cat([output[..., :3], strain.expand(*output.shape[:-1], 6)], dim=-1)


def mismatch(output: Tensor, target: Tensor) -> Tensor:
    """Summed squared neighbour mismatch, Å^2, with that of the strain: (..., 5, 9) -> (...).

    Neighbour vectors, not positions, because a polar crystal has no origin: |u_i - u_j| over ordered pairs of
    the cell.
    """
    difference = output - target
    u = difference[..., :3]
    neighbours = (u[..., :, None, :] - u[..., None, :, :]).square().sum(dim=(-1, -2, -3))
    return neighbours + PARENT**2 * difference[..., 0, 3:].square().sum(dim=-1)


def train(
    network: CrystalNetwork,
    batch: Crystal,
    targets: Tensor,
    choice: dict[str, Tensor],
    steps: int,
    lr: float = 3e-2,
) -> list[float]:
    """Adam with a cosine schedule on the mismatch; returns the mismatch of every step."""
    optimiser = torch.optim.Adam(network.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=lr * 1e-4)
    history = []
    for _ in (bar := tqdm(range(steps), desc="training", mininterval=0.5)):
        optimiser.zero_grad()
        output = network(batch, **choice).reshape(targets.shape)
        loss = mismatch(pooled(output), targets).sum()
        loss.backward()
        optimiser.step()
        schedule.step()
        history.append(float(loss.detach()))
        if len(history) % 20 == 0:
            bar.set_postfix(mismatch=f"{history[-1]:.1e}")
    return history


def write_cif(path: Path, name: str, output: np.ndarray) -> None:
    """Write a predicted structure with P1 symmetry."""
    strain = np.einsum("k,kij->ij", output[0, 3:], strain_basis())
    cell = PARENT * (np.eye(3) + strain)
    lengths = np.linalg.norm(cell, axis=1)
    pairs = [(1, 2), (0, 2), (0, 1)]
    angles = [np.degrees(np.arccos(cell[i] @ cell[j] / lengths[i] / lengths[j])) for i, j in pairs]
    lines = [f"data_{name.replace(' ', '_')}", "_space_group_name_H-M_alt 'P 1'"]
    lines += [f"_cell_length_{key} {value:.6f}" for key, value in zip("abc", lengths, strict=True)]
    lines += [f"_cell_angle_{key} {value:.6f}" for key, value in zip(("alpha", "beta", "gamma"), angles, strict=True)]
    lines += ["loop_", "_atom_site_label", "_atom_site_type_symbol"]
    lines += [f"_atom_site_fract_{axis}" for axis in "xyz"]
    for number, (kind, site) in enumerate(zip(SPECIES, CUBIC + output[:, :3] / PARENT, strict=True), 1):
        symbol = SYMBOLS[kind]
        lines.append(f"{symbol}{number} {symbol} " + " ".join(f"{value % 1.0:.6f}" for value in site))
    path.write_text("\n".join(lines) + "\n")


@dataclass(frozen=True)
class Result:
    """What `all_domains` finds.

    Mismatch (Å^2) of every domain state by phase, displacements of Ti against the oxygens, predicted outputs,
    training curve, mismatch of the cubic crystal, and the largest difference between direct evaluation and
    one pass per orbit.
    """

    domains: dict[str, np.ndarray]
    polar: dict[str, np.ndarray]
    structures: dict[str, np.ndarray]
    history: list[float]
    without: float
    shortcut: float


def all_domains(steps: int, device: str = "cpu") -> Result:
    """Train on three pairs; evaluate all 26 domain states against structures made by rotating the published
    ones.
    """
    torch.manual_seed(0)
    phases = published_phases()
    sets = [sbs.minimal_set("Oh", phase.target) for phase in phases]
    parent = crystal(SPECIES, CUBIC * PARENT, PARENT * np.eye(3), cutoff=3.5)
    group = sbs.point_group("Oh").matrices
    moves = site_permutations(CUBIC * PARENT, group, species=SPECIES, cell=PARENT * np.eye(3))

    targets, trained = [], []
    for phase, symmetry_set in zip(phases, sets, strict=True):
        structure = target_of(phase)
        polar = (structure[1, :3] - structure[2:, :3].mean(dim=0)).double().numpy()
        matches = matching_objects(symmetry_set, structure, IRREPS_OUT, moves)
        index = int(max(matches, key=lambda k: symmetry_set.objects[k] @ polar))
        trained.append(index)
        targets.append(orbit_targets(symmetry_set, structure, IRREPS_OUT, moves, index=index).to(device))

    breaker = SymmetryBreaker(sets, mode="index", shared=False)
    network = CrystalNetwork(len(SYMBOLS), IRREPS_OUT, breaker).to(device)
    parent = parent.to(device, breaker.dtype)
    pairs = torch.stack([each[index] for each, index in zip(targets, trained, strict=True)])
    choice = {"index": torch.tensor(trained, device=device), "set_index": torch.arange(3, device=device)}
    history = train(network, parent.repeat(3), pairs, choice, steps)

    domains, polar, structures, shortcut = {}, {}, {}, 0.0
    with torch.no_grad():
        for phase, symmetry_set, wanted in zip(phases, sets, targets, strict=True):
            output = pooled(all_outputs(network, parent, symmetry_set, permutations=moves, irreps_out=IRREPS_OUT))
            # One forward pass gave all of them; here each object goes through the network by itself.
            count = int(symmetry_set.size)
            every = {
                "index": torch.arange(count, device=device),
                "set_index": torch.full((count,), sets.index(symmetry_set), device=device),
            }
            direct = pooled(network(parent.repeat(count), **every).reshape(count, 5, -1))
            shortcut = max(shortcut, float((direct - output).abs().max()))
            domains[phase.name] = mismatch(direct, wanted).cpu().numpy()
            polar[phase.name] = (output[:, 1, :3] - output[:, 2:, :3].mean(dim=1)).cpu().numpy()
            structures[phase.name] = output.cpu().numpy()
        # The cubic crystal has no other invariant vector or strain than 0e: without an object nothing can
        # move.
        without = float(sum(mismatch(pooled(torch.zeros_like(each[:1])), each[:1])[0] for each in targets))
    return Result(domains, polar, structures, history, without, shortcut)


def paper_case(steps: int = 300, device: str = "cpu") -> dict[str, float]:
    """Xie and Smidt's case: cubic to tetragonal in a fixed cell of 4 Å, 300 Adam steps at 3e-2, one pair.

    Coordinates of the paper's figures, from the Materials Project. Returns the mismatch without and with a
    breaker.
    """
    edge = 4.0
    cubic = np.array([[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
    tetragonal = cubic.copy()
    tetragonal[:, 2] += [0.0825, 0.1000, 0.0642, 0.0642, 0.0490]
    data = crystal(SPECIES, cubic * edge, edge * np.eye(3), cutoff=3.5).to(device, torch.get_default_dtype())
    target = torch.as_tensor((tetragonal - cubic) * edge, device=device).to(data.positions)
    target = torch.cat([target, target.new_zeros(5, 6)], dim=1)[None]
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    index = int(np.argmax(symmetry_set.objects[:, 2]))
    result = {}
    for name in ("without a breaker", "with one of six vectors"):
        torch.manual_seed(0)
        breaker = SymmetryBreaker(symmetry_set, mode="index") if name.startswith("with one") else None
        network = CrystalNetwork(len(SYMBOLS), "1x1o+1x0e+1x2e", breaker).to(device)
        choice = {} if breaker is None else {"index": torch.tensor([index], device=device)}
        train(network, data, target, choice, steps)
        with torch.no_grad():
            output = network(data, **choice)[None]
        output[..., 3:] = 0.0
        result[name] = float(mismatch(output, target)[0])
    return result


def picture(result: Result, path: Path) -> None:
    """Training curve and the directions in which titanium moves against the oxygens in all domain states."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(12, 3.6), constrained_layout=True)
    axes = figure.add_subplot(1, 4, 1)
    axes.semilogy(result.history, color="0.2")
    axes.set(xlabel="Adam step", ylabel="mismatch of 3 pairs / Å²", title="trained on three pairs")
    for number, ((name, arrows), colour) in enumerate(
        zip(result.polar.items(), ("tab:red", "tab:green", "tab:blue"), strict=True), 2
    ):
        space = figure.add_subplot(1, 4, number, projection="3d")
        for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
            for axis in range(3):
                line = np.insert(np.array([corner, corner], dtype=float) - 0.5, axis, [-0.5, 0.5], axis=1)
                space.plot(*(0.24 * line.T), color="0.8", lw=0.8)
        space.quiver(0, 0, 0, *arrows.T, color=colour, arrow_length_ratio=0.15)
        space.set_title(
            f"{name}\n{len(arrows)} domains, mismatch up to {result.domains[name].max():.0e} Å²", fontsize=10
        )
        space.set_box_aspect((1, 1, 1))
        space.set(xticks=[], yticks=[], zticks=[])
        space.set_axis_off()
    figure.suptitle("BaTiO$_3$: displacement of Ti against O in every domain state, predicted from the cubic crystal")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> Result:
    """Run from the command line; returns what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400, help="Adam steps")
    parser.add_argument("--paper-steps", type=int, default=300, help="Adam steps of the paper's case; 0 leaves it out")
    parser.add_argument("--out", type=Path, default=Path("barium_titanate"), help="directory for picture and CIF files")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        result = all_domains(options.steps, options.device)
        options.out.mkdir(parents=True, exist_ok=True)
        print(f"cubic crystal, not moved: mismatch {result.without:.4f} Å² in all three phases together")
        for name, values in result.domains.items():
            print(f"{name:18s}: {len(values):2d} domain states, mismatch {values.min():.1e} to {values.max():.1e} Å²")
            for number, structure in enumerate(result.structures[name], 1):
                write_cif(options.out / f"{name.split()[1]}_{number:02d}.cif", f"{name} {number}", structure)
        print(f"one forward pass per phase gives the same as one per domain state to {result.shortcut:.0e} Å")
        picture(result, options.out / "barium_titanate.png")
        if options.paper_steps:
            for name, value in paper_case(options.paper_steps, options.device).items():
                print(f"the paper's case, {name}: mismatch {value:.4g} Å² after {options.paper_steps} steps")
    finally:
        torch.set_default_dtype(previous)
    print(f"pictures and structures in {options.out}; {time.perf_counter() - start:.0f} s")
    return result


if __name__ == "__main__":
    main()
