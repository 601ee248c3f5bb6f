"""NequIP's, MACE's and SevenNet's own commands for training, on a CPU for a few steps, with objects that come with the data.

The data are rocksalt with forces along one axis: what no equivariant potential can say of it, until the object does.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hosts import rocksalt

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import (
    SymmetryBreaker,
    SymmetryFields,
    all_outputs,
    attach,
    orientation,
    permutations_for,
    turn_outputs,
)
from sbs.nn.choice import fields_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def broken_rocksalt(axis, cubic=False, symmetry_set=None):
    """Rocksalt whose ions are pulled apart along an axis, and the fields that the transform finds for it."""
    from ase.calculators.singlepoint import SinglePointCalculator

    atoms = rocksalt(cubic)
    symmetry_set = symmetry_set or sbs.minimal_set("Oh", "C4v")
    forces = 0.1 * np.outer(np.where(atoms.numbers == 11, 1.0, -1.0), axis)
    atoms.arrays["pull"] = forces
    transform = SymmetryFields(symmetry_set, sbs.detect, target="pull")
    atoms = transform(atoms)
    del atoms.arrays["pull"]
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=forces)
    return atoms


# --- the transform ---------------------------------------------------------------------------------------------------


def test_the_object_leads_to_its_target():
    pytest.importorskip("ase", reason="ase is not installed")
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    along = []
    for number, axis in enumerate(symmetry_set.objects):
        info = broken_rocksalt(axis, cubic=number % 2 == 1).info  # the conventional cell has the same point group
        along.append(info["sbs_rotation"] @ symmetry_set.objects[info["sbs_object"]])
    # One rule for all: the object along the axis for every target, or against it for every target.
    sign = np.sign(along[0] @ symmetry_set.objects[0])
    assert np.allclose(along, sign * symmetry_set.objects, atol=1e-8)


def supercell(atoms, seed):
    """The same crystal in a larger, sheared cell, turned, moved, its atoms in another order; and what turns it."""
    from ase.build import make_supercell
    from scipy.spatial.transform import Rotation

    generator = np.random.default_rng(seed)
    large = make_supercell(atoms, [[1, 1, 0], [0, 1, 0], [0, -1, 2]])
    large = large[generator.permutation(len(large))]
    turn = Rotation.random(random_state=seed).as_matrix()
    large.set_cell(large.cell @ turn.T)
    large.positions = large.positions @ turn.T + generator.normal(size=3)
    large.arrays["pull"] = large.arrays["pull"] @ turn.T
    return large, turn


@pytest.mark.parametrize("groups", [("Oh", "C4v", "O(3)"), ("O", "C4", "SO(3)"), ("Oh", "C3v", "O(3)"), ("Oh", "C1", "O(3)")])
def test_the_object_does_not_depend_on_how_a_crystal_is_given(groups):
    """In any cell, orientation and order of atoms the object turned by the rotation is the one that the target says."""
    pytest.importorskip("ase", reason="ase is not installed")
    symmetry_set = sbs.minimal_set(*groups[:2], ambient=groups[2])
    transform = SymmetryFields(symmetry_set, sbs.detect, target="pull")
    action = sbs.representation(symmetry_set.irreps, symmetry_set.group.matrices)
    axis = {"C4v": [0.0, 0, 1], "C4": [0.0, 0, 1], "C3v": [1.0, 1, 1], "C1": [1.0, 0.3, 0.5]}[groups[1]]
    expected = None
    for seed, matrix in enumerate(symmetry_set.group.matrices[::7]):
        atoms = rocksalt()
        atoms.arrays["pull"] = np.outer(np.where(atoms.numbers == 11, 0.1, -0.1), matrix @ axis)
        found, turn = transform(atoms).info, np.eye(3)
        if seed:
            atoms, turn = supercell(atoms, seed)
            found = transform(atoms).info
        rotation = found["sbs_rotation"]
        object_ = symmetry_set.objects[found["sbs_object"]]
        # Turned back: by what the target's pull was made of.
        back = np.linalg.inv(turn @ matrix) @ rotation
        own = sbs.representation(symmetry_set.irreps, back[None])[0] @ object_
        expected = own if expected is None else expected
        stabilizer = [g for g, m in enumerate(symmetry_set.group.matrices) if np.allclose(m @ axis, axis)]
        assert min(np.abs(action[g] @ own - expected).max() for g in stabilizer) < 1e-6


def test_orientation_is_the_way_from_detection_to_the_breaker(make_network, graph, orbit_molecule, rotations, double):
    """A turned molecule: the rotation from `orientation` goes everywhere as it is; the detected one is refused."""
    symmetry_set = sbs.minimal_set("Td", "C3v")
    model = sbs.nn.SymmetryBreaker(symmetry_set, mode="index")
    network = make_network(model)
    turn = rotations(1, 4)[0]
    positions = orbit_molecule(symmetry_set.group.matrices) @ turn.T
    detected = sbs.detect((positions, [1] * len(positions)))
    found = orientation(detected, symmetry_set)
    data = graph(positions)
    outputs = all_outputs(network, data, symmetry_set, rotation=found)
    moves = permutations_for(detected, symmetry_set)
    assert torch.allclose(outputs, all_outputs(network, data, symmetry_set, permutations=moves, rotation=found))
    with pytest.raises(NetworkInputError, match="transpose"):
        all_outputs(network, data, symmetry_set, rotation=found.T)
    with pytest.raises(NetworkInputError, match="set is for Oh"):
        orientation(detected, sbs.minimal_set("Oh", "C4v"))


def test_the_fields_of_a_structure(rotations):
    """Set, rotation and object of a turned molecule with a target; the object's own image is that target's."""
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    corners = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    turn = rotations(1, 9)[0]
    numbers = [16, 9, 9, 9, 9, 9, 9]
    transform = SymmetryFields([sbs.minimal_set("Td", "C3v"), symmetry_set], sbs.detect)
    target = np.zeros((7, 3))
    target[0] = turn @ [0.0, 0.0, 0.3]
    fields = transform.fields((corners @ turn.T, numbers), target)
    assert fields["sbs_set"] == 1
    along = fields["sbs_rotation"] @ symmetry_set.objects[fields["sbs_object"]]
    assert abs(abs(along @ turn[:, 2]) - 1) < 1e-6
    with pytest.raises(NetworkInputError, match="sets are for Td"):
        SymmetryFields(sbs.minimal_set("Td", "C3v"), sbs.detect).fields((corners, numbers))


def test_dictionaries_and_attributes_are_written_and_read():
    """What the transform writes into a mapping or an object is what a breaker reads from the batch."""
    corners = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    numbers = np.array([16, 9, 9, 9, 9, 9, 9])
    target = np.zeros((7, 3))
    target[0, 2] = 0.3
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    transform = SymmetryFields(
        symmetry_set, sbs.detect, target="y", to_structure=lambda data: (data["pos"].numpy(), numbers)
    )
    data = [transform({"pos": torch.as_tensor(corners), "y": torch.as_tensor(target)}) for _ in range(2)]
    names = ("sbs_object", "sbs_set", "sbs_rotation")
    batch = {name: torch.cat([each[name] for each in data]) for name in names}
    choice = fields_of(batch)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    rows = breaker.graph_features(
        index=choice.object_index, set_index=choice.set_index, rotations=choice.rotations
    )
    assert rows.shape == (2, 3) and torch.allclose(rows[0].abs(), torch.tensor([0.0, 0.0, 3**0.5]), atol=1e-6)
    del data[0]["y"]
    del data[0]["sbs_object"]
    assert "sbs_object" not in transform(data[0])


def test_what_a_batch_says_goes_before_what_was_chosen(make_network, graph, orbit_molecule):
    symmetry_set = sbs.minimal_set("Td", "C3v")
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker)
    data = graph(orbit_molecule(symmetry_set.group.matrices))
    expected = model(data, index=torch.tensor([3]))
    with breaker.choose(torch.tensor([1])):
        assert torch.equal(model({**data, "sbs_object": torch.tensor([[3]])}), expected)
        assert torch.equal(model(data, index=torch.tensor([3])), expected)
        assert not torch.allclose(model(data), expected)
    features = breaker.features_of(symmetry_set.objects[3])
    assert torch.allclose(model({**data, "sbs_features": features.reshape(-1, 1)}), expected, atol=1e-4)


def test_pairs_of_an_infinite_set_are_trained(double):
    """A bent CO2: the object is a direction across the axis; one pair (object, output) teaches all directions."""
    from e3nn import o3

    symmetry_set = sbs.minimal_set("Dinfh", "C2v(C2')")
    axis = np.eye(3)[2]
    positions = torch.as_tensor(np.stack([0 * axis, 1.16 * axis, -1.16 * axis]))

    class Host(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = o3.Linear("1x0e", "4x0e+2x1o+2x2e")
            self.last = o3.FullyConnectedTensorProduct("4x0e+2x1o+2x2e", "0e+1o+2e", "1o")

        def forward(self, data):
            hidden = self.first(data["x"])
            return self.last(hidden, o3.spherical_harmonics("0e+1o+2e", data["pos"], False))

    model = Host()
    breaker = SymmetryBreaker(symmetry_set)
    attachment = attach(model, breaker, at="first", irreps="4x0e+2x1o+2x2e", freeze=False)
    data = {"x": torch.tensor([[1.0], [0.3], [0.3]]), "pos": positions, "num_graphs": 1}
    model(data)
    drawn = breaker.drawn
    assert drawn.shape == (1, breaker.dim)
    given = breaker.features_of(symmetry_set.sample(1, 3))
    # What a C2v output says: the carbon goes along the only vector that the object's stabilizer leaves.
    turns = symmetry_set.group.sample(400, 1)
    action = sbs.representation(symmetry_set.irreps, turns)
    scales = np.concatenate([np.full(ir.dim, ir.dim**0.5) for _, ir in breaker.irreps])
    plain = given[0].numpy() / scales
    images = action @ plain
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    direction = torch.zeros(3, 3)
    fixed = np.abs(images - plain).max(axis=1) < 1e-6
    assert not fixed[1:].all()
    with breaker.choose(features=given):
        before = model(data).detach()
    direction[0] = before[0] if before[0].norm() > 1e-6 else torch.tensor([1.0, 0.0, 0.0])
    for _ in range(150):
        optimiser.zero_grad()
        with breaker.choose(features=given):
            loss = (model(data)[:, :2] - direction[:, :2]).square().mean()
        loss.backward()
        optimiser.step()
    with breaker.choose(features=given), torch.no_grad():
        trained = model(data)
    about_z = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = breaker.features_of(sbs.representation(symmetry_set.irreps, about_z[None])[0] @ plain)
    with breaker.choose(features=turned), torch.no_grad():
        other = model(data)
    assert torch.allclose(other, turn_outputs(trained, "1o", about_z[None])[0], atol=1e-5)
    assert attachment.breaker is breaker


# --- MACE ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_mace_trains_with_its_own_command(tmp_path, monkeypatch):
    pytest.importorskip("mace.cli.run_train", reason="MACE is not installed")
    from ase.io import write

    from sbs.nn.host.mace import train

    symmetry_set = sbs.minimal_set("Oh", "C4v")
    frames = [broken_rocksalt(axis) for axis in symmetry_set.objects[[0, 2, 4, 5]]]
    for each in frames:
        each.info |= {"REF_energy": -1.0}
        each.arrays["REF_forces"] = each.get_forces()
        each.calc = None
    write(tmp_path / "train.xyz", frames)
    monkeypatch.chdir(tmp_path)
    seen = []

    def attaching(model):
        breaker = SymmetryBreaker(symmetry_set, mode="index")
        attachment = attach(model, breaker, at="interactions.1", freeze=False)
        attachment.wake(0.1)
        start = [weight.detach().clone() for weight in attachment.parameters()]
        seen.append((model, attachment, start))

    arguments = "--name=few --train_file=train.xyz --valid_file=train.xyz --E0s={11:0.0,17:-2.0} --model=MACE"
    arguments += " --num_channels=4 --max_L=1 --r_max=3.5 --batch_size=4 --max_num_epochs=40 --device=cpu"
    arguments += " --default_dtype=float64 --correlation=2 --num_radial_basis=4 --max_ell=2 --lr=0.02"
    arguments += " --energy_weight=0 --forces_weight=100 --error_table=PerAtomRMSE --eval_interval=10 --seed=1"
    monkeypatch.setattr(sys, "argv", ["mace_run_train"])
    train(arguments.split(), attaching)
    (model, attachment, start), breaker = seen[0], seen[0][1].breaker
    moved = max(float((a.detach() - b).abs().max()) for a, b in zip(attachment.parameters(), start, strict=True))
    assert moved > 1e-3
    pulls = forces_of(model, breaker, symmetry_set)
    # Learned from the data, the forces lie along the axis that the object says, for objects that were not among them too.
    along = [pull[0] @ axis for pull, axis in zip(pulls, symmetry_set.objects, strict=True)]
    assert np.abs(along).min() > 0.03 and len(set(np.sign(along))) == 1
    for pull, axis in zip(pulls, symmetry_set.objects, strict=True):
        assert np.abs(pull - np.outer(pull @ axis, axis)).max() < 1e-6


def forces_of(model, breaker, symmetry_set):
    from mace import data as mace_data
    from mace import tools
    from mace.tools import torch_geometric

    configuration = mace_data.config_from_atoms(rocksalt())
    table = tools.AtomicNumberTable([11, 17])
    atoms = mace_data.AtomicData.from_config(configuration, z_table=table, cutoff=float(model.r_max))
    batch = next(iter(torch_geometric.dataloader.DataLoader([atoms], batch_size=1)))
    found = []
    for number in range(int(symmetry_set.size)):
        with breaker.choose(torch.tensor([number], device=breaker.device)):
            found.append(model(batch.to_dict())["forces"].detach().numpy())
    return found


# --- SevenNet --------------------------------------------------------------------------------------------------------


SEVENNET = """
model:
  chemical_species: auto
  cutoff: 3.5
  channel: 4
  lmax: 1
  num_convolution_layer: 2
  is_parity: false
