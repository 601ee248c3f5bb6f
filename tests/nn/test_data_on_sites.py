"""Sets of fields on sites, and structures of the same kind: which site is which, which object leads to a target."""

import importlib

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, SymmetryFields, orientation, permutations_for
from sbs.nn.choice import fields_of

pytestmark = pytest.mark.filterwarnings("ignore:.*given NumPy array is not writable.*:UserWarning")

CORNERS = np.array([[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
RUTILE = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 0], [-1, -1, 0], [1, -1, 0], [-1, 1, 0]], dtype=float)


def perovskite(edge, a, b, shift=0.0):
    return np.eye(3) * edge, (CORNERS + shift) % 1, [a, b, "O", "O", "O"]


def rutile(edge, height, cation, anion, u, shift=0.0):
    places = RUTILE.copy()
    places[2:4] *= u
    places[4:] = places[4:] * u * np.array([1, 1, 0]) + 0.5
    return np.diag([edge, edge, height]), (places + shift) % 1, [cation] * 2 + [anion] * 4


KINDS = {
    "perovskite": (
        perovskite(3.9, "Sr", "Ti"),
        2,
        "R4+|M3+ (a,a,0|0,0,b)",
        [perovskite(4.1, "K", "Ta", 0.5), perovskite(3.8, "La", "Al", 0.13), perovskite(4.2, "Ba", "Zr")],
    ),
    "rutile": (
        rutile(4.59, 2.96, "Ti", "O", 0.305),
        (1, 1, 2),
        "Z1",
        [rutile(4.74, 3.19, "Sn", "O", 0.307, 0.21), rutile(4.65, 3.03, "Mg", "F", 0.303, 0.5)],
    ),
}


def laid_out(structure, supercell):
    """The supercell itself as (lattice, positions in Å, numbers)."""
    found = sbs.detect(structure, supercell=supercell).structure
    return np.array(found.lattice), np.array(found.positions), np.array(found.numbers)


def moved(crystal, seed):
    """Turned, shifted, shuffled, in another cell: what `sbs.detect` takes, the turn and the order."""
    lattice, positions, numbers = crystal
    rng = np.random.default_rng(seed)
    turn, order = Rotation.random(random_state=seed).as_matrix(), rng.permutation(len(numbers))
    cell = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]]) @ lattice @ turn.T
    places = positions[order] @ turn.T + rng.normal(size=3)
    return (cell, places @ np.linalg.inv(cell), numbers[order].tolist()), turn, order


def field_of(fields, symmetry_set):
    """The chosen object on the nodes of the structure (nodes, dim)."""
    values = np.asarray(symmetry_set.objects)[int(fields["sbs_object"])][fields["sbs_site"]]
    return values @ sbs.representation(symmetry_set.irreps, fields["sbs_rotation"][None])[0].T


def question(kind):
    given, supercell, label, others = KINDS[kind]
    crystal = sbs.detect(given, supercell=supercell)
    target = label if "(" in label else sbs.isotropy(crystal, label)[-1]
    return crystal, supercell, sbs.minimal_set(crystal, target), others


