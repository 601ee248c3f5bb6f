"""A network with a field on the sites of a crystal: equivariant as a set, its output exactly as symmetric as the target."""

import importlib

import numpy as np
import pytest
import torch

import sbs
from sbs.nn import SymmetryBreaker, turn_outputs

pytestmark = pytest.mark.filterwarnings("ignore:.*given NumPy array is not writable.*:UserWarning")

CUBIC = (
    np.eye(3) * 3.9,
    [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    ["Sr", "Ti", "O", "O", "O"],
)
LABEL = "R4+|M3+ (a,a,0|0,0,b)"  # Pnma, which keeps two of the eight translations


def outputs_of(module, structure, found):
    """A network with fixed random weights on one crystal, for every object: (size, sites, 9)."""
    torch.manual_seed(3)
    network = module.CrystalNetwork(
        len(module.SYMBOLS), module.IRREPS_OUT, SymmetryBreaker(found, mode="index"), cutoff=module.CUTOFF, mul=2, layers=2
    )
    species = np.array([module.NUMBERS[int(n)] for n in structure.numbers])
    data = module.crystal(species, structure.positions.copy(), structure.lattice.copy(), module.CUTOFF)
    count = int(found.size)
    with torch.no_grad():
        every = network(
            data.repeat(count), index=torch.arange(count), set_index=torch.zeros(count, dtype=torch.int64)
        )
    return every.reshape(count, len(structure), -1)


def distances_between(first, second):
    """Largest differences of entries between outputs, (m, n)."""
    return (first[:, None] - second[None]).abs().amax(dim=(2, 3))


def test_outputs_have_the_symmetry_of_the_target_and_turn_with_the_crystal(double):
    module = importlib.import_module("octahedral_tilts")
    crystal = sbs.detect(CUBIC, supercell=2)
    found = sbs.minimal_set(crystal, LABEL)
    outputs = outputs_of(module, crystal.structure, found)
    assert float(outputs[:, :, :3].norm(dim=2).amax()) > 1e-3

    # f(x, g b) = g f(x, b) for every g, since g x = x.
    images = turn_outputs(outputs[0], module.IRREPS_OUT, crystal.matrices, crystal.permutations)
    distances = distances_between(images, outputs)
    assert float(distances.amin(dim=1).max()) < 1e-10
    # The stabilizer of the output is K: nothing is left unbroken, no translation either, and nothing more is broken.
    fixing = np.flatnonzero(distances[:, 0].numpy() < 1e-6)
    assert np.array_equal(fixing, found.target.elements)
    assert (fixing < crystal.supercell.translations).sum() == 2
    assert (distances_between(outputs, outputs) + 9 * torch.eye(24)).min() > 1e-4

    # The same crystal turned, reflected, shifted and shuffled, detected anew: the set of outputs is the image of the set.
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(len(crystal.structure))
    lattice = crystal.structure.lattice @ turn.T
    positions = crystal.structure.positions[order] @ turn.T + rng.normal(size=3)
    fractional = positions @ np.linalg.inv(lattice)
    other = sbs.detect((lattice, fractional, crystal.structure.numbers[order].tolist()), supercell=1)
    again = outputs_of(module, other.structure, sbs.minimal_set(other, LABEL))
    action = torch.as_tensor(sbs.representation(module.IRREPS_OUT, turn[None])[0])
    expected = outputs[:, order] @ action.T
    distances = distances_between(expected, again)
    assert sorted(distances.argmin(dim=1).tolist()) == list(range(24))
    assert float(distances.amin(dim=1).max()) < 1e-10