train:
  random_seed: 1
  is_train_stress: false
  epoch: 60
  optimizer: adam
  optim_param: {lr: 0.03}
  scheduler: exponentiallr
  scheduler_param: {gamma: 1.0}
  force_loss_weight: 100.0
  per_epoch: 60
  device: cpu
  error_record: [[Force, RMSE], [TotalLoss, None]]
data:
  batch_size: 4
  shift: per_atom_energy_mean
  scale: 1.0
  data_format_args: {index: ":", drop_info: false}
  load_trainset_path: [train.xyz]
"""


@pytest.mark.slow
def test_sevennet_trains_with_its_own_command(tmp_path, monkeypatch):
    """The fields come from the structures; the checkpoint that SevenNet writes rebuilds the attachment."""
    pytest.importorskip("sevenn", reason="SevenNet is not installed")
    from ase.io import write

    from sbs.nn import calculator
    from sbs.nn.host import sevennet as host

    symmetry_set = sbs.minimal_set("O", "C4", ambient="SO(3)")
    frames = [broken_rocksalt(axis, symmetry_set=symmetry_set) for axis in symmetry_set.objects[[0, 2, 4, 5]]]
    assert len({each.info["sbs_object"] for each in frames}) == 4
    sign = np.sign(frames[0].info["sbs_rotation"] @ symmetry_set.objects[frames[0].info["sbs_object"]] @ symmetry_set.objects[0])
    write(tmp_path / "train.xyz", frames)
    (tmp_path / "input.yaml").write_text(SEVENNET)
    monkeypatch.chdir(tmp_path)

    def attaching(model):
        breaker = SymmetryBreaker(symmetry_set, mode="index", dtype=torch.float32)
        attach(model, breaker, at="0_equivariant_gate", freeze=False, ignore_parity=True).wake(0.1)

    host.train(["input.yaml"], attaching)
    trained = host.load(tmp_path / "checkpoint_60.pth")
    start = host.load(tmp_path / "checkpoint_0.pth")
    for number, axis in enumerate(symmetry_set.objects):
        forces = []
        for model in (start, trained):
            atoms = rocksalt()
            atoms.calc = calculator(model, number, device="cpu")
            forces.append(atoms.get_forces())
        assert sign * forces[1][0] @ axis > 0.05 > abs(forces[0][0] @ axis)
        assert np.abs(forces[1] - np.outer(forces[1] @ axis, axis)).max() < 1e-5


# --- NequIP ----------------------------------------------------------------------------------------------------------


NEQUIP = """
run: [train]
data:
  _target_: nequip.data.datamodule.ASEDataModule
  seed: 1
  train_file_path: {folder}/train.xyz
  val_file_path: {folder}/train.xyz
  include_keys: [sbs_object, sbs_set, sbs_rotation]
  transforms:
    - _target_: nequip.data.transforms.ChemicalSpeciesToAtomTypeMapper
      model_type_names: [Na, Cl]
    - _target_: nequip.data.transforms.NeighborListTransform
      r_max: 3.5
  train_dataloader: {{_target_: torch.utils.data.DataLoader, batch_size: 4}}
  val_dataloader: {{_target_: torch.utils.data.DataLoader, batch_size: 4}}