@pytest.mark.parametrize("kind", KINDS)
def test_sites_correspond_and_the_group_is_carried_onto_the_structures_own(kind):
    """R and the sites carry the crystal of the set onto the other, but for strain and the free coordinates of its sites."""
    crystal, supercell, symmetry_set, others = question(kind)
    for seed, other in enumerate(others):
        structure, *_ = moved(laid_out(other, supercell), seed)
        found = sbs.detect(structure)
        turn, moves = orientation(found, symmetry_set), permutations_for(found, symmetry_set)
        fields = SymmetryFields(symmetry_set, sbs.detect).fields(structure)
        assert np.allclose(fields["sbs_rotation"], turn) and np.linalg.det(turn) > 0
        sites = fields["sbs_site"]
        # The operations of the set, carried over, are those that detection finds in the structure.
        matrices = turn @ crystal.matrices @ turn.T
        own = {row.tobytes() for row in np.asarray(found.permutations)}
        assert {row.tobytes() for row in moves} == own and len(own) == crystal.group.order
        for matrix, row in zip(matrices[::7], moves[::7], strict=True):
            number = [k for k, p in enumerate(found.permutations) if (p == row).all()]
            assert any(np.allclose(found.matrices[k], matrix, atol=1e-8) for k in number)
        # Distances between sites that correspond, by the image that is nearest.
        lattice, fractional = np.asarray(structure[0]), np.asarray(structure[1])
        reference = np.asarray(crystal.structure.positions) @ np.linalg.inv(np.asarray(crystal.structure.lattice))
        carry = np.asarray(crystal.structure.lattice) @ turn.T @ np.linalg.inv(lattice)
        carry = np.round(4 * carry) / 4  # integer, or halves where cells differ by a centring; strain is rounded away
        off = fractional - reference[sites] @ carry
        off -= off[0]
        assert np.abs((off - np.round(off)) @ lattice).max() < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_object_turns_with_the_target(kind):
    """However a crystal is given, and whichever domain its target is in, the object's field on its atoms is the same one."""
    crystal, supercell, symmetry_set, _ = question(kind)
    rng = np.random.default_rng(5)
    kept = np.asarray(symmetry_set.target.elements)
    noise = rng.normal(size=(len(crystal.structure), 3))
    images = np.zeros_like(noise)
    for g in kept:  # of symmetry K and nothing more
        images[crystal.permutations[g]] += noise @ crystal.matrices[g].T
    target = images / len(kept)
    transform = SymmetryFields(symmetry_set, sbs.detect)
    lattice, positions, numbers = laid_out(KINDS[kind][0], supercell)
    base = transform.fields((lattice, positions @ np.linalg.inv(lattice), numbers.tolist()), target)
    assert (base["sbs_site"] == np.arange(len(numbers))).all() and np.allclose(base["sbs_rotation"], np.eye(3))
    expected = field_of(base, symmetry_set)
    seen = set()
    for seed in range(4):
        g = int(rng.integers(crystal.group.order))
        domain, wanted = np.empty_like(target), np.empty_like(expected)
        domain[crystal.permutations[g]] = target @ crystal.matrices[g].T
        action = sbs.representation(symmetry_set.irreps, crystal.matrices[g][None])[0]
        wanted[crystal.permutations[g]] = expected @ action.T
        structure, turn, order = moved((lattice, positions, numbers), seed)
        fields = transform.fields(structure, domain[order] @ turn.T)
        action = sbs.representation(symmetry_set.irreps, turn[None])[0]
        assert np.abs(field_of(fields, symmetry_set) - wanted[order] @ action.T).max() < 1e-6
        seen.add(int(fields["sbs_object"]))
    assert len(seen) > 1


def test_a_batch_of_two_crystals_gets_each_its_field():
    """Written into data, collated by concatenation, read by the breaker."""
    crystal, supercell, symmetry_set, others = question("perovskite")
    rng = np.random.default_rng(2)
    transform = SymmetryFields(
        symmetry_set, sbs.detect, target="y", to_structure=lambda data: (data["cell"], data["places"], data["numbers"])
    )
    parts = []
    for seed, other in enumerate(others[:2]):
        (cell, places, numbers), *_ = moved(laid_out(other, supercell), seed)
        found = sbs.detect((cell, places, numbers))
        turn, moves = orientation(found, symmetry_set), permutations_for(found, symmetry_set)
        kept = np.asarray(symmetry_set.target.elements)
        noise, target = rng.normal(size=(len(numbers), 3)), np.zeros((len(numbers), 3))
        for g in kept:
            target[moves[g]] += noise @ (turn @ crystal.matrices[g] @ turn.T).T / len(kept)
        parts.append(transform({"cell": cell, "places": places, "numbers": numbers, "y": torch.as_tensor(target)}))
    names = ("sbs_object", "sbs_set", "sbs_rotation", "sbs_site")
    choice = fields_of({name: torch.cat([each[name] for each in parts]) for name in names})
    breaker = SymmetryBreaker(symmetry_set, mode="index", dtype=torch.float64)
    batch = torch.arange(2).repeat_interleave(len(crystal.structure))
    found = breaker(
        batch, index=choice.object_index, set_index=choice.set_index, rotations=choice.rotations, sites=choice.sites
    )
    plain = []
    for each in parts:
        rows = {name: each[name].numpy() for name in names}
        own = {name: row if name == "sbs_site" else row[0] for name, row in rows.items()}
        plain.append(field_of(own, symmetry_set))
    scales = np.concatenate([np.full(ir.dim, ir.dim**0.5) for _, ir in breaker.irreps])
    assert np.allclose(found.numpy(), np.concatenate(plain) * scales, atol=1e-8)


