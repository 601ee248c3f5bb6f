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
from hosts import broken_rocksalt, rocksalt

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, attach

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


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


@pytest.mark.slow
def test_sevennet_says_that_it_drops_the_fields(tmp_path, monkeypatch):
    """Without ``drop_info: false`` no field arrives: a breaker that may draw complains, one of mode "index" refuses."""
    pytest.importorskip("sevenn", reason="SevenNet is not installed")
    from ase.io import write

    from sbs.nn import MissingFieldsWarning
    from sbs.nn.host import sevennet as host

    symmetry_set = sbs.minimal_set("O", "C4", ambient="SO(3)")
    write(tmp_path / "train.xyz", [broken_rocksalt(axis, symmetry_set=symmetry_set) for axis in symmetry_set.objects[:2]])
    short = SEVENNET.replace(", drop_info: false", "").replace("epoch: 60", "epoch: 1")
    (tmp_path / "input.yaml").write_text(short)
    monkeypatch.chdir(tmp_path)

    def attaching(model, mode):
        breaker = SymmetryBreaker(symmetry_set, mode=mode, dtype=torch.float32)
        attach(model, breaker, at="0_equivariant_gate", freeze=False, ignore_parity=True)

    with pytest.warns(MissingFieldsWarning, match="drop_info: false"):
        host.train(["input.yaml"], lambda model: attaching(model, "sample"))
    with pytest.raises(NetworkInputError, match="mode='index' draws nothing"):
        host.train(["input.yaml"], lambda model: attaching(model, "index"))


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


def nequip_graph(cubic=False):
    from nequip.data import from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform

    data = ChemicalSpeciesToAtomTypeMapper(model_type_names=["Na", "Cl"])(from_ase(rocksalt(cubic)))
    return NeighborListTransform(r_max=3.5)(data)


def nequip_forces(model, number):
    return model(nequip_graph() | {"sbs_object": torch.tensor([number])})["forces"].detach().numpy()


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


# The last digit of energies in eV, of forces in eV/Å, in float32: the program sums in another order.
COMPILED = 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("target", ["ase", "pair_nequip"])
def test_nequip_compiles_with_its_own_command(nequip_run, target, double):
    """``nequip-compile`` of the trained model with one object: the program's energies and forces are those of the model.

    In float64, in which NequIP makes its data: the program reads what it is given as float64, whatever it is.
    """
    from nequip.model import ModelFromCheckpoint
    from nequip.scripts._compile_utils import COMPILE_TARGET_DICT

    program = nequip_run / f"{target}.nequip.pt2"
    arguments = ["--mode", "aotinductor", "--device", "cpu", "--target", target, "--modifiers", "fix_symmetry_breaker"]
    nequip_command("compile", nequip_run / "last.ckpt", program, *arguments, folder=nequip_run)
    model = ModelFromCheckpoint(str(nequip_run / "last.ckpt"))["sole_model"].eval()
    names, compiled = COMPILE_TARGET_DICT[target], torch._inductor.aoti_load_package(str(program))
    for cubic in (False, True):
        data = nequip_graph(cubic)
        assert data["pos"].dtype == torch.float64
        output = compiled([data[key] for key in names["input"]])
        found = {key: value.numpy() for key, value in zip(names["output"], output, strict=True)}
        expected = model(data | {"sbs_object": torch.tensor([3])})
        assert np.abs(found["forces"]).max() > 0.01
        for key in ("atomic_energy", "forces"):
            assert np.abs(found[key] - expected[key].detach().numpy()).max() < COMPILED
    if target == "ase":
        from nequip.integrations.ase import NequIPCalculator

        atoms = rocksalt(cubic=True)
        atoms.calc = NequIPCalculator.from_compiled_model(str(program), device="cpu")
        assert np.abs(atoms.get_forces() - found["forces"]).max() < COMPILED
        assert abs(atoms.get_potential_energy() - float(expected["total_energy"])) < len(atoms) * COMPILED
