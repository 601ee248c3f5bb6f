"""The hosts that breakers are attached to in tests: SevenNet-0, a NequIP and a MACE model with random weights, rocksalt."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import sbs
from sbs.nn import SymmetryFields


def wake(attachment, size):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in attachment.parameters():
            weight.copy_(size * torch.randn(weight.shape, generator=generator))


def rocksalt(cubic=False):
    build = pytest.importorskip("ase.build", reason="ase is not installed")
    return build.bulk("NaCl", "rocksalt", a=5.64, cubic=cubic)


@pytest.fixture(scope="module")
def sevennet():
    """The model with the weights that ship in the wheel, and a function for energy and forces of rocksalt (of a copy, too)."""
    calculators = pytest.importorskip("sevenn.calculator", reason="SevenNet is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calculator = calculators.SevenNetCalculator("7net-0", device="cpu")
    atoms, model = rocksalt(), calculator.model

    def evaluate(given=model):
        calculator.model = given
        calculator.calculate(atoms)
        return calculator.results["energy"], calculator.results["forces"].copy()

    return model, evaluate


@pytest.fixture
def sevennet_attached(sevennet):
    """SevenNet-0 with a breaker whose weights are awake, the breaker, and the function for energy and forces."""
    from sbs.nn import SymmetryBreaker, attach, detach

    model, evaluate = sevennet
    breaker = SymmetryBreaker(sbs.minimal_set("O", "C4", ambient="SO(3)"), dtype=torch.float32)
    wake(attach(model, breaker, at="1_equivariant_gate", ignore_parity=True), 0.05)
    yield model, breaker, evaluate
    detach(model)


@pytest.fixture
def nequip():
    models = pytest.importorskip("nequip.model", reason="NequIP is not installed")
    from nequip.data import from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
    from nequip.utils.global_state import set_global_state

    set_global_state()
    model = models.NequIPGNNModel(
        seed=1,
        model_dtype="float32",
        r_max=4.0,
        type_names=["Na", "Cl"],
        num_layers=3,
        l_max=2,
        num_features=8,
        avg_num_neighbors=10.0,
        per_type_energy_scales=1.0,
        per_type_energy_shifts=0.0,
    )
    data = ChemicalSpeciesToAtomTypeMapper(model_type_names=["Na", "Cl"])(from_ase(rocksalt()))
    data = NeighborListTransform(r_max=4.0)(data)

    def evaluate(given=model):
        output = given(dict(data))
        return float(output["total_energy"].detach()), output["forces"].detach().double().numpy()

    return model, evaluate


@pytest.fixture
def mace():
    modules = pytest.importorskip("mace.modules", reason="MACE is not installed")
    from e3nn import o3
    from mace import data, tools
    from mace.tools import torch_geometric

    torch.set_default_dtype(torch.float64)
    model = modules.MACE(
        r_max=4.0,
        num_bessel=4,
        num_polynomial_cutoff=5,
        max_ell=2,
        interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=modules.interaction_classes["RealAgnosticInteractionBlock"],
        num_interactions=2,
        num_elements=2,
        hidden_irreps=o3.Irreps("8x0e+8x1o"),
        MLP_irreps=o3.Irreps("4x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=np.zeros(2),
        avg_num_neighbors=10.0,
        atomic_numbers=[11, 17],
        correlation=2,
        radial_type="bessel",
    )
    configuration = data.config_from_atoms(rocksalt())
    table = tools.AtomicNumberTable([11, 17])
    atoms = data.AtomicData.from_config(configuration, z_table=table, cutoff=4.0)
    batch = next(iter(torch_geometric.dataloader.DataLoader([atoms], batch_size=1)))

    def evaluate(given=model):
        output = given(batch.to_dict())
        return float(output["energy"].detach()), output["forces"].detach().numpy()

    return model, evaluate


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