def test_atoms_carry_the_sites_and_a_shuffle_before_is_followed():
    ase = pytest.importorskip("ase", reason="ase is not installed")
    _, supercell, symmetry_set, _ = question("perovskite")
    (cell, places, numbers), *_ = moved(laid_out(KINDS["perovskite"][0], supercell), 3)
    atoms = ase.Atoms(numbers, scaled_positions=places, cell=cell, pbc=True)
    found = SymmetryFields(symmetry_set, sbs.detect)(atoms)
    order = np.random.default_rng(0).permutation(len(atoms))
    assert (found.arrays["sbs_site"] == found.info["sbs_site"]).all()
    assert sorted(found[order].arrays["sbs_site"]) == list(range(len(atoms)))


def test_mace_takes_the_sites_along():
    ase = pytest.importorskip("ase", reason="ase is not installed")
    data = pytest.importorskip("mace.data", reason="MACE is not installed")
    tools = importlib.import_module("mace.tools")
    host = importlib.import_module("sbs.nn.host.mace")
    _, supercell, symmetry_set, _ = question("perovskite")
    rows = []
    for seed in range(2):
        (cell, places, numbers), *_ = moved(laid_out(KINDS["perovskite"][0], supercell), seed)
        atoms = ase.Atoms(numbers, scaled_positions=places, cell=cell, pbc=True)
        rows.append(SymmetryFields(symmetry_set, sbs.detect)(atoms))
    keys = data.KeySpecification(info_keys=host.info_keys(), arrays_keys=host.arrays_keys())
    table = tools.AtomicNumberTable([8, 22, 38])
    configurations = [data.config_from_atoms(atoms, key_specification=keys) for atoms in rows]
    graphs = [data.AtomicData.from_config(each, z_table=table, cutoff=3.0) for each in configurations]
    batch = next(iter(tools.torch_geometric.dataloader.DataLoader(graphs, batch_size=2)))
    choice = fields_of(batch.to_dict())
    assert choice.sites.tolist() == np.concatenate([atoms.arrays["sbs_site"] for atoms in rows]).tolist()
    assert np.allclose(choice.rotations.numpy(), [atoms.info["sbs_rotation"] for atoms in rows], atol=1e-6)


def test_what_is_of_another_kind_is_refused():
    symmetry_set = question("perovskite")[2]
    transform = SymmetryFields(symmetry_set, sbs.detect)
    with pytest.raises(NetworkInputError, match="40 sites, the structure has 5"):
        transform.fields(perovskite(3.9, "Sr", "Ti"))
    with pytest.raises(NetworkInputError, match="40 sites, the structure has 8"):
        orientation(sbs.detect((np.eye(3) * 3.4, [[0.0, 0.0, 0.0]], ["Po"]), supercell=2), symmetry_set)
    # Five sites as in perovskite, but otherwise.
    lattice, positions, numbers = laid_out(perovskite(3.9, "Sr", "Ti"), 2)
    swapped = numbers.copy()
    swapped[[0, 2]] = swapped[[2, 0]]
    with pytest.raises(NetworkInputError, match="sets are for Pm-3m"):
        transform.fields((lattice, positions @ np.linalg.inv(lattice), swapped.tolist()))
    with pytest.raises(NetworkInputError, match="no output of symmetry"):
        transform.fields((lattice, positions @ np.linalg.inv(lattice), numbers.tolist()), np.eye(40, 3))