trainer:
  _target_: lightning.Trainer
  accelerator: cpu
  max_epochs: 60
  check_val_every_n_epoch: 60
  enable_progress_bar: false
  logger: false
  callbacks:
    - {{_target_: lightning.pytorch.callbacks.ModelCheckpoint, dirpath: {folder}, filename: last, save_last: true}}
training_module:
  _target_: nequip.train.NequIPLightningModule
  loss:
    _target_: nequip.train.MetricsManager
    metrics:
      - name: force_mse
        field: forces
        coeff: 1
        metric: {{_target_: nequip.train.MeanSquaredError}}
  val_metrics:
    _target_: nequip.train.MetricsManager
    metrics:
      - name: force_mse
        field: forces
        coeff: 1
        metric: {{_target_: nequip.train.MeanSquaredError}}
  optimizer: {{_target_: torch.optim.Adam, lr: 0.03}}
  model:
    _target_: sbs.nn.host.nequip.SymmetryBrokenModel
    seed: 1
    model_dtype: float32
    type_names: [Na, Cl]
    r_max: 3.5
    group: Oh
    target: C4v
    at: layer0_convnet
    object: 3
    model:
      _target_: nequip.model.NequIPGNNModel
      num_layers: 2
      l_max: 1
      num_features: 4
      avg_num_neighbors: 6.0
      per_type_energy_scales: 1.0
      per_type_energy_shifts: 0.0
