"""From a structure to a network's outputs: detect, minimal_set, SymmetryBreaker, network, equivariant as a whole.

The set of outputs for a structure that was turned, reflected, shifted, shuffled and put into another cell is the image of the
set of outputs for the structure itself, although everything is detected anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import sbs
from sbs.structures.detected import Detected

torch = pytest.importorskip("torch")
pytest.importorskip("e3nn")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*TorchScript type system:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.load.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*pkg_resources is deprecated.*:UserWarning"),
]

PEROVSKITE = (
    np.eye(3) * 4.0077,
    [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    [56, 22, 8, 8, 8],
)
CYCLIC = (
    np.diag([4.0, 4.0, 3.6]),
    [[0.1, 0.2, 0], [-0.2, 0.1, 0], [-0.1, -0.2, 0], [0.2, -0.1, 0], [0, 0, 0.3]],
    [6, 6, 6, 6, 8],
)


def propeller() -> tuple[np.ndarray, list[int]]:
    group = sbs.point_group("C3h")
    seeds = np.array([(1.6, 0.4, 0.7), (0.5, 1.9, 1.3)])
    return np.concatenate([group.matrices @ s for s in seeds]), [6] * 6 + [8] * 6


CASES = {
    "Pm-3m->C4v": (PEROVSKITE, "C4v", None),
    "P4->C1": (CYCLIC, "C1", None),
    "C3h->Cs": (propeller(), "Cs", "input"),
}


@pytest.fixture
def outputs():
    """(detected, set, seed of the weights) -> outputs for every object, float64 (size, num_sites, 3)."""
    sys.path.insert(0, str(EXAMPLES))
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    import crystal_network
    import e3nn

    settings = e3nn.get_optimization_defaults()
    e3nn.set_optimization_defaults(optimize_einsums=False, jit_script_fx=False)
    from sbs.nn import SymmetryBreaker

    networks: dict[
        str, torch.nn.Module
    ] = {}  # one for each kind of object: same weights for all orientations

    def evaluate(found: Detected, symmetry_set) -> np.ndarray:
        species = np.searchsorted([6, 8, 22, 56], found.structure.numbers)
        # a molecule sits alone in a cell far larger than the cutoff
        cell = np.eye(3) * 50 if found.structure.lattice is None else found.structure.lattice
        breaker = SymmetryBreaker(symmetry_set, mode="index", dtype=torch.float64)
        if symmetry_set.irreps not in networks:
            torch.manual_seed(0)
            made = crystal_network.CrystalNetwork(4, "1x1o", breaker, cutoff=3.0, mul=3, lmax=2, layers=2)
            networks[symmetry_set.irreps] = made.to(torch.float64)
        network = networks[symmetry_set.irreps]
        network.breaker = breaker
        data = crystal_network.crystal(
            species, found.structure.positions.copy(), cell.copy(), 3.0, torch.float64
        )
        with torch.no_grad():
            results = [network(data, index=torch.tensor([k])) for k in range(int(symmetry_set.size))]
        return torch.stack(results).numpy()

    yield evaluate
    e3nn.set_optimization_defaults(**settings)
    torch.set_default_dtype(previous)
    sys.path.remove(str(EXAMPLES))


def turned(structure, seed: int):
    """Another description of the same structure: (structure, turn, order of the atoms)."""
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    g = q * np.sign(np.diagonal(r))
    order = rng.permutation(len(structure[-1]))
    numbers = [structure[-1][i] for i in order]
    shift = rng.normal(size=3)
    if len(structure) == 2:
        return (structure[0][order] @ g.T + shift, numbers), g, order
    change = np.array([[1, 1, 0], [0, 1, 0], [-1, 0, 1]])
    lattice = change @ structure[0] @ g.T
    positions = (np.array(structure[1]) @ structure[0])[order] @ g.T + shift
    return (lattice, positions @ np.linalg.inv(lattice), numbers), g, order


@pytest.mark.parametrize("name", CASES)
def test_the_whole_way_is_equivariant(name, outputs):
    structure, target, frame = CASES[name]
    first = sbs.detect(structure)
    kept = first.group.subgroup_class(target).representative
    plain_set = sbs.minimal_set(first, kept, frame=frame)
    plain = outputs(first, plain_set)
    scale = np.abs(plain).max()
    assert np.abs(plain - plain[:1]).max() > 1e-3 * scale  # the objects do make a difference
    for seed in (0, 1, 2, 3):
        other_structure, g, order = turned(structure, seed)
        other = sbs.detect(other_structure)
        again = sbs.minimal_set(other, other.group.subgroup(g @ kept.matrices @ g.T), frame=frame)
        found = outputs(other, again)
        images = plain[:, order] @ g.T
        gaps = np.abs(images[:, None] - found[None]).max(axis=(2, 3)) / scale
        assert gaps.min(axis=0).max() < 1e-10 and gaps.min(axis=1).max() < 1e-10


def test_this_test_can_fail(outputs):
    """A set of the wrong orientation, as one gets by ignoring how the crystal lies, is not equivariant."""
    other_structure, g, order = turned(PEROVSKITE, 1)
    plain = outputs(sbs.detect(PEROVSKITE), sbs.minimal_set("Oh", "C4v"))
    found = outputs(sbs.detect(other_structure), sbs.minimal_set("Oh", "C4v"))
    images = plain[:, order] @ g.T
    gaps = np.abs(images[:, None] - found[None]).max(axis=(2, 3)) / np.abs(plain).max()
    assert gaps.min(axis=0).max() > 1e-3