"""


def nequip_command(name, *arguments, folder):
    """Run one of NequIP's commands as its users do: it finds this library by the entry point of the installed distribution."""
    checkout = Path(sbs.__file__).parents[1]
    entry = re.search(r'^\[project\.entry-points\."(nequip.extension)"\]\n(.*)$', (checkout / "pyproject.toml").read_text(), re.M)
    installed = folder / "installed" / "sbs_of_the_checkout-0.dist-info"
    installed.mkdir(parents=True, exist_ok=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: sbs_of_the_checkout\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(f"[{entry[1]}]\n{entry[2].replace(chr(34), '')}\n")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"from nequip.scripts.{name} import main; main()", *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(checkout), str(installed.parent)])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def nequip_run(tmp_path_factory):
    """A few steps of ``nequip-train``; the folder with the data and the checkpoint."""
    pytest.importorskip("nequip.scripts", reason="NequIP is not installed")
    from ase.io import write

    folder = tmp_path_factory.mktemp("nequip")
    axes = sbs.minimal_set("Oh", "C4v").objects[[0, 2, 4, 5]]
    # The conventional cell: NequIP's exporter leaves two atoms out to see whether the program holds for any number.
    write(folder / "train.xyz", [broken_rocksalt(axis, cubic=True) for axis in axes])
    from nequip.utils.global_state import set_global_state

    set_global_state()
    (folder / "config.yaml").write_text(NEQUIP.format(folder=folder))
    nequip_command("train", "-cp", folder, "-cn", "config", folder=folder)
    return folder


def nequip_forces(model, number, cubic=False):
    from nequip.data import from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform

    data = ChemicalSpeciesToAtomTypeMapper(model_type_names=["Na", "Cl"])(from_ase(rocksalt(cubic)))
    data = NeighborListTransform(r_max=3.5)(data)
    return model(data | {"sbs_object": torch.tensor([number])})["forces"].detach().numpy()


@pytest.mark.slow
def test_nequip_trains_with_its_own_command(nequip_run):
    from nequip.model import ModelFromCheckpoint

    model = ModelFromCheckpoint(str(nequip_run / "last.ckpt"))["sole_model"].eval()
    along = []
    for number, axis in enumerate(sbs.minimal_set("Oh", "C4v").objects):
        forces = nequip_forces(model, number)
        along.append(forces[0] @ axis)
        assert np.abs(forces - np.outer(forces @ axis, axis)).max() < 1e-5
    assert np.abs(along).min() > 0.03 and len(set(np.sign(along))) == 1


@pytest.mark.slow
def test_nequip_packages_with_its_own_command(nequip_run):
    """The package holds the attachment: its model reads objects from the data as the checkpoint's does."""
    from nequip.model import ModelFromCheckpoint, ModelFromPackage

    package = nequip_run / "model.nequip.zip"
    nequip_command("package", "build", nequip_run / "last.ckpt", package, folder=nequip_run)
    kept = ModelFromCheckpoint(str(nequip_run / "last.ckpt"))["sole_model"].eval()
    packed = ModelFromPackage(str(package))["sole_model"].eval()
    for number in range(6):
        expected = nequip_forces(kept, number)
        assert np.abs(nequip_forces(packed, number) - expected).max() < 1e-6 < np.abs(expected).max()


@pytest.mark.slow
def test_nequip_compiles_with_its_own_command(nequip_run):
    """A trained model, one object made part of it on the way; NequIP's own calculator reads the file."""
    from nequip.integrations.ase import NequIPCalculator
    from nequip.model import ModelFromCheckpoint

    compiled = nequip_run / "model.nequip.pt2"
    options = ["--mode", "aotinductor", "--device", "cpu", "--target", "ase", "--modifiers", "fix_symmetry_breaker"]
    nequip_command("compile", nequip_run / "last.ckpt", compiled, *options, folder=nequip_run)
    kept = ModelFromCheckpoint(str(nequip_run / "last.ckpt"))["sole_model"].eval()
    for cubic in (True, False):
        atoms = rocksalt(cubic)
        atoms.calc = NequIPCalculator.from_compiled_model(compiled, device="cpu")
        expected = nequip_forces(kept, 3, cubic)
        assert np.abs(atoms.get_forces() - expected).max() < 1e-5 < np.abs(expected).max()
